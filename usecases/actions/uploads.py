"""What an owner does with a decision log in the browser or by API: give it, say what its columns are, have it checked
or imported, stop that. The work itself is a worker's: `upload_runs`.

What is imported, and how far it came, is in the record by `imports.run`.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from audit import log
from routing.imports.faults import Unusable
from routing.imports.files import form_of
from routing.imports.layout import MOST_COLUMNS
from usecases import mappings, permissions, uploads
from usecases.models import Upload, UseCase
from usecases.publishing import Refused

SILENT: Final = timedelta(seconds=60)
UNDER_WAY: Final = ("queued", "running")
LONGEST_NAME: Final = 255
LONGEST_RENAME: Final = 500


def receive(*, use_case: UseCase, source: Path, name: str, by: User, reason: str = "") -> Upload:
    """Keep a file that has just come; it is moved from where it lies. Nothing of it is imported yet.

    Raises `Refused` for what is no log, `Forbidden`, `Http404` for a stranger.
    """
    permissions.check(by, "tune", use_case)
    pk, name = uuid4(), _plain(name)
    size = source.stat().st_size
    if size > uploads.limit():
        raise Refused(uploads.too_large(uploads.limit()))
    try:
        form_of(name)
        uploads.take_head(source, pk, name)
        with transaction.atomic():
            upload = Upload.objects.create(
                pk=pk, use_case=use_case, name=name, size=size, uploaded_by=by.get_username()
            )
            log.record(
                kind="upload.received",
                sentence=f"{name} ({uploads.size_words(size)}) uploaded, to be imported.",
                by=by,
                use_case=use_case.slug,
                reason=reason,
                new={"file": name, "bytes": size, "upload": str(pk)},
            )
            uploads.take(source, pk)
    except BaseException as error:
        uploads.remove(pk)
        if isinstance(error, Unusable):
            raise Refused(str(error)) from None
        raise
    return upload


def _plain(name: str) -> str:
    """Return a file's name without its folders and without what no page can show."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if letter.isprintable()).strip()
    return kept if len(kept) <= LONGEST_NAME else kept[-LONGEST_NAME:]


@transaction.atomic
def remap(*, upload: Upload, renames: Sequence[tuple[str, str]], by: User, reason: str = "") -> Upload:
    """Say what columns and models of a file mean, faulty or not; what a check found before is void."""
    row = _own(upload, by)
    pairs = [[column, target] for column, target in renames]
    if len(pairs) > 2 * MOST_COLUMNS or any(len(word) > LONGEST_RENAME for pair in pairs for word in pair):
        raise Refused("These are more or longer names than a file can have.")
    if pairs == row.renames:
        return row
    if row.status in UNDER_WAY and not is_silent(row):
        raise Refused("A worker is reading this file. Stop it first, then change what its columns mean.")
    row.renames, row.checked = pairs, {}
    row.save()
    return row


def check(*, upload: Upload, by: User, reason: str = "") -> Upload:
    """Have a worker read the whole file and say what an import would do; writes no decision."""
    return _queue(upload, by, checking=True)


def start(*, upload: Upload, by: User, reason: str = "") -> Upload:
    """Have a worker import a file; also one that was stopped or whose worker died: nothing is doubled."""
    return _queue(upload, by, checking=False)


@transaction.atomic
def _queue(upload: Upload, by: User, *, checking: bool) -> Upload:
    row = _own(upload, by)
    if row.status in UNDER_WAY and not is_silent(row):
        if row.checking == checking and not row.stop_asked:
            return row
        raise Refused("A worker is reading this file already. Wait until it is done, or stop it.")
    if not uploads.is_there(row):
        raise Refused("The file is not there any more. Upload it again: nothing is doubled.")
    faults = mappings.faults_of(row)
    if faults:
        raise Refused(
            "The file does not fit this use case yet.",
            [{"path": "map", "message": fault} for fault in faults],
        )
    now = timezone.now()
    row.status, row.checking, row.stop_asked, row.started_by = "queued", checking, False, by.get_username()
    # A worker that was taken for dead and is not finds another run here, and ends.
    row.run, row.started_at, row.ended_at, row.progressed_at = None, None, None, now
    row.tally, row.refusals, row.error = {}, [], ""
    row.save()
    transaction.on_commit(lambda: _ask(row.pk))
    return row


def _ask(pk: UUID) -> None:
    """Tell a worker. Imported late: pages that start nothing need no Celery."""
    from usecases import follow_up

    follow_up.ask(str(pk))


@transaction.atomic
def stop(*, upload: Upload, by: User, reason: str = "") -> Upload:
    """Stop what is under way; what is stored stays. A file that nothing was done with yet is thrown away."""
    row = _own(upload, by)
    unread = row.status == "uploaded"
    if row.status == "running" and not is_silent(row):
        if row.stop_asked:
            return row
        row.stop_asked = True
    elif row.status in (*UNDER_WAY, "uploaded"):
        if unread:
            transaction.on_commit(lambda: uploads.remove(row.pk))
        row.status, row.run, row.ended_at = "stopped", None, timezone.now()
    else:
        return row
    row.save()
    what = "Check" if row.checking else "Import"
    words = (
        f"{row.name} thrown away; nothing of it was imported." if unread else f"{what} of {row.name} stopped."
    )
    log.record(
        kind="upload.stopped",
        sentence=words,
        by=by,
        use_case=row.use_case.slug,
        reason=reason,
        new={"file": row.name, "upload": str(row.pk), **row.tally},
    )
    return row


def is_silent(upload: Upload) -> bool:
    """Say whether a worker that took an upload has not been heard of for a minute."""
    last = upload.progressed_at or upload.uploaded_at
    return upload.status == "running" and timezone.now() - last > SILENT


def _own(upload: Upload, by: User) -> Upload:
    """Lock an upload's row for somebody who may tune its use case."""
    permissions.check(by, "tune", upload.use_case)
    return Upload.objects.select_for_update(of=("self",)).select_related("use_case").get(pk=upload.pk)


def of(use_case: UseCase, pk: UUID) -> Upload | None:
    """Return an upload of a use case."""
    return Upload.objects.select_related("use_case").filter(use_case=use_case, pk=pk).first()
