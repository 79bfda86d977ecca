"""Addresses of the draft's three tabs, under one use case."""

from django.urls import path, re_path

from usecases.views import escalation, impact, models, rules, tune

urlpatterns = [
    path("tune", tune.tune, name="tune"),
    path("models", models.models, name="models"),
    path("escalation", escalation.escalation, name="escalation"),
    path("tune/edit", tune.edit, name="draft-edit"),
    path("tune/rule", rules.rule, name="rule"),
    path("tune/review", tune.review, name="draft-review"),
    path("tune/impact", impact.impact, name="tune-impact"),
    path("tune/impact/progress", impact.progress, name="tune-impact-progress"),
    path("tune/impact/chart", impact.chart, name="tune-impact-chart"),
    path("tune/impact/more", impact.more, name="tune-impact-more"),
    path("tune/discard", tune.discard, name="draft-discard"),
    path("tune/carry-over", tune.rebase, name="draft-rebase"),
    path("tune/apply", tune.apply, name="draft-apply"),
    path("tune/submit", tune.submit, name="draft-submit"),
    path("tune/delivery/<int:number>", tune.delivery, name="draft-delivery"),
    re_path(r"^tune/(?P<verb>undo|redo)$", tune.step, name="draft-step"),
]
