"""Searches of a long record: by index alone, and with the same answer as reading all of it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

SLUGS = [f"case-{number}" for number in range(100)]
FILL = """
INSERT INTO audit_event (id, uid, at, kind, sentence, actor, actor_kind, entry_point, request_id, use_case, reason,
                         old, new, salts, digests, erased_by)
SELECT n, gen_random_uuid(), timestamptz '2026-01-01' + n * interval '1 minute',
       CASE WHEN n % 7000 = 5 THEN 'guardrail.set' WHEN n % 2 = 0 THEN 'version.applied' ELSE 'drill' END,
       CASE WHEN n % 6000 = 3 THEN 'A marten has bitten.' ELSE 'Answer from 0.9.' END, 'person-' || n % 50, 'person',
       'page', '', CASE WHEN n % 100 = 99 THEN '' ELSE 'case-' || (n * 7) % 100 END, '',
       CASE WHEN n % 2 = 0 THEN '{"bands.answer.from": 0.8}'::jsonb END,
       CASE WHEN n % 2 = 0 THEN '{"bands.answer.from": 0.9}'::jsonb
            WHEN n % 6000 = 3 THEN '{"rules.vip": {}}'::jsonb END,
       decode(repeat('01', 80), 'hex'), decode(repeat('02', 160), 'hex'), ''
