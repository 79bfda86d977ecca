"""Addresses of the Promise tab: what is promised, what the labels allow, which setting keeps it; under one use case."""

from django.urls import URLPattern, path

from usecases.views import calibration, promise, promise_parts

urlpatterns: list[URLPattern] = [
    path("calibration", calibration.calibration, name="calibration"),
    path("calibration/propose", calibration.propose, name="calibration-propose"),
    path("calibration/remove", calibration.remove, name="calibration-remove"),
    path("promise", promise.promise, name="promise"),
    path("promise/labels", promise_parts.labels, name="promise-labels"),
    path("promise/ladders", promise_parts.ladders, name="promise-ladders"),
    path("promise/certify", promise.certify, name="promise-certify"),
    path("promise/use", promise.use, name="promise-use"),
]
