"""Addresses of what-if results: the cases behind a cell, kept results; under one use case."""

from django.urls import URLPattern, path

from usecases.views import cases, effects, kept

urlpatterns: list[URLPattern] = [
    path("cases", cases.cases, name="cases"),
    path("cases.csv", cases.cases_csv, name="cases-csv"),
    path("changes/<int:number>/effect", effects.effect, name="version-effect"),
    path("what-if", kept.kept_impacts_page, name="kept-impacts"),
    path("what-if/keep", kept.keep, name="keep-impact"),
    path("what-if/<uuid:pk>", kept.kept_impact, name="kept-impact"),
]
