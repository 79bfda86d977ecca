"""Importing a decision log in the browser: give a file, say what its columns are, watch it being read."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from usecases import mappings, uploads
from usecases.actions import uploads as actions
from usecases.exports import csv_response
from usecases.models import Upload
from usecases.publishing import Refused, latest
from usecases.views import frame, use_case_for
from usecases.views.kill_switches import person
from usecases.views.refusals import careful

FORMER_SHOWN: Final = 50
WAITED_LONG: Final = 15.0
VERBS: Final[dict[str, Callable[..., Upload]]] = {
    "check": actions.check,
    "start": actions.start,
    "stop": actions.stop,
}
PILLS: Final = {
    "uploaded": ("wait", "not imported yet"),
    "queued": ("wait", "waiting for a worker"),
    "running": ("wait", "being imported"),
    "done": ("live", "imported"),
    "failed": ("stop", "failed"),
    "stopped": ("idle", "stopped"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an upload is, for people. `waited`: seconds that no worker has taken it."""

    upload: Upload
    pill: str
    words: str
    there: bool
    silent: bool
    waited: float
    rate: float

    @property
    def under_way(self) -> bool:
        return self.upload.status in actions.UNDER_WAY and not self.silent

    @property
    def waits_long(self) -> bool:
        return self.upload.status == "queued" and self.waited > WAITED_LONG

    @property
    def more_refused(self) -> bool:
        """Whether more rows were refused than the page lists."""
        return int(self.upload.tally.get("refused", 0)) > len(self.upload.refusals)


def standing_of(upload: Upload) -> Standing:
    """Return how far an upload is."""
    pill, words = PILLS[upload.status]
    silent, there = actions.is_silent(upload), uploads.is_there(upload)
    if silent:
        pill, words = "stop", "no progress"
    elif upload.status == "running" and upload.checking:
        words = "being checked"
    elif upload.status == "uploaded" and not there:
        pill, words = "idle", "deleted, never imported"
    since = upload.progressed_at or upload.uploaded_at
    tally = upload.tally
    rate = tally.get("rows", 0) / tally["seconds"] if tally.get("seconds") else 0.0
    return Standing(upload, pill, words, there, silent, (timezone.now() - since).total_seconds(), rate)


@login_required
def give(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form for a file and what was uploaded before, or take a file."""
    use_case = use_case_for(request, slug, "tune")
    if request.method != "POST":
        return _giving(request, slug)
    given = request.FILES.get("file")
    if not isinstance(given, TemporaryUploadedFile):
        return _giving(request, slug, "Choose a file first.")
    try:
        upload = actions.receive(
            use_case=use_case,
            source=Path(given.temporary_file_path()),
            name=given.name or "",
            by=person(request),
        )
    except Refused as refusal:
        return _giving(request, slug, str(refusal))
    where = reverse("upload", args=[slug, upload.pk])
    return redirect(where) if request.accepts("text/html") else JsonResponse({"location": where})


def _giving(request: HttpRequest, slug: str, refused: str = "") -> HttpResponse:
    """Render the form; a script that sent the file gets the words alone."""
    status = 422 if refused else 200
    if refused and not request.accepts("text/html"):
        return JsonResponse({"message": refused}, status=status)
    use_case = use_case_for(request, slug, "tune")
    most = uploads.limit()
    context = frame(request, use_case, "decisions")
    context |= {
        "refused": refused,
        "most": most,
        "most_words": uploads.size_words(most),
        "too_large": uploads.too_large(most),
        "former": [standing_of(row) for row in use_case.uploads.all()[:FORMER_SHOWN]],
        "models": [model["name"] for model in context["version"].document["models"]],
    }
    return render(request, "usecases/import/page.html", context, status=status)


@login_required
def upload(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Show one upload: its columns and first rows, how far it is, or what became of it."""
    found = _found(request, slug, pk)
    context = frame(request, found.use_case, "decisions") | _context(found)
    return render(request, "usecases/import/upload.html", context)


@login_required
@require_POST
@careful
def remap(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Take what the owner says of columns and models; the preview follows."""
    found = _take_map(request, _found(request, slug, pk))
    if not getattr(request, "htmx", None):
        return redirect("upload", slug, pk)
    context = {"version": latest(found.use_case), "use_case": found.use_case} | _context(found)
    return render(request, "usecases/import/_mapping.html", context)


def _take_map(request: HttpRequest, found: Upload) -> Upload:
    """Keep what the form says of columns and models, where it says anything."""
    said = {name: str(value).replace("\x00", "") for name, value in request.POST.items()}
    if not any(name.startswith(("model:", "column:")) for name in said):
        return found
    renames = mappings.chosen(mappings.preview(found), said, mappings.pairs(found))
    return actions.remap(upload=found, renames=renames, by=person(request))


@login_required
@require_POST
def press(request: HttpRequest, slug: str, pk: UUID, verb: str) -> HttpResponse:
    """Have the file checked or imported, or stop that."""
    found = _found(request, slug, pk)
    try:
        if verb != "stop":
            # The form's buttons bring what was chosen last, also where no script has sent it before.
            found = _take_map(request, found)
        VERBS[verb](upload=found, by=person(request))
    except Refused as refusal:
        messages.error(request, " ".join([str(refusal), *(e["message"] for e in refusal.errors)]))
    return redirect("upload", slug, pk)


@login_required
def refused_csv(request: HttpRequest, slug: str, pk: UUID) -> StreamingHttpResponse:
    """Send every row that the last run refused."""
    found = _found(request, slug, pk)
    path = uploads.refused_of(found)
    if not path.exists():
        raise Http404("There is no list of refused rows for this upload; it is kept for 30 days.")
    return csv_response(request, f"refused-{slug}-{pk}.csv", ["line", "field", "reason"], _refused(path))


def _refused(path: Path) -> Iterator[list[Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        yield from rows


def _found(request: HttpRequest, slug: str, pk: UUID) -> Upload:
    found = actions.of(use_case_for(request, slug, "tune"), pk)
    if found is None:
        raise Http404("There is no such upload of this use case.")
    return found


def _context(found: Upload) -> dict[str, Any]:
    """Return what the page says of an upload; its columns only while they can still be changed."""
    standing = standing_of(found)
    mapped = found.status in ("uploaded", "stopped", "failed") and standing.there
    return {
        "state": standing,
        "upload": found,
        "preview": mappings.preview(found) if mapped else None,
        "field_words": mappings.FIELD_WORDS.items(),
        "measure_words": mappings.MEASURE_WORDS.items(),
        "size": uploads.size_words(found.size),
    }
