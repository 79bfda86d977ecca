"""Addresses of what-if results: the cases behind a cell, kept results; under one use case."""

from django.urls import URLPattern, path

from usecases.views import cases, effects

urlpatterns: list[URLPattern] = [
    path("cases", cases.cases, name="cases"),
    path("cases.csv", cases.cases_csv, name="cases-csv"),
    path("changes/<int:number>/effect", effects.effect, name="version-effect"),
]
