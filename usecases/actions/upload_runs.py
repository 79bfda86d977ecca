"""A worker's side of uploads: take one, read it to its end, tell how far it came, keep house.

A run writes its progress once a second from a thread with a connection of its own, so that it is seen while a batch is
being stored; the same thread finds out that the owner wants it to stop, or that the run was given up for another one.
"""

import csv
import io
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any, Final
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, Error, connection, transaction
from django.http import Http404
from django.utils import timezone

from routing.actions import rollouts
from routing.imports.faults import Refusal, Unusable
from routing.runtime.masking import shortened
from usecases import uploads
from usecases.actions import imports
from usecases.actions.uploads import SILENT, UNDER_WAY
from usecases.models import Upload

logger = logging.getLogger(__name__)

# Of four threads of a worker: a kill's follow-up must never wait for somebody's history.
MOST_AT_ONCE: Final = 2
TURNS: Final = 0x75706C64  # names the lock under which turns are given out
SHOWN: Final = 100
# Every row of a large file may be refused; the list of them must not fill the disk that the database lives on.
MOST_LISTED: Final = 64 << 20
LONGEST_FIELD, LONGEST_REASON = 200, 500
ENDS: Final = "This list is full and ends here; more rows may have been refused."
BEAT_SECONDS: Final = 1.0
AGAIN: Final = "What was stored stays; start it again, nothing is doubled."


class _Stopped(Exception):
    """The owner wants it to end."""


class _GivenUp(Exception):
    """Another run has this upload now, or nobody wants it any more: this one has nothing to say."""


class _Pulse(threading.Thread):
    """Tells of a run once a second, and learns whether it is still wanted."""

    def __init__(self, upload: Upload) -> None:
        super().__init__(name=f"upload-{upload.pk}", daemon=True)
        self.mine = Upload.objects.filter(pk=upload.pk, run=upload.run, status="running")
        self.progress: dict[str, Any] = {}
        self.refusals: list[list[Any]] = []
        self.lines = 0
        self.stop_asked = False
        self.given_up = False
        self._over = threading.Event()

    def run(self) -> None:
        try:
            while not self._over.wait(BEAT_SECONDS):
                try:
                    self._beat()
                except Error:
                    connection.close()  # the database was away; the next beat connects anew
        finally:
            connection.close()

    def _beat(self) -> None:
        # Not saved as the row is: a number that changes every second is no change that its history should keep.
        told = self.mine.update(
            tally=self.progress, refusals=list(self.refusals), lines=self.lines, progressed_at=timezone.now()
        )
        self.given_up = self.given_up or not told
        self.stop_asked = self.stop_asked or self.mine.filter(stop_asked=True).exists()

    def check(self) -> None:
        """Raise what ends the run, where something does."""
        if self.given_up:
            raise _GivenUp
        if self.stop_asked:
            raise _Stopped

    def end(self) -> None:
        self._over.set()
        self.join()


def work_off(*, upload: UUID) -> bool:
    """Take an upload that waits and do what was asked; False where it does not wait, or no turn is free.

    Whatever goes wrong is told on the upload. Run twice, late or cut off half way, it doubles nothing.
    """
    row = _claim(upload)
    if row is None:
        return False
    pulse = _Pulse(row)
    pulse.start()
    try:
        status, error = _outcome(row, pulse)
    except _GivenUp:
        return False
    finally:
        pulse.end()
    _finish(row, pulse, status, error)
    return True


def next_ones() -> list[UUID]:
    """Return the uploads that wait longest, as many as there are turns."""
    waiting = Upload.objects.filter(status="queued").order_by("progressed_at")
    return list(waiting.values_list("pk", flat=True)[: max(0, MOST_AT_ONCE - _running())])


def _running() -> int:
    return Upload.objects.filter(status="running", progressed_at__gt=timezone.now() - SILENT).count()


