"""Tables as CSV and lines of JSON: streamed, UTF-8, and harmless in a spreadsheet."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

CHUNK = 500
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: Any) -> Any:
    """Return a value that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


def csv_response(
    request: HttpRequest, filename: str, header: list[str], rows: Iterable[list[Any]]
) -> StreamingHttpResponse:
    """Stream rows as a download; a million of them take no more memory than five hundred."""
    return _download(request, filename, "text/csv; charset=utf-8", _parts(chain([header], rows)))


def lines_response(request: HttpRequest, filename: str, lines: Iterable[str]) -> StreamingHttpResponse:
    """Stream lines of JSON as a download, as `csv_response` does rows."""
    left = iter(lines)
    chunks = iter(lambda: list(islice(left, CHUNK)), [])
    parts = ("".join(f"{line}\n" for line in chunk).encode() for chunk in chunks)
    return _download(request, filename, "application/jsonl; charset=utf-8", parts)


def _download(
    request: HttpRequest, filename: str, kind: str, parts: Iterator[bytes]
) -> StreamingHttpResponse:
    body: Any = _asynchronously(parts) if isinstance(request, ASGIRequest) else parts
    response = StreamingHttpResponse(body, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _parts(rows: Iterable[list[Any]]) -> Iterator[bytes]:
    left = iter(rows)
    while chunk := list(islice(left, CHUNK)):
        text = io.StringIO()
        csv.writer(text).writerows([cell(value) for value in row] for row in chunk)
        yield text.getvalue().encode()


async def _asynchronously(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read the next chunk in the request's own thread: Django would otherwise read them all before sending one."""
    read = sync_to_async(lambda: next(parts, None))
    while (part := await read()) is not None:
        yield part
