"""Addresses of importing a decision log in the browser; under one use case."""

from django.urls import URLPattern, path

from usecases.views import imports

urlpatterns: list[URLPattern] = [
    path("import", imports.give, name="import"),
    path("import/<uuid:pk>", imports.upload, name="upload"),
    path("import/<uuid:pk>/map", imports.remap, name="upload-map"),
    path("import/<uuid:pk>/check", imports.press, {"verb": "check"}, name="upload-check"),
    path("import/<uuid:pk>/start", imports.press, {"verb": "start"}, name="upload-start"),
    path("import/<uuid:pk>/stop", imports.press, {"verb": "stop"}, name="upload-stop"),
    path("import/<uuid:pk>/refused.csv", imports.refused_csv, name="upload-refused"),
]
