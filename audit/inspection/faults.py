"""A fault of the record, and how an event is named in it."""

from dataclasses import dataclass

LONGEST = 80


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was written. `kind`: a word to count by; `seq` and `event`: where, if anywhere."""

    kind: str
    text: str
    seq: int | None = None
    event: int | None = None


def named(event: int, at: str | None, sentence: str) -> str:
    """Name an event by its id, time and sentence as they are stored now."""
    words = sentence if len(sentence) <= LONGEST else sentence[: LONGEST - 1] + "…"
    return f"event {event} ({at or 'no time'}, {f'“{words}”' if words else 'no sentence'})"


def numbers(first: int, last: int) -> str:
    """Name a run of places in the chain."""
    return f"number {first}" if first == last else f"numbers {first:,} to {last:,}"
