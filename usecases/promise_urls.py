"""Addresses of the Promise tab: what is promised, what the labels allow, which setting keeps it; under one use case."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
