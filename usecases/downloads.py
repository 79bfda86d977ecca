"""Downloads: sent as they are read."""

from collections.abc import AsyncIterator, Iterator
from typing import IO, Any, Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse

BLOCK: Final = 1 << 18


def hang_up() -> None:
    """Hold no connection with the database while something is sent: there are few, and who takes it in may be slow."""
    if not connection.in_atomic_block:
        connection.close()


def download(request: HttpRequest, filename: str, kind: str, parts: Iterator[bytes]) -> StreamingHttpResponse:
    """Send parts as a file of some content type."""
    body: Any = _asynchronously(parts) if isinstance(request, ASGIRequest) else parts
    response = StreamingHttpResponse(body, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def zip_response(request: HttpRequest, filename: str, file: IO[bytes]) -> StreamingHttpResponse:
    """Send an open zip from its beginning; it is closed with the response, sent or not."""
    size = file.seek(0, 2)
    file.seek(0)
    response = download(request, filename, "application/zip", _blocks(file))
    response.headers["Content-Length"] = str(size)
    response._resource_closers.append(file.close)  # type: ignore[attr-defined]  # as Django's own file response does
    return response


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    hang_up()
    while block := file.read(BLOCK):
        yield block


async def _asynchronously(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read the next part in the request's own thread: Django would otherwise read them all before sending one."""
    read = sync_to_async(lambda: next(parts, None))
    while (part := await read()) is not None:
        yield part
