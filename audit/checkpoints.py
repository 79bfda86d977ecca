"""Signed checkpoints: what the record was at a moment, in words that cannot be taken back.

Each names the Merkle root and the chain's head over all events so far, and the checkpoint before it. The roots of
complete subtrees are stored on the way, so that neither the next root nor a proof reads the whole record.
"""

from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from audit import leaves, log, merkle
from audit.keys import audit_key
from audit.models import Checkpoint, Event, Link, Subtree
from audit.verify import key_id, public_key_text, signed_words

CHUNK = 1024  # leaves of a stored subtree
CACHED = 256  # chunks, of 32 KiB each
LOCK = 7016996765293437282
FIRST = bytes(leaves.DIGEST)  # what stands for the checkpoint before the first


class RecordChanged(RuntimeError):
    """The record is not the one that was signed last: nothing is signed until `verify_audit` has told what happened."""


def make() -> Checkpoint | None:
    """Sign the record as it is; None where nothing is new or another process is at it. Safe to repeat."""
    with transaction.atomic():
        if not _alone():
            return None
        tip, last = Link.objects.order_by("-seq").first(), Checkpoint.objects.order_by("-size").first()
        _check_it_grew(tip, last)
        if tip is None or (last and last.size == tip.seq):
            return None
        _store_subtrees(tip.seq)
        key = audit_key()
        found = Checkpoint(
            size=tip.seq,
            root=ranges(0, tip.seq),
            head=tip.head,
            previous=sha256(signed_words(as_json(last))).digest() if last else FIRST,
            at=timezone.now(),
            key_id=key_id(key.public_key()),
        )
        found.signature = key.sign(signed_words(as_json(found)))
        found.save(force_insert=True)
        if last and last.key_id != found.key_id:
            _record_key(last.key_id, found.key_id, public_key_text(key.public_key()))
        return found


def unsigned_since() -> datetime | None:
    """Return when the oldest event was made that no checkpoint covers yet; None where there is none."""
    size = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
    first = Link.objects.filter(seq=size + 1).values("event_id")
    return Event.objects.filter(pk__in=first).values_list("at", flat=True).first()


def as_json(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a checkpoint as it is signed and handed out: hashes in hex, the time as text."""
    hashes = ("root", "head", "previous", "signature")
    return {
        "size": checkpoint.size,
        "at": leaves.moment(checkpoint.at),
        "key_id": checkpoint.key_id,
        **{name: bytes(getattr(checkpoint, name)).hex() for name in hashes},
    }


def ranges(first: int, end: int) -> bytes:
    """Hash a range of the tree (`merkle.Ranges`): whole subtrees as stored, of the rest its leaves."""
    if end - first <= CHUNK:
        return merkle.root(_leaves(first, end))
    numbers = range(first // CHUNK, end // CHUNK)
    stored = Subtree.objects.filter(number__gte=numbers.start, number__lt=numbers.stop).order_by("number")
    roots = [bytes(found) for found in stored.values_list("root", flat=True)]
    if len(roots) != len(numbers):
        raise RecordChanged(
            f"of the subtrees {numbers.start} to {numbers.stop - 1} only {len(roots)} are stored"
        )
    rest = _leaves(numbers.stop * CHUNK, end)
    return merkle.root_of_first(len(roots), merkle.levels(roots), merkle.root(rest) if rest else None)


def tree(size: int) -> merkle.Ranges:
    """Hash ranges of the first `size` leaves as `ranges` does, and read nothing twice: for all the steps of proofs."""
    larger = lru_cache(CACHED)(ranges)

    @lru_cache(CACHED)
    def chunk(number: int) -> list[bytes]:
        return _leaves(number * CHUNK, min((number + 1) * CHUNK, size))

    def found(first: int, end: int) -> bytes:
        number, at = divmod(first, CHUNK)
        within = at + end - first <= CHUNK
        return merkle.root(chunk(number)[at : at + end - first]) if within else larger(first, end)

    return found


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _check_it_grew(tip: Link | None, last: Checkpoint | None) -> None:
    if last is None:
        return
    then = Link.objects.filter(seq=last.size).first()
    if tip is None or tip.seq < last.size:
        raise RecordChanged(f"the record held {last.size} events when it was signed, and holds fewer now")
    if then is None or bytes(then.head) != bytes(last.head):
        raise RecordChanged(f"the record up to event {last.size} is not the one that was signed")


def _record_key(before: str, now: str, public_key: str) -> None:
    """Tell of another key: it may have been changed on purpose, lost, or exchanged by somebody."""
    log.record(
        kind="record.key_changed",
        sentence=f"The record is signed with the key {now} from now on, and no longer with {before}.",
        by=log.System("record"),
        old={"key_id": before},
        new={"key_id": now, "public_key": public_key},
    )


def _store_subtrees(size: int) -> None:
    newest = Subtree.objects.order_by("-number").first()
    for number in range(newest.number + 1 if newest else 0, size // CHUNK):
        Subtree.objects.create(number=number, root=ranges(number * CHUNK, (number + 1) * CHUNK))


def _leaves(first: int, end: int) -> list[bytes]:
    if first == end:
        return []
    found = Link.objects.filter(seq__gt=first, seq__lte=end).order_by("seq").values_list("leaf", flat=True)
    if len(found) != end - first:
        raise RecordChanged(f"between events {first + 1} and {end} there are only {len(found)}")
    return [bytes(leaf) for leaf in found]
