"""Decision logs by API: give a file with what its columns mean, then ask how far its import is."""

import os
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from console.api.auth import person, user_of
from console.api.problems import Invalid
from console.api.use_cases import found
from routing.imports.faults import Unusable
from routing.imports.layout import parse_rename
from usecases import permissions, uploads
from usecases.actions import uploads as actions
from usecases.models import Upload, UseCase
from usecases.publishing import Refused

router = Router(tags=["imports"], auth=person)
CHUNK = 1 << 20
RAW = {"schema": {"type": "string", "format": "binary"}}
FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "FILE.csv or FILE.jsonl, plain or .gz"},
        "map": {
            "type": "array",
            "items": {"type": "string"},
            "description": "COLUMN=FIELD or NAME=MODEL, as import_decisions takes it",
        },
    },
}
BODY = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": FORM}, "application/octet-stream": RAW},
    }
}


class Tally(Schema):
    """What became of the rows so far. `already`: stored by an earlier run; `judged`: verdicts that came with them."""

    rows: int = 0
    stored: int = 0
    already: int = 0
    refused: int = 0
    judged: int = 0
    seconds: float = 0.0


class RefusedRow(Schema):
    line: int
    field: str
    reason: str


class Import(Schema):
    """An import; `checked` after a dry run.

    `running` without progress for a minute has lost its worker: give the file again, nothing is doubled.
    """

    id: UUID
    name: str
    status: Literal["uploaded", "queued", "running", "checked", "done", "failed", "stopped"]
    dry_run: bool
    lines: int
    tally: Tally
    refusals: Annotated[list[RefusedRow], Field(description="The first refused rows, 100 at most.")]
    errors: Annotated[list[str], Field(description="What is wrong with the file as a whole.")]
    uploaded_at: datetime
    started_at: datetime | None
    progressed_at: datetime | None
    ended_at: datetime | None


@router.post(
    "/{slug}/imports",
    response={202: Import},
    summary="Import a decision log; a worker reads it",
    description="As a form with `file` and `map`, or as the body itself with `name` and `map` in the query. "
    "`dry_run` reads and checks everything and stores nothing. Refused rows are told, the rest is taken; sent twice, "
    "nothing is doubled.",
    openapi_extra=BODY,
)
def give(
    request: HttpRequest,
    slug: str,
    name: Annotated[str, Query(description="The file's name, where it is the body itself.")] = "",
    map: Annotated[list[str], Query(description="COLUMN=FIELD or NAME=MODEL")] = [],  # noqa: A002, B006 - its name
    dry_run: bool = False,
) -> Any:
    use_case, by = found(request, slug), user_of(request)
    permissions.check(by, "tune", use_case)
    form = (request.content_type or "") == "multipart/form-data"
    renames = _renames([*map, *(request.POST.getlist("map") if form else [])])
    source, called = _from_form(request) if form else _from_body(request, name)
    try:
        upload = actions.receive(use_case=use_case, source=source, name=called, by=by)
    finally:
        if not form:
            source.unlink(missing_ok=True)
    try:
        actions.remap(upload=upload, renames=renames, by=by)
        queued = (actions.check if dry_run else actions.start)(upload=upload, by=by)
    except Refused:
        actions.stop(upload=upload, by=by)
        raise
    return Status(202, _out(queued))


@router.get("/{slug}/imports/{pk}", response=Import, summary="How far an import is, and what it refused")
def read(request: HttpRequest, slug: str, pk: UUID) -> Any:
    use_case: UseCase = found(request, slug)
    permissions.check(request.user, "tune", use_case)
    upload = actions.of(use_case, pk)
    if upload is None:
        raise Http404("There is no such import of this use case.")
    return _out(upload)


def _renames(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Read what the caller says of columns. Raises `Invalid` with everything that does not read so."""
    found: list[tuple[str, str]] = []
    errors = []
    for place, text in enumerate(texts):
        try:
            found.append(parse_rename(text))
        except Unusable as unusable:
            errors.append({"path": f"map[{place}]", "message": str(unusable)})
    if errors:
        raise Invalid(errors)
    return found


def _from_form(request: HttpRequest) -> tuple[Path, str]:
    given = request.FILES.get("file")
    if not isinstance(given, TemporaryUploadedFile):
        raise Invalid([{"path": "file", "message": "is missing: give the decision log as “file”."}])
    return Path(given.temporary_file_path()), given.name or ""


def _from_body(request: HttpRequest, name: str) -> tuple[Path, str]:
    """Write the body to a file of its own, piece by piece."""
    if not name:
        words = "is missing: say what the file is called, such as ?name=log.csv.gz."
        raise Invalid([{"path": "name", "message": words}])
    handle, path = tempfile.mkstemp(dir=uploads.folder(), suffix=".body")
    with os.fdopen(handle, "wb") as file:
        while chunk := request.read(CHUNK):
            file.write(chunk)
    return Path(path), name


def _out(upload: Upload) -> dict[str, Any]:
    return {
        "id": upload.pk,
        "name": upload.name,
        "status": "checked" if upload.status == "uploaded" and upload.checked else upload.status,
        "dry_run": upload.checking,
        "lines": upload.lines,
        "tally": upload.tally,
        "refusals": [
            {"line": line, "field": column, "reason": reason} for line, column, reason in upload.refusals
        ],
        "errors": upload.error.splitlines(),
        "uploaded_at": upload.uploaded_at,
        "started_at": upload.started_at,
        "progressed_at": upload.progressed_at,
        "ended_at": upload.ended_at,
    }
