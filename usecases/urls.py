"""Addresses of the pages of use cases, under `use-cases/`."""

from django.urls import URLPattern, URLResolver, include, path

from usecases.views import change, changes, decisions, guardrails, kill_switches, overview, use_cases

of_one: list[URLPattern | URLResolver] = [
    path("", overview.overview, name="overview"),
    path("kill", kill_switches.kill, name="kill"),
    path("restore", kill_switches.restore, name="restore"),
    path("message", kill_switches.message, name="message"),
    path("changes", changes.changes, name="changes"),
    path("changes/<int:number>", changes.version, name="version"),
    path("changes/<int:number>/revert", changes.revert, name="revert"),
    path("approvals/<int:number>", change.change, name="change"),
    path("approvals/<int:number>/<slug:verb>", change.act, name="change-act"),
    path("overrides/<int:pk>/<slug:verb>", change.override_act, name="override-act"),
    path("decisions", decisions.decisions, name="decisions"),
    path("decisions.csv", decisions.decisions_csv, name="decisions-csv"),
    path("decisions/<uuid:pk>", decisions.decision, name="decision"),
    path("assistants", overview.assistants, name="assistants-of"),
    path("guardrails", guardrails.guardrails, name="guardrails"),
    path("", include("usecases.tune_urls")),
    path("", include("usecases.promise_urls")),
    path("", include("usecases.access_urls")),
    path("", include("usecases.what_if_urls")),
    path("", include("usecases.import_urls")),
    path("", include("usecases.evidence_urls")),
    path("", include("usecases.one_pager_urls")),
    path("", include("usecases.golden_urls")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("new", use_cases.new, name="use-case-new"),
    path("kill", kill_switches.kill_all, name="kill-all"),
    path("restore", kill_switches.restore_all, name="restore-all"),
    path("<slug:slug>/", include(of_one)),
]
