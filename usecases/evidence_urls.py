"""Address of the page that evidence packs are taken from; under one use case."""

from django.urls import URLPattern, path

from usecases.views import evidence

urlpatterns: list[URLPattern] = [path("evidence", evidence.evidence, name="evidence")]
