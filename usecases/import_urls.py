"""Addresses of importing a decision log in the browser; under one use case."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
