"""Addresses of the lanes that several use cases share."""

from django.urls import URLPattern, path

from console.views import lanes

urlpatterns: list[URLPattern] = [
    path("lanes", lanes.lanes, name="lanes"),
    path("lanes/new", lanes.new, name="lane-new"),
    path("lanes/<slug:slug>", lanes.lane, name="lane"),
    path("lanes/<slug:slug>/delete", lanes.delete, name="lane-delete"),
]
