"""What is frozen into a change when it is submitted: what it would have done to past decisions, with its digests."""

from hashlib import sha256
from typing import Any, Final

from django.utils import timezone

from audit.canonical import canonical
from routing.engine.digest import digest
from usecases import golden_standing, promise_standing, what_if
from usecases.models import Certificate, UseCase
from usecases.publishing import latest

WINDOW: Final = {"days": 7}
NONE_YET: Final = "There were no decisions of the last 7 days to replay."


def gather(*, use_case: UseCase, document: dict[str, Any], by: Any) -> dict[str, Any]:
    """Return the evidence for a valid document beside what is live now. Reads only; call it before anything is locked.

    `{at, document, live, live_version, what_if | null, why, certificate | null, golden}`: digests of both documents,
    the impact as `usecases.what_if.ask` gives it, or why there is none, the newest certificate, and how each golden
    set comes out, with its digest.
    """
    standing = latest(use_case)
    found: dict[str, Any] | None = None
    why = ""
    try:
        found = what_if.ask(use_case=use_case, document=document, by=by, window=WINDOW, live=standing.number)
    except what_if.Loading as loading:
        why = f"The history was still being read: {loading.rows:,} of {loading.expected:,} decisions."
    if found is not None and not found["decisions"]:
        why = NONE_YET
    kept = None if found is None else {key: found[key] for key in found if key not in what_if.FLEETING}
    return {
        "at": timezone.now().isoformat(),
        "document": digest(document),
        "live": digest(standing.document),
        "live_version": standing.number,
        "what_if": kept,
        "why": why,
        "certificate": _certificate(use_case),
        "golden": golden_standing.freeze(use_case, document),
    }


def fingerprint(evidence: Any) -> str:
    """Return the SHA-256 of evidence, before it is stored as after.

    A document's digest refuses the whole number that a database makes of a large float, and costs are whatever an
    assistant reported: one of them must not make a change that nobody can read, approve or close.
    """
    return sha256(canonical(evidence)).hexdigest()


def _certificate(use_case: UseCase) -> dict[str, Any] | None:
    row = promise_standing.certified(use_case)
    if row is None:
        return None
    return {
        "id": row.pk,
        "sentence": row.sentence,
        "answer_from": row.answer_from,
        "ids_digest": row.ids_digest,
    }


def certificate_gap(row: Certificate | None, document: dict[str, Any]) -> str | None:
    """Say what of a document a certificate does not cover; empty where it covers all, None without one."""
    return None if row is None else " ".join(promise_standing.void(row, document))
