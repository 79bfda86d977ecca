"""Addresses of what-if results: the cases behind a cell, kept results; under one use case."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
