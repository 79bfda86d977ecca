"""Certify what the labels allow to say of the live answer threshold."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction

from audit import log
from usecases import permissions, promise_evidence, promise_standing, promises
from usecases.actions.versions import check_reason
from usecases.advice import stated
from usecases.models import Certificate, UseCase
from usecases.promise_standing import Measured
from usecases.publishing import Refused, Stale, latest, lock

CODE: Final = "certificate/1"


def issue(*, use_case: UseCase, by: User, window: Any = None, reason: str = "") -> Certificate:
    """Certify the live answer threshold for the promise, on the labels of a window (default: all that count).

    Raises `Forbidden`, `Refused` with what is missing ("149 clean labels needed, you have 63"), `Loading` while the
    history is being read, `Stale` when somebody published meanwhile. The same labels again write nothing.
    """
    permissions.check(by, "tune", use_case)
    check_reason(reason)
    promise = promises.of(use_case)
    evidence = promise_evidence.gathered(use_case, latest(use_case).document, by, window)
    # Worked out before anything is locked: a kill must not wait for arithmetic.
    found = promise_standing.measured(evidence, stated(promise))
    row = _row(use_case, evidence.live.number, evidence.live.document, found, evidence.since.words())
    row.issued_by = by.get_username()
    with transaction.atomic():
        lock(use_case)
        if latest(use_case).number != evidence.live.number:
            raise Stale(latest(use_case))
        if stated(promises.of(use_case)) != found.certificate.promise:
            raise Refused("The promise was changed meanwhile. Certify again.")
        known = promise_standing.certified(use_case)
        if known is not None and _same(known, row):
            return known
        row.save()
        log.record(
            kind="certificate.issued",
            sentence=row.sentence,
            by=by,
            use_case=use_case.slug,
            version=row.version,
            reason=reason.strip(),
            new={"certificate": row.pk, "labels": row.labels, "wrong": row.wrong, "ids": row.ids_digest},
        )
    return row


def _row(
    use_case: UseCase, version: int, document: dict[str, Any], found: Measured, since: str
) -> Certificate:
    """Return the certificate, not yet saved."""
    from routing.replay.drift import stored

    bought, columns = found.certificate, found.columns
    assert bought.answer_from is not None
    first, last = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (int(columns.at[0]), int(columns.at[-1])))
    period = promise_standing.period_words(first, last)
    sentence = f"{bought.sentence()} Answered from {bought.answer_from:g}, decisions of {period}."
    return Certificate(
        use_case=use_case,
        version=version,
        document=document,
        answer_from=bought.answer_from,
        wrong_at_most=bought.promise.alpha,
        confidence=round(1 - bought.promise.delta, 12),
        labels=bought.labels,
        wrong=bought.wrong,
        bound=bought.bound,
        subject=dict(bought.subject),
        shares=stored(columns),
        first_at=first,
        last_at=last,
        ids_digest=_digest(found),
        code=CODE,
        sentence=f"{sentence} {since}".strip(),
    )


def _digest(found: Measured) -> str:
    """Return the SHA-256 of the ids of the decisions whose labels were used, in order."""
    ids = found.columns.ids
    return sha256(
        "\n".join(ids[place] for place in found.labelled.tolist()).encode("utf-8", "replace")
    ).hexdigest()


def _same(known: Certificate, row: Certificate) -> bool:
    fields = (
        "version",
        "answer_from",
        "wrong_at_most",
        "confidence",
        "labels",
        "wrong",
        "ids_digest",
        "code",
    )
    return all(getattr(known, name) == getattr(row, name) for name in fields)