FROM generate_series(1, 20000) AS n
"""


@pytest.fixture(scope="module")
def long_record(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Twenty thousand events of a hundred use cases, for every test of the module; all rolled back after them."""
    from django.db import connection, transaction

    with django_db_blocker.unblock(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_event DISABLE TRIGGER audit_seal")
        cursor.execute(FILL)
        cursor.execute("ANALYZE audit_event")
        yield
        transaction.set_rollback(True)


def _sights() -> dict[str, Any]:
    from audit.search import Sight

    return {
        "admin": Sight(SLUGS, "person-1", True),
        "three": Sight(SLUGS[:3], "person-49", False),
        "many": Sight(SLUGS[:80], "person-1", False),
        "nobody": Sight([], "person-1", False),
    }


def _questions() -> dict[str, Any]:
    from datetime import UTC, datetime

    from audit.search import Sought

    march: Any = {"since": datetime(2026, 1, 5, tzinfo=UTC), "until": datetime(2026, 1, 9, 7, 30, tzinfo=UTC)}
    return {
        "first page": Sought(),
        "days": Sought(**march),
        "person": Sought(actor="person-7"),
        "kind": Sought(kind="drill"),
        "rare kind": Sought(kind="guardrail.set"),
        "use case": Sought(use_case="case-2"),
        "words": Sought(words="answer"),
        "rare words": Sought(words="mart bitten"),
        "words of nothing": Sought(words="giraffe"),
        "knob": Sought(path="bands.answer.from"),
        "a whole rule": Sought(path="rules.vip.answer_from"),
        "any band in days": Sought(path="bands", **march),
        "all at once": Sought("person-8", "version.applied", "", "bands.answer.from", "answer 0.9", **march),
        "rare kind, common words": Sought(kind="guardrail.set", words="answer"),
        "never together": Sought(kind="drill", path="bands.answer.from"),
    }


QUESTIONS = (
    *(
        "first page",
        "days",
        "person",
        "kind",
        "rare kind",
        "use case",
        "words",
        "rare words",
        "words of nothing",
    ),
    *("knob", "a whole rule", "any band in days", "all at once", "rare kind, common words", "never together"),
)


def _fits(event: Any, sight: Any, sought: Any) -> bool:
    """Say whether an event is an answer, from the event alone."""
    seen = event.use_case in sight.use_cases or (
        event.use_case == "" and (sight.apart or event.actor == sight.reader)
    )
    text = f"{event.sentence} {event.actor}".lower().replace(".", " ")
    paths = set(event.old or {}) | set(event.new or {})
    asked = sought.path
    return (
        seen
        and sought.actor in ("", event.actor)
        and sought.kind in ("", event.kind)
        and (not sought.use_case or event.use_case == sought.use_case)
        and (not sought.since or event.at >= sought.since)
        and (not sought.until or event.at < sought.until)
        and (
            not asked
            or any(p == asked or p.startswith(f"{asked}.") or asked.startswith(f"{p}.") for p in paths)
        )
        and all(f" {word}" in f" {text}" for word in sought.words.replace(".", " ").split())
    )


@pytest.mark.parametrize("who", ["admin", "three", "many", "nobody"])
def test_a_search_finds_what_reading_everything_finds(
    long_record: None, django_db_blocker: Any, who: str
) -> None:
    from audit import search
    from audit.models import Event

    with django_db_blocker.unblock():
        everything = list(Event.objects.order_by("-id"))
        for name, sought in _questions().items():
            sight = _sights()[who]
            expected = [row.pk for row in everything if _fits(row, sight, sought)]
            first = [row.pk for row in search.newest(sight, sought, limit=30)]
            assert first == expected[:30], name
            if len(expected) > 30:
                after = search.newest(sight, sought, before=expected[29], limit=30)
                assert [row.pk for row in after] == expected[30:60], name
            if len(expected) < 2000:
                batches = search.batches(sight, sought, size=300)
                assert [row.pk for rows in batches for row in rows] == expected, name


@pytest.mark.parametrize("most", [2, 200])
def test_so_do_short_stretches_however_few_events_are_looked_at_one_by_one(
    long_record: None, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """What only a record of millions comes to: many stretches, and of a kind more than are worth a look each."""
    from audit import search
    from audit.models import Event

    monkeypatch.setattr(search, "STRETCHES", (1 << 9, 1 << 10, 1 << 11))
    monkeypatch.setattr(search, "LONGEST", 1 << 13)
    monkeypatch.setattr(search, "LOOKED_AT", most)
    with django_db_blocker.unblock():
        everything = list(Event.objects.order_by("-id"))
        for name in ("rare kind, common words", "all at once", "never together", "rare words"):
            sight, sought = _sights()["admin"], _questions()[name]
            expected = [row.pk for row in everything if _fits(row, sight, sought)]
            assert [row.pk for row in search.newest(sight, sought, limit=40)] == expected[:40], name


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_search_reads_the_whole_table(
    long_record: None, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    from django.db import connection

    from audit import search

    plans: list[str] = []
    ask = search._ids

    def explained(query: str, values: list[Any]) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {query}", values)
            plans.extend(line for (line,) in cursor.fetchall())
        return ask(query, values)

    monkeypatch.setattr(search, "_ids", explained)
    with django_db_blocker.unblock():
        for sight in _sights().values():
            search.newest(sight, _questions()[question], limit=51)

    assert plans or question == "days"
    assert not [line for line in plans if "Seq Scan on audit_event" in line], "\n".join(plans)


def test_choices_walk_along_an_index(long_record: None, django_db_blocker: Any) -> None:
    from django.db import connection

    from audit import search

    with django_db_blocker.unblock():
        assert search.kinds(_sights()["admin"]) == ["drill", "guardrail.set", "version.applied"]
        assert search.kinds(_sights()["nobody"]) == []
        assert len(search.actors(_sights()["admin"])) == 50
        assert search.actors(_sights()["three"]) == sorted(
            {f"person-{n % 50}" for n in range(1, 20001) if n % 100 != 99 and (n * 7) % 100 < 3}
            | {"person-49"}
        )
        with connection.cursor() as cursor:
            for column in ("kind", "actor"):
                cursor.execute(
                    f"EXPLAIN {search.WALK.format(column=column)}", {"slugs": SLUGS, "reader": "x"}
                )
                plan = "\n".join(line for (line,) in cursor.fetchall())
                assert "Seq Scan on audit_event" not in plan, plan


def test_clocks_that_differ_lose_nothing(db: None) -> None:
    """An event numbered later may carry an earlier moment, from a process whose clock is behind."""
    from django.utils import timezone

    from audit import log, search
    from audit.models import Event
    from audit.search import Sight, Sought

    moment = timezone.now()
    rows = [log.record(kind="drill", sentence=f"{n}", by=log.System("t"), use_case="a") for n in range(3)]
    late = Event.objects.create(
        uid="0191d2c4-0000-7000-8000-000000000000",
        at=moment - timedelta(minutes=30),
        kind="drill",
        sentence="behind",
        actor="t",
        actor_kind="system",
        entry_point="task",
        use_case="a",
        salts=rows[0].salts,
        digests=rows[0].digests,
    )
    sight = Sight(["a"], "t", False)

    assert search.newest(sight, Sought(until=moment - timedelta(minutes=10)), limit=9) == [late]
    assert late not in search.newest(sight, Sought(since=moment - timedelta(minutes=10)), limit=9)
