"""Addresses of golden sets, under one use case."""

from django.urls import URLPattern, path

from usecases.views import golden_sets

urlpatterns: list[URLPattern] = [
    path("golden-sets", golden_sets.golden_sets, name="golden-sets"),
    path("golden-sets/<int:pk>", golden_sets.golden_set, name="golden-set"),
    path("golden-sets/<int:pk>/delete", golden_sets.delete, name="golden-set-delete"),
]
