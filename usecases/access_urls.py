"""Addresses of “Who may do what here”, under one use case."""

from django.urls import URLPattern, path

from usecases.views import access

urlpatterns: list[URLPattern] = [
    path("access", access.page, name="access"),
    path("access.csv", access.as_csv, name="access-csv"),
    path("access/grant", access.grant, name="access-grant"),
    path("access/revoke", access.revoke, name="access-revoke"),
    path("access/unit", access.unit, name="access-unit"),
    path("access/lend", access.lend, name="access-lend"),
    path("access/loans/<int:pk>/end", access.end, name="access-end"),
]
