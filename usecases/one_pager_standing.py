"""The one-pager of a use case as it stands, and who wrote what of it when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from routing.engine.digest import digest
from usecases import one_pagers
from usecases.models import OnePager, UseCase

SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit: by whom, when, and which answers it changed, in words."""

    by: str
    at: datetime
    words: str


def held(use_case: UseCase) -> OnePager:
    """Return the one-pager; an empty one that is not kept yet where nobody has written anything."""
    return OnePager.objects.filter(use_case=use_case).first() or OnePager(use_case=use_case)


def sheet_of(row: OnePager) -> dict[str, Any]:
    """Return what config files and the API carry."""
    return {"answers": row.answers, "dpia": row.dpia}


def token_of(row: OnePager) -> str:
    """Return what an edit is based on: the digest of all answers."""
    return digest(sheet_of(row))


def state_of(use_case: UseCase) -> one_pagers.State:
    """Return how much of it is answered."""
    row = held(use_case)
    return one_pagers.completeness(row.answers, row.dpia, use_case.risk)


def states_of(use_cases: Iterable[UseCase]) -> dict[int, one_pagers.State]:
    """Return how much of each is answered, by use case, read at once."""
    owners = {one.pk: one for one in use_cases}
    rows = {row.use_case_id: row for row in OnePager.objects.filter(use_case__in=owners)}
    found = {pk: rows.get(pk) or OnePager() for pk in owners}
    return {pk: one_pagers.completeness(row.answers, row.dpia, owners[pk].risk) for pk, row in found.items()}


def edits(row: OnePager) -> Sequence[Edit]:
    """Return the newest edits, newest first."""
    if row._state.adding:
        return []
    rows = list(row.history.order_by("-history_id")[: SHOWN + 1])
    older: list[Any] = [*rows[1:], None]
    return [
        Edit(new.written_by, new.history_date, one_pagers.listed(_changed(old, new)))
        for new, old in zip(rows, older, strict=True)
    ][:SHOWN]


def _changed(old: Any, new: Any) -> list[str]:
    return one_pagers.changed(sheet_of(old) if old else {}, sheet_of(new))


def warnings_of(row: OnePager) -> list[str]:
    """Return what reads odd today, though it may be meant."""
    return one_pagers.warnings(row.answers, timezone.localdate())
