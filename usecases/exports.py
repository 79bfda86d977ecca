"""Tables as CSV and lines of JSON: streamed, UTF-8, and harmless in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse

from usecases.downloads import download

CHUNK = 500
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def cell(value: Any) -> Any:
    """Return a value that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


def csv_response(
    request: HttpRequest, filename: str, header: list[str], rows: Iterable[list[Any]]
) -> StreamingHttpResponse:
    """Stream rows as a download; a million of them take no more memory than five hundred."""
    return download(request, filename, "text/csv; charset=utf-8", _parts(chain([header], rows)))


def lines_response(request: HttpRequest, filename: str, lines: Iterable[str]) -> StreamingHttpResponse:
    """Stream lines of JSON as a download, as `csv_response` does rows."""
    left = iter(lines)
    chunks = iter(lambda: list(islice(left, CHUNK)), [])
    parts = ("".join(f"{line}\n" for line in chunk).encode() for chunk in chunks)
    return download(request, filename, "application/jsonl; charset=utf-8", parts)


def _parts(rows: Iterable[list[Any]]) -> Iterator[bytes]:
    left = iter(rows)
    while chunk := list(islice(left, CHUNK)):
        text = io.StringIO()
        csv.writer(text).writerows([cell(value) for value in row] for row in chunk)
        yield text.getvalue().encode()
