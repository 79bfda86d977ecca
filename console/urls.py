"""Addresses of pages and of the HTTP API."""

from django.urls import URLPattern, URLResolver, include, path

from console import health
from console.api import api
from console.views import (
    access,
    approvals,
    assistants,
    audit,
    audit_event,
    people,
    people_list,
    portfolio,
    tokens,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", portfolio.portfolio, name="portfolio"),
    path("api/v1/", api.urls),
    path("", include("console.account_urls")),
    path("use-cases/", include("usecases.urls")),
    path("approvals", approvals.approvals, name="approvals"),
    path("", include("console.lane_urls")),
    path("units", access.units, name="units"),
    path("units/<slug:unit>/<slug:verb>", access.unit_act, name="unit-act"),
    path("access-reviews", access.list_reviews, name="access-reviews"),
    path("access-reviews/<int:number>", access.review, name="access-review"),
    path("access-reviews/<int:number>.csv", access.review_csv, name="access-review-csv"),
    path("access-reviews/<int:number>/lines", access.decide, name="access-review-decide"),
    path("access-reviews/<int:number>/close", access.close, name="access-review-close"),
    path("audit", audit.audit, name="audit"),
    path("audit.csv", audit.audit_csv, name="audit-csv"),
    path("audit.jsonl", audit.audit_jsonl, name="audit-jsonl"),
    path("audit/filters", audit.keep, name="audit-keep"),
    path("audit/filters/<int:pk>", audit.kept, name="audit-kept"),
    path("audit/<uuid:uid>", audit_event.event, name="audit-event"),
    path("audit/<uuid:uid>/proof.json", audit_event.proof, name="audit-proof"),
    path("audit/<uuid:uid>/erase", audit_event.erase, name="audit-erase"),
    path("assistants", assistants.assistants, name="assistants"),
    path("people", people_list.people, name="people"),
    path("people.csv", people_list.people_csv, name="people-csv"),
    path("people/<int:pk>", people.person, name="person"),
    path("people/<int:pk>/sessions/end", people.end_sessions, name="person-sessions-end"),
    path("people/<int:pk>/sessions/<slug:verb>/end", people.end_sessions, name="person-session-end"),
    path("people/<int:pk>/<slug:verb>", people.act, name="person-act"),
    path("tokens", tokens.tokens, name="tokens"),
    path("tokens.csv", tokens.tokens_csv, name="tokens-csv"),
    path("tokens/<int:pk>/revoke", tokens.revoke, name="token-revoke"),
    path("tokens/<int:pk>/rotate", tokens.rotate, name="token-rotate"),
]
handler400 = "console.views.errors.bad_request"
handler403 = "console.views.errors.forbidden"
handler404 = "console.views.errors.not_found"
handler500 = "console.views.errors.server_error"
