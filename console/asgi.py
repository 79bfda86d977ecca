"""The web process: Django, and beside it what thousands of assistants do at once: streams, acks, heartbeats."""

import os
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

from django.core.asgi import get_asgi_application

pages = get_asgi_application()

# Imported after Django is set up: they need its settings and models.
from django.conf import settings  # noqa: E402

from console import live, uploading  # noqa: E402
from console.batches import Reports  # noqa: E402
from console.bodies import limited  # noqa: E402
from console.web import Web  # noqa: E402
from routing import stream  # noqa: E402
from usecases import uploads  # noqa: E402

web = Web(settings.DATABASE_URL)
reports = Reports()
# Bodies are spooled beside the uploads: what the system keeps for temporary files may be memory.
tempfile.tempdir = str(uploads.folder())
APPS: dict[str, Callable[..., Awaitable[None]]] = {stream.PATH: web.stream, live.PATH: web.live}


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve one request, or the life of the process."""
    if scope["type"] == "lifespan":
        await web.lifespan(receive, send)
    elif scope["type"] == "http":
        app = reports if reports.takes(scope) else APPS.get(scope["path"])
        if app is not None:  # not falsehood: a stream that nobody watches yet has length 0
            await app(scope, receive, send)
            return
        limit, words = await uploading.limit_of(scope)
        await limited(pages, scope, receive, send, limit=limit, words=words)
