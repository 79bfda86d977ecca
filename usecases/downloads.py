"""Files as downloads: sent as they are read, closed when sent."""

from collections.abc import AsyncIterator, Iterator
from typing import IO, Any, Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

BLOCK: Final = 1 << 18


def zip_response(request: HttpRequest, filename: str, file: IO[bytes]) -> StreamingHttpResponse:
    """Send an open zip from its beginning; it is closed with the response, sent or not."""
    size = file.seek(0, 2)
    file.seek(0)
    blocks: Any = _asynchronously(file) if isinstance(request, ASGIRequest) else _blocks(file)
    response = StreamingHttpResponse(blocks, content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["Content-Length"] = str(size)
    response.headers["Cache-Control"] = "no-store"
    response._resource_closers.append(file.close)  # type: ignore[attr-defined]  # as Django's own file response does
    return response


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block


async def _asynchronously(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Read the next block in the request's own thread: Django would otherwise read them all before sending one."""
    read = sync_to_async(lambda: file.read(BLOCK))
    while block := await read():
        yield block
