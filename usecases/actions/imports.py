"""Take a decision log from elsewhere into a use case, so that an owner can start with history.

A batch is one transaction: it is stored whole or not at all, and a run that ended half way is taken up by running it
again. The event `decisions.imported` is written in the last batch's transaction: if it cannot be written, that batch
is not stored either. Where a file takes several batches, the first one carries `decisions.import_started`, so that no
decision is ever there without a record, whatever happens to the process.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import Error, transaction
from django.utils import timezone

from audit import log
from routing import follow_up
from routing.actions import imported
from routing.engine.decide import compile_document
from routing.imports.deciding import Decider, Imported
from routing.imports.faults import BadRow, Refusal
from routing.imports.files import Survey, survey
from routing.imports.layout import Layout, Renames
from routing.imports.reading import Log, open_log
from routing.models import State
from usecases import permissions
from usecases.models import UseCase
from usecases.publishing import latest

BATCH: Final = 2_000
MOST_IN_A_BATCH: Final = 50_000


@dataclass(slots=True)
class Tally:
    """What became of a file so far. `already`: stored by an earlier run. `judged`: verdicts that came with it."""

    rows: int = 0
    stored: int = 0
    already: int = 0
    refused: int = 0
    judged: int = 0

    def as_dict(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Report:
    """How an import ended. `layout` says how columns were understood; None for decision records."""

    name: str
    digest: str
    version: int
    dry_run: bool
    tally: Tally
    layout: Layout | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """An import that fits: the file, the use case it is for, the document that decides, and in whose name."""

    use_case: UseCase
    name: str
    log: Log
    version: int
    decider: Decider
    by: User


@dataclass(slots=True)
class _Run:
    """One import under way."""

    plan: Plan
    batch: int
    dry_run: bool
    on_refused: Callable[[Refusal], None]
    on_progress: Callable[[Tally], None]
    tally: Tally = field(default_factory=Tally)
    refused: list[Refusal] = field(default_factory=list)


def plan(*, use_case: UseCase, source: Path, by: User, renames: Renames = (), name: str = "") -> Plan:
    """Open a file as a log of a use case; writes nothing. `name` is what people call the file.

    Raises `Forbidden`, `Http404` for a stranger, `Unusable` with everything that is wrong with the file as a whole.
    """
    permissions.check(by, "tune", use_case)
    found: Survey = survey(source, name)
    live, decider = decider_of(use_case)
    opened = open_log(found, use_case=use_case.slug, models=list(decider.order), renames=renames)
    return Plan(use_case, name or source.name, opened, live, decider, by)


def decider_of(use_case: UseCase) -> tuple[int, Decider]:
    """Return what would have decided a use case's past: the live document, and its number.

    Also while the switch is pulled: history is not of that moment.
    """
    version = latest(use_case)
    live = version.number if version.state == State.LIVE else version.returns_to or version.number
    compiled = compile_document(
        version.document, version=live, baseline=version.baseline, message=version.message
    )
    return live, Decider(compiled, use_case=use_case.slug, now=timezone.now())


def run(
    plan: Plan,
    *,
    dry_run: bool = False,
    batch: int = BATCH,
    on_refused: Callable[[Refusal], None] = lambda refusal: None,
    on_progress: Callable[[Tally], None] = lambda tally: None,
) -> Report:
    """Read a planned file to its end and store what can be stored; `dry_run` finds out the same and writes nothing.

    Running it twice doubles nothing. Each refused row is told to `on_refused`, after its batch is stored. When it is
    interrupted, whole batches stay and the record says how far it came.
    """
    permissions.check(plan.by, "tune", plan.use_case)
    started = time.monotonic()
    run = _Run(plan, max(1, min(batch, MOST_IN_A_BATCH)), dry_run, on_refused, on_progress)
    with imported.staging():
        try:
            _store_all(run)
        except BaseException:
            _record_interruption(run)
            raise
        finally:
            if run.tally.stored and not dry_run:
                follow_up.seal(plan.use_case.slug)
    return Report(
        plan.name,
        plan.log.survey.digest,
        plan.version,
        dry_run,
        run.tally,
        plan.log.layout,
        time.monotonic() - started,
    )


def _store_all(run: _Run) -> None:
    """Store batch after batch; a batch knows whether it is the last one."""
    rows = iter(run.plan.log)
    batch = _next(run, rows)
    while True:
        following = _next(run, rows) if batch is not None else None
        _store(run, batch or [], last=following is None)
        if following is None:
            return
        batch = following


def _next(run: _Run, rows: Iterator[Any]) -> list[Imported | Refusal] | None:
    """Decide the next batch; None at the end of the file."""
    found: list[Imported | Refusal] = []
    for row in islice(rows, run.batch):
        try:
            found.append(row if isinstance(row, Refusal) else run.plan.decider.row(row))
        except BadRow as bad:
            found.append(Refusal(row.line, bad.field, bad.reason))
    return found or None


def _store(run: _Run, batch: list[Imported | Refusal], *, last: bool) -> None:
    """Store one batch with its part of the record, all or nothing; then tell of it."""
    good = [row for row in batch if isinstance(row, Imported)]
    refused = [row for row in batch if isinstance(row, Refusal)]
    before = run.tally
    with transaction.atomic():
        stored = imported.store(good, dry_run=run.dry_run)
        refused += [
            Refusal(line, "request_id", f"is on line {first} already; the first one counts.")
            for line, first in stored.twice
        ]
        after = Tally(
            rows=before.rows + len(batch),
            stored=before.stored + stored.new,
            already=before.already + stored.already,
            refused=before.refused + len(refused),
            judged=before.judged + stored.judged,
        )
        if not run.dry_run and after.stored:
            if last:
                _record(run, after)
            elif not before.stored:
                _record_start(run)
    run.tally = after
    for refusal in sorted(refused, key=lambda refusal: refusal.line):
        run.on_refused(refusal)
    run.on_progress(replace(after))


def _record_start(run: _Run) -> None:
    log.record(
        kind="decisions.import_started",
        sentence=f"Import of decisions from {run.plan.name} started.",
        by=run.plan.by,
        use_case=run.plan.use_case.slug,
        version=run.plan.version,
        new=_told(run),
    )


def _record(run: _Run, tally: Tally, *, interrupted: bool = False) -> None:
    words = f"{tally.stored:,} decisions imported from {run.plan.name}"
    words += f"; {tally.already:,} were there already" if tally.already else ""
    words += f"; {tally.refused:,} rows refused" if tally.refused else ""
    words += "; interrupted before its end" if interrupted else ""
    log.record(
        kind="decisions.imported",
        sentence=f"{words}.",
        by=run.plan.by,
        use_case=run.plan.use_case.slug,
        version=run.plan.version,
        new=_told(run) | tally.as_dict() | ({"interrupted": True} if interrupted else {}),
    )


def _told(run: _Run) -> dict[str, Any]:
    """Return what the record keeps of a file: enough to find out later whether it was this one."""
    given = run.plan.log.survey
    return {
        "file": run.plan.name,
        "sha256": given.digest,
        "lines": given.lines,
        "map": [f"{column}={target}" for column, target in run.plan.log.renames],
    }


def _record_interruption(run: _Run) -> None:
    """Say how far it came. If that cannot be written either, the event of its start stands."""
    if run.tally.stored and not run.dry_run:
        with suppress(Error), transaction.atomic():
            _record(run, run.tally, interrupted=True)
