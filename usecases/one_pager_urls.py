"""Addresses of the one-pager and of what a use case is called."""

from django.urls import URLPattern, path

from usecases.views import one_pager, settings

urlpatterns: list[URLPattern] = [
    path("one-pager", one_pager.one_pager, name="one-pager"),
    path("one-pager/edit", one_pager.edit, name="one-pager-edit"),
    path("settings", settings.settings, name="use-case-settings"),
]
