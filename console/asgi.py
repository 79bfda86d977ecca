"""The web process: Django, and beside it what thousands of assistants do at once: streams, acks, heartbeats."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

from django.core.asgi import get_asgi_application

pages = get_asgi_application()

# Imported after Django is set up: they need its settings and models.
from django.conf import settings  # noqa: E402

from console import live  # noqa: E402
from console.batches import Reports  # noqa: E402
from console.bodies import limited  # noqa: E402
from console.web import Web  # noqa: E402
from routing import stream  # noqa: E402

web = Web(settings.DATABASE_URL)
reports = Reports()
APPS: dict[str, Callable[..., Awaitable[None]]] = {stream.PATH: web.stream, live.PATH: web.live}


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve one request, or the life of the process."""
    if scope["type"] == "lifespan":
        await web.lifespan(receive, send)
    elif scope["type"] == "http":
        app = reports if reports.takes(scope) else APPS.get(scope["path"])
        # `is None`, not falsehood: a stream that nobody watches yet has length 0.
        await (limited(pages, scope, receive, send) if app is None else app(scope, receive, send))
