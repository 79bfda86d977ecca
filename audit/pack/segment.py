"""The record's part of a pack, read out of the database: events, the chain that covers them, checkpoints, proofs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, QuerySet

from audit import checkpoints, leaves, merkle, pack, proofs
from audit.models import Checkpoint, Event, Link
from audit.pack.writing import Writer

BATCH: Final = 2000
MOST_LINKS: Final = 1_000_000
MOST_EARLIER: Final = 2_000


class NotCovered(LookupError):
    """An event of the period is not in a signed checkpoint yet."""


class TooLong(ValueError):
    """The chain between the period's first and last event is longer than a pack carries."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The links `first` to `last` of the chain, which begin behind a checkpoint (or with the record) and end with one.

    Both are 0 where the period holds no event; then `checkpoints` holds the newest one alone, where there is any.
    """

    first: int
    last: int
    checkpoints: QuerySet[Checkpoint]


def events_of(use_case: str, since: datetime, until: datetime) -> QuerySet[Event]:
    """Return the events of a use case in a period."""
    return Event.objects.filter(use_case=use_case, at__gte=since, at__lt=until)


def covering(events: QuerySet[Event]) -> Segment:
    """Return the segment that covers some events. Raises NotCovered, TooLong."""
    links = Link.objects.filter(event_id__in=events.order_by().values("pk"))
    ends = [links.order_by(order).values_list("seq", flat=True).first() for order in ("seq", "-seq")]
    if ends[0] is None or ends[1] is None:
        if events.exists():
            raise NotCovered("events of the period are not in the chain yet")
        newest = Checkpoint.objects.order_by("-size").values_list("size", flat=True)[:1]
        return Segment(0, 0, Checkpoint.objects.filter(size__in=list(newest)))
    before = Checkpoint.objects.filter(size__lt=ends[0]).order_by("-size").first()
    behind = Checkpoint.objects.filter(size__gte=ends[1]).order_by("size").first()
    if behind is None:
        raise NotCovered(f"event {ends[1]} is not in a signed checkpoint yet")
    first = before.size + 1 if before else 1
    if behind.size - first >= MOST_LINKS:
        raise TooLong(f"{behind.size - first + 1:,} links; a pack carries {MOST_LINKS:,} at most")
    signed = Checkpoint.objects.filter(size__gte=first - 1, size__lte=behind.size)
    return Segment(first, behind.size, signed)


def write(
    zipped: Writer, segment: Segment, events: QuerySet[Event], earlier: QuerySet[Event]
) -> dict[str, int]:
    """Write the record's files; return how many events, links and checkpoints they hold."""
    head = Link.objects.filter(seq=segment.first - 1).values_list("head", flat=True).first()
    peaks = merkle.peaks(segment.first - 1, checkpoints.ranges) if segment.first > 1 else []
    said = {
        "first": segment.first,
        "last": segment.last,
        "head": bytes(head or leaves.GENESIS).hex(),
        "before": [peak.hex() for peak in peaks],
    }
    zipped.json(pack.SEGMENT, said)
    signed = segment.checkpoints.order_by("size")
    counts = {
        "events": zipped.lines(pack.EVENTS, _events(events)),
        "links": zipped.lines(pack.CHAIN, _chain(segment)),
        "checkpoints": zipped.lines(pack.CHECKPOINTS, map(checkpoints.as_json, signed.iterator())),
    }
    first, last = signed.first(), signed.last()
    zipped.lines(pack.EARLIER, _earlier(earlier, last))
    path = proofs.consistency(first, last) if first and last and first.size < last.size else []
    about = {"first": first.size if first else 0, "size": last.size if last else 0, "path": path}
    zipped.json(pack.CONSISTENCY, about)
    return counts


def _events(events: QuerySet[Event]) -> Iterator[dict[str, Any]]:
    """Return the events in the order of the chain."""
    wanted = events.order_by().values("pk")
    seqs = dict(Link.objects.filter(event_id__in=wanted).order_by("seq").values_list("event_id", "seq"))
    order = list(seqs)
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        rows = Event.objects.in_bulk(batch)
        for key in batch:
            yield proofs.told(rows[key], seqs[key])


def _chain(segment: Segment) -> Iterator[bytes]:
    if not segment.last:
        return
    rows = Link.objects.filter(seq__gte=segment.first, seq__lte=segment.last).order_by("seq")
    for seq, leaf, head in rows.values_list("seq", "leaf", "head").iterator(chunk_size=BATCH):
        yield b'{"head":"%b","leaf":"%b","seq":%d}' % (head.hex().encode(), leaf.hex().encode(), seq)


def _earlier(events: QuerySet[Event], signed: Checkpoint | None) -> Iterator[dict[str, Any]]:
    """Return events before the period, each with its own path to the last checkpoint."""
    if signed is None:
        return
    rows, tree = list(events.order_by("pk")[:MOST_EARLIER]), checkpoints.tree(signed.size)
    links = Link.objects.filter(event_id__in=[row.pk for row in rows], seq__lte=signed.size)
    seqs = dict(links.values_list("event_id", "seq"))
    for row in rows:
        if seq := seqs.get(row.pk):
            yield proofs.told(row, seq) | {"path": proofs.path(seq, tree, signed.size)}


def earlier_than(use_case: str, since: datetime, wanted: Q) -> QuerySet[Event]:
    """Return the events of a use case before a period that something in the pack refers to."""
    return Event.objects.filter(wanted, use_case=use_case, at__lt=since)
