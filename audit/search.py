"""Find events, newest first, as one reader may see them: a page costs the same over a thousand events and a million.

The terms of migration 0003 say what an event can be found by. A search looks among the newest ids first, and in ever
longer stretches of older ones until the page is full: where many events fit, the newest few thousand hold a page; where
few do, the index names them all at once. No stretch is so long that what fits in it could not be read and put in order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from audit.models import Event

FINE, COARSE = 12, 16  # bits of an id that its smaller and its larger block leave out
STRETCHES: Final = (1 << FINE, 1 << 14, 1 << 16)
LONGEST: Final = 1 << 17
# So many use cases are looked into one by one; of more the newest events are read and what is not theirs is left out.
FEW: Final = 64
AT_ONCE: Final = 20_000
ANY: Final = "TRUE"
MARKS: Final = str.maketrans(dict.fromkeys("“”„‚‘’«»–—…·", " "))  # as in migration 0003
LOOKED_AT: Final = 200  # so few events are judged one by one
MATCH: Final = "audit_terms(id, kind, actor, use_case, sentence, reason, old, new) @@ %s::tsquery"
# Scalar subqueries are asked value by value; an EXISTS would be joined, by reading the whole table. The first one is
# enough where the reader sees much. Their order keeps the planner to the index: any
# event of a kind would be found soon in the table too, were it a usual one.
WALK: Final = """
WITH RECURSIVE walk (value) AS (
    (SELECT {column} FROM audit_event ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT (SELECT {column} FROM audit_event WHERE {column} > walk.value ORDER BY {column} LIMIT 1)
    FROM walk WHERE walk.value IS NOT NULL
)
SELECT value FROM walk WHERE value IS NOT NULL AND coalesce(
    (SELECT TRUE FROM (SELECT use_case FROM audit_event WHERE {column} = walk.value
                       ORDER BY use_case LIMIT 20) AS few
     WHERE use_case = ANY(%(slugs)s::text[]) LIMIT 1),
    (SELECT TRUE FROM unnest(%(slugs)s::text[]) AS seen (slug) WHERE (
        SELECT TRUE FROM audit_event WHERE {column} = walk.value AND use_case = seen.slug ORDER BY use_case LIMIT 1)
     LIMIT 1),
    (SELECT TRUE FROM audit_event
     WHERE {column} = walk.value AND use_case = '' AND actor = %(reader)s AND actor_kind = 'person' LIMIT 1), FALSE)
"""
EACH: Final = """
SELECT found.id FROM unnest(%s::text[]) AS seen (slug) CROSS JOIN LATERAL
    (SELECT id FROM audit_event WHERE use_case = seen.slug AND {inside}) AS found
"""
APART: Final = " UNION ALL (SELECT id FROM audit_event WHERE use_case = '' AND {inside})"
# A part of the product acts under a name too, and somebody may be called the same.
MINE: Final = "use_case = '' AND actor = %s AND actor_kind = 'person'"
OWN: Final = f" UNION ALL (SELECT id FROM audit_event WHERE {MINE} AND {{inside}})"  # noqa: S608 - a constant
# Events are numbered as they are written; clocks of several processes differ by less than an hour. The database counts
# it: in Python the first and the last moments of all have none before or after them.
EARLIER: Final = (
    "SELECT id FROM audit_event WHERE at < %s::timestamptz - interval '1 hour' ORDER BY at DESC LIMIT 1"
)
LATER: Final = (
    "SELECT id FROM audit_event WHERE at >= %s::timestamptz + interval '1 hour' ORDER BY at LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one reader may see: events of these use cases; of those of none, their own, or everybody's."""

    use_cases: Sequence[str]
    reader: str
    apart: bool


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for; every part narrows. `path` finds what touched it, what is in it and what it is in."""

    actor: str = ""
    kind: str = ""
    use_case: str = ""
    path: str = ""
    words: str = ""
    since: datetime | None = None
    until: datetime | None = None


def newest(sight: Sight, sought: Sought, *, before: int | None = None, limit: int) -> list[Event]:
    """Return the newest events that fit, older than one of them where `before` names it."""
    ids = _Search(sight, sought, limit).ids(before)
    found = Event.objects.in_bulk(ids)
    return [found[pk] for pk in ids]


def batches(sight: Sight, sought: Sought, *, size: int = 500) -> Iterator[list[Event]]:
    """Yield all events that fit, newest first, so many at a time, read as they are needed."""
    before: int | None = None
    while rows := newest(sight, sought, before=before, limit=size):
        yield rows
        before = rows[-1].pk


def kinds(sight: Sight) -> list[str]:
    """Return every kind of event that a reader may see any of."""
    return _seen(sight, "kind")


def actors(sight: Sight) -> list[str]:
    """Return everybody of whom a reader may see any event."""
    return [name for name in _seen(sight, "actor") if name]


def _seen(sight: Sight, column: str) -> list[str]:
    """Walk along an index from one value to the next, and look for one event of each that the reader may see."""
    slugs = [*sight.use_cases, ""] if sight.apart else [*sight.use_cases]
    with connection.cursor() as cursor:
        cursor.execute(WALK.format(column=column), {"slugs": slugs, "reader": sight.reader})
        return [value for (value,) in cursor.fetchall()]


class _Search:
    """One search: its conditions, made once, and its steps."""

    def __init__(self, sight: Sight, sought: Sought, limit: int) -> None:
        self.sight, self.sought, self.limit = sight, sought, limit
        self.slugs = [slug for slug in sight.use_cases if sought.use_case in ("", slug)]
        self.apart = not sought.use_case
        self.words = _words(sought.words)
        self.terms = [
            _term(letter, value) for letter, value in (("a", sought.actor), ("k", sought.kind)) if value
        ]

    def ids(self, before: int | None) -> list[int]:
        if not self.slugs and not self.apart:
            return []
        low, high = self._span(before)
        if not self.terms and not self.words and not self.sought.path:
            return self._plain(low, high)
        found: list[int] = []
        for bottom, top in _stretches(low, high):
            found += self._stretch(bottom, top, self.limit - len(found))
            if len(found) == self.limit:
                break
        return found

    def _span(self, before: int | None) -> tuple[int, int]:
        """Return the ids between which everything lies that can fit, both included."""
        since, until = self.sought.since, self.sought.until
        earlier = since and _first(EARLIER, since)
        later = until and _first(LATER, until)
        last = later or _first("SELECT max(id) FROM audit_event") or 0
        return earlier or 1, min(last, before - 1 if before else last)

    def _plain(self, low: int, high: int) -> list[int]:
        """Search by use case and time alone."""
        if len(self.slugs) > FEW:
            newest = max(low, high - AT_ONCE + 1)
            found = self._rows(ANY, [], newest, high, self.limit)
            if len(found) == self.limit or newest == low:
                return found
        return self._each_use_case(low, high)

    def _each_use_case(self, low: int, high: int) -> list[int]:
        """Read the newest of each use case from its index, and the newest of these."""
        at, moments = self._moments()
        inside = f"id BETWEEN %s AND %s AND {at} ORDER BY id DESC LIMIT %s"
        values: list[Any] = [low, high, *moments, self.limit]
        query = EACH.format(inside=inside)
        given: list[Any] = [self.slugs, *values]
        if self.apart:
            query += (APART if self.sight.apart else OWN).format(inside=inside)
            given += [*([] if self.sight.apart else [self.sight.reader]), *values]
        return _ids(f"{query} ORDER BY id DESC LIMIT %s", [*given, self.limit])

    def _stretch(self, low: int, high: int, limit: int) -> list[int]:
        """Search one stretch of ids in the index of terms."""
        plain = [*self.terms, *self._sighted(), _blocks(low, high)]
        begun = self._begun(low, high)
        if self.terms and begun and high - low >= STRETCHES[1]:
            # Few events of a kind or a person: cheaper to look at each than to collect all that has a common word.
            few = self._rows(MATCH, [" & ".join(plain)], low, high, LOOKED_AT)
            if len(few) < LOOKED_AT:
                match = f"id = ANY(%s) AND {MATCH}"
                return self._rows(match, [few, " & ".join(begun)], low, high, limit) if few else []
        return self._rows(MATCH, [" & ".join([*plain, *begun])], low, high, limit)

    def _begun(self, low: int, high: int) -> list[str]:
        """Return what is asked of words and paths, block by block."""
        blocks = [f"{block:x}" for block in range(low >> COARSE, (high >> COARSE) + 1)]
        asked = [[_of_word(word, block) for block in blocks] for word in self.words]
        if self.sought.path:
            asked.append([_of_path(self.sought.path, block) for block in blocks])
        return [f"({' | '.join(choices)})" for choices in asked]

    def _rows(self, match: str, given: list[Any], low: int, high: int, limit: int) -> list[int]:
        at, moments = self._moments()
        seen, slugs = self._visible()
        table = "audit_event"
        if match != ANY:
            # The terms' blocks say nearly the same as ids, moments and use cases: asked of their indexes as well, these
            # would cost most of the time.
            columns = "id, at, use_case, actor, actor_kind"
            table = f"(SELECT {columns} FROM audit_event WHERE {match} OFFSET 0) AS matched"  # noqa: S608 - a constant
        query = (
            f"SELECT id FROM {table} WHERE id BETWEEN %s AND %s AND {at} AND {seen} ORDER BY id DESC LIMIT %s"  # noqa: S608
        )
        return _ids(query, [*given, low, high, *moments, *slugs, limit])

    def _moments(self) -> tuple[str, list[Any]]:
        bounds = [("at >= %s", self.sought.since), ("at < %s", self.sought.until)]
        asked = [(words, moment) for words, moment in bounds if moment]
        return " AND ".join(["TRUE", *(words for words, _ in asked)]), [moment for _, moment in asked]

    def _visible(self) -> tuple[str, list[Any]]:
        if not self.apart:
            return "use_case = ANY(%s::text[])", [self.slugs]
        if self.sight.apart:
            return "use_case = ANY(%s::text[])", [[*self.slugs, ""]]
        return f"(use_case = ANY(%s::text[]) OR ({MINE}))", [self.slugs, self.sight.reader]

    def _sighted(self) -> list[str]:
        """Name the use cases as terms, where they are few: what others fill the record with is not even read."""
        if len(self.slugs) > FEW:
            return []
        terms = [_term("u", slug) for slug in self.slugs]
        if self.apart:
            own = "" if self.sight.apart else f" & {_term('a', self.sight.reader)}"
            terms.append(f"({_term('u', '')}{own})")
        return [f"({' | '.join(terms)})"]


def _stretches(low: int, high: int) -> Iterator[tuple[int, int]]:
    """Cut ids into stretches, newest first."""
    number = 0
    while high >= low:
        bottom = max(low, high - (STRETCHES[number] if number < len(STRETCHES) else LONGEST) + 1)
        yield bottom, high
        number, high = number + 1, bottom - 1


def _words(typed: str) -> list[str]:
    """Return the words of a text as the index has them, each once."""
    if not typed.strip():
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tsvector_to_array(to_tsvector('pg_catalog.simple', %s))", [typed.translate(MARKS)]
        )
        return list(cursor.fetchone()[0])


def _of_word(word: str, block: str) -> str:
    """Ask for what begins with a word; a single letter is a word of its own, or half of all would begin with it."""
    return _quoted(f"{block}/{word[:300]}") + (":*" if len(word) > 1 else "")


def _of_path(path: str, block: str) -> str:
    """Ask for what touched a path: the path itself, what is in it, and whole entries that it is in."""
    steps = path.split(".")
    holders = [".".join(steps[:count]) for count in range(2, len(steps))]
    exact = [_quoted(f"{block}={one[:300]}") for one in (path, *holders)]
    return " | ".join([*exact, _quoted(f"{block}={path[:300]}.") + ":*"])


def _blocks(low: int, high: int) -> str:
    bits, letter = (FINE, "b") if high - low < 1 << 15 else (COARSE, "c")
    blocks = range(low >> bits, (high >> bits) + 1)
    return f"({' | '.join(_term(letter, f'{block:x}') for block in blocks)})"


def _term(letter: str, value: str) -> str:
    return _quoted(f"={letter}:{value[:300]}")


def _quoted(lexeme: str) -> str:
    """Write a lexeme as a query has it."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _first(query: str, *values: Any) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        row = cursor.fetchone()
        return row[0] if row else None


def _ids(query: str, values: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [pk for (pk,) in cursor.fetchall()]
