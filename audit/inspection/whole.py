"""Inspect the whole record in one snapshot: stretches side by side in processes, then what spans them."""

import gc
import multiprocessing
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.inspection import erasures, signatures
from audit.inspection.faults import Fault, named, numbers
from audit.inspection.ranges import BLOCK, MOMENT, STRETCH, Found, inspect_stretch
from audit.inspection.rows import READING

Progress = Callable[[int, int], None]  # links judged so far, of how many
SHIFT = STRETCH.bit_length() - 1
STRETCHES = f"SELECT (seq - 1) >> {SHIFT}, count(*) FROM audit_link GROUP BY 1 ORDER BY 1"  # noqa: S608 - a constant
LOOSE = f"""
SELECT e.id, {MOMENT.format("e.at")}, e.sentence FROM audit_event e
WHERE NOT EXISTS (SELECT FROM audit_link l WHERE l.event_id = e.id) ORDER BY e.id
"""  # noqa: S608 - of constants
TWICE = "SELECT event_id, min(seq), max(seq) FROM audit_link GROUP BY event_id HAVING count(*) > 1 ORDER BY event_id"


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, and every fault of it, in the order of the record."""

    events: int
    checkpoints: int
    signed: int  # events under the last checkpoint
    faults: list[Fault]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where to look: links `first` + 1 and on; `sizes` of the checkpoints that end there."""

    first: int
    last: bool
    sizes: tuple[int, ...]


def inspect(
    connection: psycopg.Connection[Any],
    keys: Collection[Ed25519PublicKey],
    *,
    conninfo: str = "",
    processes: int = 1,
    progress: Progress | None = None,
) -> Report:
    """Compute the whole record anew and name every fault.

    `connection` is in a transaction whose snapshot is kept (REPEATABLE READ). With `conninfo`, processes of their own
    read in that same snapshot. `keys`: those that this installation signs and has signed checkpoints with.
    """
    signed = signatures.stored(connection)
    held = connection.execute(STRETCHES.encode()).fetchall()
    stretches = _stretches([number for number, _ in held], [one.size for one in signed])
    total, done, founds = sum(count for _, count in held), 0, []
    for found in _inspected(connection, stretches, conninfo, processes):
        founds.append(found)
        done += found.events
        if progress:
            progress(done, total)
    founds.sort(key=lambda found: found.first)
    faults = [*_outside(number for number, _ in held if number < 0), *_between(stretches)]
    faults += [fault for found in founds for fault in found.faults]
    faults += _links(connection)
    faults += erasures.faults(
        (one for found in founds for one in found.erased), [one for found in founds for one in found.told]
    )
    faults.sort(key=lambda fault: fault.seq or 0)
    faults += _spanning(connection, keys, signed, founds)
    return Report(done, len(signed), signed[-1].size if signed else 0, faults)


def _stretches(held: Sequence[int], sizes: Sequence[int]) -> list[Stretch]:
    """Lay stretches over what is there. Numbers far off, as a changed one can be, get a stretch and no more."""
    there = [number for number in held if number >= 0]
    return [
        Stretch(
            number << SHIFT,
            number == there[-1],
            tuple(sizes[bisect_right(sizes, number << SHIFT) : bisect_right(sizes, (number + 1) << SHIFT)]),
        )
        for number in there
    ]


def _outside(numbers_below: Iterable[int]) -> Iterator[Fault]:
    for number in numbers_below:
        yield Fault(
            "link", f"there are links numbered below 1 (from {number << SHIFT} on): they were put in or moved"
        )


def _between(stretches: Sequence[Stretch]) -> Iterator[Fault]:
    """Name the gaps that are wider than a stretch."""
    end = 0
    for stretch in stretches:
        if stretch.first > end:
            text = f"{numbers(end + 1, stretch.first)} of the record are missing: the links were removed or moved"
            yield Fault("missing link", text, end + 1)
        end = stretch.first + STRETCH


def _links(connection: psycopg.Connection[Any]) -> Iterator[Fault]:
    for event, at, sentence in connection.execute(LOOSE.encode()):
        text = f"{named(event, at, sentence)} has no place in the chain: it was put in, or its link removed"
        yield Fault("loose event", text, None, event)
    for event, first, last in connection.execute(TWICE):
        yield Fault("fork", f"event {event} has two places in the chain, {first} and {last}", last, event)


def _spanning(
    connection: psycopg.Connection[Any],
    keys: Collection[Ed25519PublicKey],
    signed: Sequence[signatures.Signed],
    founds: Sequence[Found],
) -> Iterator[Fault]:
    """Judge what the stretches make together: subtrees and checkpoints."""
    by_number = {number: root for found in founds for number, root in found.blocks.items()}
    blocks: list[bytes] = []
    while len(blocks) in by_number:
        blocks.append(by_number[len(blocks)])
    tails = {size: tail for found in founds for size, tail in found.tails.items()}
    heads = {size: head for found in founds for size, head in found.heads.items()}
    yield from signatures.subtree_faults(connection, blocks, signed)
    yield from signatures.checkpoint_faults(signed, keys, blocks, tails, heads)


def _inspected(
    connection: psycopg.Connection[Any], stretches: Sequence[Stretch], conninfo: str, processes: int
) -> Iterator[Found]:
    if not conninfo or processes < 2 or len(stretches) < 2:
        _prepare(connection)
        for stretch in stretches:
            yield inspect_stretch(connection, stretch.first, last=stretch.last, sizes=stretch.sizes)
        for setting in READING:
            connection.execute(f"RESET {setting.split()[0]}".encode())
        return
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    assert row
    # Spawned, not forked: a fork would share the caller's connections with the database.
    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_open, initargs=(conninfo, row[0])
    )
    with pool:
        for future in as_completed([pool.submit(_inspect, stretch) for stretch in stretches]):
            yield future.result()


def _prepare(connection: psycopg.Connection[Any]) -> None:
    for setting in READING:
        connection.execute(f"SET LOCAL {setting}".encode())


_own: dict[str, psycopg.Connection[Any]] = {}


def _open(conninfo: str, snapshot: str) -> None:
    """Connect a process of the pool, in the caller's snapshot."""
    gc.disable()  # rows are freed by counting; looking for cycles among millions of them would cost a fifth
    connection = psycopg.connect(conninfo)
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'".encode())
    _prepare(connection)
    _own["connection"] = connection


def _inspect(stretch: Stretch) -> Found:
    return inspect_stretch(_own["connection"], stretch.first, last=stretch.last, sizes=stretch.sizes)


assert STRETCH == 1 << SHIFT
assert STRETCH % BLOCK == 0
