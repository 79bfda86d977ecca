"""Keep the result of a what-if, to show it again: to a reviewer, or to oneself in a year."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from audit import log
from routing.runtime.masking import storable
from usecases import kept, permissions, what_if
from usecases.models import KeptImpact, UseCase
from usecases.publishing import Refused

NOTE_MOST = 2_000


def keep(
    *, use_case: UseCase, document: Any, by: User, window: Any = None, note: str = "", live: int | None = None
) -> KeptImpact:
    """Compute what a document would have done and keep it, with everything that it was computed from.

    The same inputs, note and person give the row that is there already. Raises `Forbidden`, `Refused` with every fault,
    `what_if.Loading`.
    """
    permissions.check(by, "tune", use_case)
    note = storable(note.replace("\x00", "")).strip()
    if len(note) > NOTE_MOST:
        words = f"A note has at most {NOTE_MOST:,} characters; this one has {len(note):,}."
        raise Refused(words, [{"path": "note", "message": words}])
    asked = what_if.question(use_case=use_case, document=document, by=by, window=window, live=live)
    # Before the transaction: a replay may take seconds, and nobody should wait for its locks.
    return _store(kept.compute(asked, note, by.get_username()), by)


@transaction.atomic
def _store(row: KeptImpact, by: User) -> KeptImpact:
    values = {
        field.attname: getattr(row, field.attname)
        for field in KeptImpact._meta.concrete_fields
        if field.name not in ("id", "kept_at")
    }
    found, created = KeptImpact.objects.get_or_create(id=row.id, defaults=values)
    if created:
        log.record(
            kind="what_if.kept",
            sentence=_sentence(found),
            by=by,
            use_case=found.use_case.slug,
            version=found.live_version,
            reason=found.note,
            new={"id": str(found.pk), "document": found.document, "ids_digest": found.ids_digest},
        )
    return found


def _sentence(row: KeptImpact) -> str:
    answer = row.result["answer"]
    shares = [answer[side]["answered"] / answer["decisions"] for side in ("live", "draft")]
    return (
        f"Kept a what-if over {answer['decisions']:,} decisions: "
        f"{shares[0]:.1%} answered under r{row.live_version}, {shares[1]:.1%} under the draft."
    )