def _claim(upload: UUID) -> Upload | None:
    """Give an upload its turn; two workers that ask at once get one each."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TURNS])
        rows = Upload.objects.select_for_update(of=("self",)).select_related("use_case")
        row = rows.filter(pk=upload, status="queued").first()
        if row is None or _running() >= MOST_AT_ONCE:
            return None
        row.status, row.run = "running", uuid4()
        row.started_at = row.progressed_at = timezone.now()
        row.save()
    return row


def _outcome(row: Upload, pulse: _Pulse) -> tuple[str, str]:
    """Do the work; return how it ended, and what is to be told about that."""
    try:
        _read(row, pulse)
    except _Stopped:
        return "stopped", ""
    except _GivenUp:
        raise
    except Unusable as unusable:
        return "failed", "\n".join(unusable.faults)
    except (PermissionDenied, Http404) as refused:
        return "failed", str(refused)
    except DatabaseError as error:
        # Its own words may quote the row that it refused.
        logger.warning(
            "upload %s: %s %s", row.pk, type(error).__name__, getattr(error.__cause__, "sqlstate", "")
        )
        return "failed", f"The database did not take a batch. {AGAIN}"
    except Exception:
        logger.exception("upload %s", row.pk)
        return "failed", f"Something broke on our side; it is in the worker's log. {AGAIN}"
    return ("uploaded" if row.checking else "done"), ""


def _read(row: Upload, pulse: _Pulse) -> None:
    """Read the file to its end, through the same action as `manage.py import_decisions`."""
    by = User.objects.filter(username=row.started_by).first()
    if by is None:
        raise PermissionDenied(f"There is no account “{row.started_by}” any more.")
    if not uploads.is_there(row):
        raise Unusable("The worker does not find the file: it has to share the console's DATA_DIR.")
    plan = imports.plan(
        use_case=row.use_case,
        source=uploads.log_of(row.pk),
        by=by,
        renames=[(column, target) for column, target in row.renames],
        name=row.name,
    )
    pulse.lines = plan.log.survey.lines
    started = time.monotonic()

    def tell(tally: imports.Tally) -> None:
        seconds = round(time.monotonic() - started, 3)
        pulse.progress = tally.as_dict() | {"seconds": seconds, "version": plan.version}
        pulse.check()

    pulse.check()
    listed = 0
    with _refused_file(row) as refused:

        def keep(refusal: Refusal) -> None:
            told = [
                refusal.line,
                shortened(refusal.field, LONGEST_FIELD),
                shortened(refusal.reason, LONGEST_REASON),
            ]
            nonlocal listed
            if listed < MOST_LISTED:
                listed += csv.writer(refused).writerow(told)
                if listed >= MOST_LISTED:
                    csv.writer(refused).writerow([refusal.line, "", ENDS])
            if len(pulse.refusals) < SHOWN:
                pulse.refusals.append(told)

        imports.run(plan, dry_run=row.checking, on_refused=keep, on_progress=tell)


@contextmanager
def _refused_file(row: Upload) -> Iterator[IO[str]]:
    """Open what a run refuses; each run has its own, and the newest is kept."""
    raw = uploads.private(uploads.refused_of(row))
    with io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(["line", "field", "reason"])
        yield file


def _finish(row: Upload, pulse: _Pulse, status: str, error: str) -> None:
    """Write down how a run ended, unless it was given up meanwhile."""
    with transaction.atomic():
        now = Upload.objects.select_for_update().filter(pk=row.pk, run=row.run, status="running").first()
        if now is None:
            return
        now.status, now.error, now.stop_asked = status, error, False
        now.tally, now.refusals, now.lines = pulse.progress, pulse.refusals, pulse.lines
        now.ended_at = now.progressed_at = timezone.now()
        if status == "uploaded":
            now.checked = pulse.progress
        now.save()
        rollouts.changed([row.use_case.slug])  # open pages show the new history at once
    uploads.remove_refused(row.pk, but=row.run)
    if status == "done":
        uploads.remove(row.pk)


def tidy() -> int:
    """Delete logs a day after they came, lists of refused rows after a month, and what belongs to nothing."""
    now, gone = timezone.now(), 0
    busy = set(
        Upload.objects.filter(status__in=UNDER_WAY, progressed_at__gt=now - uploads.KEPT).values_list(
            "pk", flat=True
        )
    )
    for path in uploads.all_files():
        owner = _owner(path.name)
        kept = uploads.REFUSED_KEPT if path.suffix == ".refused" else uploads.KEPT
        try:
            age = now - datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if owner not in busy and age > kept:
                path.unlink()
                gone += 1
        except FileNotFoundError:
            continue
    return gone


def _owner(name: str) -> UUID | None:
    try:
        return UUID(name.partition(".")[0])
    except ValueError:
        return None
