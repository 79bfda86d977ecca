"""Results of what-ifs that are kept: computed so that they can be computed again, and computed again.

A result is kept with the decisions it was computed from: those that were made between two moments and that the console
had received by a third one. Decisions never change; verdicts come later, and are counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from routing.engine import describe, diff
from routing.engine.digest import digest
from routing.engine.validation import faults
from routing.models import Decision
from usecases import what_if, windows
from usecases.models import KeptImpact, UseCase, Version
from usecases.publishing import Refused
from usecases.what_if import Question
from usecases.windows import Past

FORMAT: Final = "kept-impact/1"
NAMES: Final = UUID("6a1f7f0e-1f5b-4c1e-9f0a-3d4b0a8e2c55")
# What is being received is not all there yet: a transaction is seen a little after the moment that it is stamped with.
SETTLED: Final = timedelta(seconds=1)
# Where a result says what it was computed from, and at which moment.
INPUTS: Final = (*what_if.FLEETING, "ids_digest", "code", "seed", "window", "complete", "live_version")
MOST_LINES: Final = 40


@dataclass(frozen=True, slots=True)
class Frame:
    """Which decisions: made from `since` on (None: ever) and before `until`, received by `as_of`, the last so many."""

    since: datetime | None
    until: datetime
    as_of: datetime
    decisions: int | None = None

    def as_dict(self, asked: Any) -> dict[str, Any]:
        """Return the decisions as a kept result names them, beside how they were asked for."""
        since = self.since.isoformat() if self.since else None
        found = {"since": since, "until": self.until.isoformat(), "decisions": self.decisions}
        return {"asked": what_if.plain(asked), **found}


@dataclass(frozen=True, slots=True)
class Line:
    """One number that is not what it was."""

    path: str
    then: Any
    now: Any

    @property
    def words(self) -> str:
        return self.path.replace(".", ", ").replace("_", " ")


@dataclass(frozen=True, slots=True)
class Again:
    """A kept result computed again: whether the numbers are the same, what differs of the inputs, which numbers do."""

    same: bool
    sentences: tuple[str, ...]
    lines: tuple[Line, ...]
    answer: Mapping[str, Any]


def compute(asked: Question, note: str, by: str) -> KeptImpact:
    """Compute the result of a question as it is kept; saves nothing. Raises `Refused` where there are no decisions."""
    frame = _frame(asked)
    past = past_of(asked.use_case, frame)
    if not len(past.columns):
        words = "There are no decisions in this window, so there is no result to keep."
        raise Refused(words, [{"path": "window", "message": words}])
    answer, verdicts = _answered(replace(asked, past=past))
    row = KeptImpact(
        use_case=asked.use_case,
        live_version=asked.live.number,
        document=dict(asked.document),
        window=frame.as_dict(asked.window),
        as_of=frame.as_of,
        ids_digest=answer["ids_digest"],
        verdicts_digest=verdicts["digest"],
        code=answer["code"],
        seed=answer["seed"],
        people=asdict(asked.people),
        note=note,
        kept_by=by,
    )
    row.result = {"format": FORMAT, "inputs": _inputs(row, asked, verdicts), "answer": answer}
    row.id = _identity(row)
    return row


def _inputs(row: KeptImpact, asked: Question, verdicts: dict[str, Any]) -> dict[str, Any]:
    """Return everything that a result was computed from, so that it can be read without the console."""
    return {
        "use_case": asked.use_case.slug,
        "live_version": row.live_version,
        "live_document": asked.live.document,
        "live_digest": digest(asked.live.document),
        "baseline": asked.live.baseline,
        "document": row.document,
        "document_digest": digest(row.document),
        "people": row.people,
        "window": row.window,
        "as_of": row.as_of.isoformat(),
        "ids_digest": row.ids_digest,
        "verdicts": verdicts,
        "code": row.code,
        "seed": row.seed,
    }


def _identity(row: KeptImpact) -> UUID:
    """Return the same id for the same inputs, note and person: who clicks twice keeps one result."""
    asked = [row.use_case.slug, row.live_version, row.document, row.window["asked"], row.people]
    return uuid5(
        NAMES, digest([*asked, row.ids_digest, row.verdicts_digest, row.code, row.note, row.kept_by])
    )


def _frame(asked: Question) -> Frame:
    """Return a question's window as moments, as of a moment by which everything received is there."""
    as_of = asked.past.as_of - SETTLED
    window = asked.window if isinstance(asked.window, Mapping) else {}
    if "days" in window:
        return Frame(asked.past.as_of - timedelta(days=window["days"]), as_of, as_of)
    if "decisions" in window:
        at = asked.past.columns.at
        first = windows.of_millis(int(at[0])) if len(at) else as_of
        return Frame(first, as_of, as_of, window["decisions"])
    since, until = (windows.moment_of(window.get(key)) for key in ("since", "until"))
    return Frame(since, min(until or as_of, as_of), as_of)


def past_of(use_case: UseCase, frame: Frame) -> Past:
    """Return the decisions of a frame; the same ones again at any later moment. Raises `windows.Loading`."""
    from routing.replay import provenance

    past = windows.between(use_case.slug, frame.since, frame.until)
    columns = provenance.without(past.columns, _late(use_case, frame))
    if frame.decisions is not None:
        columns = columns.last(frame.decisions)
    return Past(columns, frame.as_of, past.complete)


def _late(use_case: UseCase, frame: Frame) -> dict[str, int]:
    """Return the decisions of a frame that were received after it: reported late, or imported since."""
    rows = Decision.objects.filter(
        use_case=use_case.slug, received_at__gt=frame.as_of, at__lt=frame.until + timedelta(milliseconds=1)
    )
    if frame.since and frame.since > windows.EPOCH:
        rows = rows.filter(at__gte=frame.since - timedelta(milliseconds=1))
    return {str(pk): windows.millis(at) for pk, at in rows.values_list("pk", "at").iterator()}


def _answered(asked: Question) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the answer and the verdicts that it counts."""
    from routing.replay import provenance

    return what_if.answer(asked), asdict(provenance.verdicts(asked.past.columns))


# Kept, and again -----------------------------------------------------------------------------------------------------


def frame_of(row: KeptImpact) -> Frame:
    """Return the decisions that a kept result was computed from."""
    window = row.window
    until = windows.moment_of(window["until"])
    assert until is not None  # written by `Frame.as_dict`
    return Frame(windows.moment_of(window["since"]), until, row.as_of, window["decisions"])


def question_of(row: KeptImpact) -> Question:
    """Return the question of a kept result with its decisions as they are today. Raises `Refused`, `Loading`."""
    from routing.replay.impact import People

    # Valid when it was kept; a stricter schema since then is told, not crashed on.
    what_if.refuse(faults(row.document))
    live = Version.objects.get(use_case=row.use_case, number=row.live_version)
    past = past_of(row.use_case, frame_of(row))
    return Question(row.use_case, row.document, live, row.window["asked"], past, People(**row.people))


def again(row: KeptImpact) -> Again:
    """Compute a kept result again and say what differs. Raises `Refused`, `Loading`."""
    answer, verdicts = _answered(question_of(row))
    then, now = (_numbers(found) for found in (row.result["answer"], answer))
    lines = tuple(_lines(then, now))
    sentences = tuple(_sentences(row, answer, verdicts))
    if lines and not sentences:
        sentences = ("Nothing that they were computed from differs, and yet the numbers do.",)
    return Again(not lines, sentences, lines[:MOST_LINES], answer)


def _sentences(row: KeptImpact, answer: Mapping[str, Any], verdicts: Mapping[str, Any]) -> Iterator[str]:
    """Say what differs of the inputs."""
    then, known = row.result["answer"]["decisions"], row.result["inputs"]["verdicts"]
    if answer["decisions"] < then:
        yield f"{then - answer['decisions']:,} of {then:,} decisions are no longer there."
    elif answer["decisions"] > then:
        yield f"{answer['decisions'] - then:,} decisions more than then were received by that moment."
    elif answer["ids_digest"] != row.ids_digest:
        yield "The decisions are not the same ones."
    if answer["ids_digest"] == row.ids_digest and verdicts["digest"] != row.verdicts_digest:
        came = verdicts["decisions"] - known["decisions"]
        counts = f"{known['decisions']:,} then, {verdicts['decisions']:,} now"
        if came > 0:
            yield f"{came:,} verdict{'s' * (came != 1)} {'have' if came != 1 else 'has'} come since ({counts})."
        else:
            yield f"Verdicts have been corrected since ({counts})."
    if answer["code"] != row.code:
        yield f"It was computed by {row.code}; this is {answer['code']}."


def _numbers(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of an answer by their path, without what says where they come from."""
    return dict(_leaves({key: value for key, value in answer.items() if key not in INPUTS}, ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{_name(inner, number)}")
    else:
        yield path, value


def _name(item: Any, number: int) -> str:
    """Name an entry of a list: a cell of the matrix, a rule, a desk, else by its place."""
    if isinstance(item, Mapping) and {"live", "draft", "count"} <= item.keys():
        return f"{item['live']} to {item['draft']}"
    named = item if isinstance(item, Mapping) else {}
    return str(named.get("name") or named.get("queue") or number + 1)


def _lines(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Line]:
    # What a newer console tells in addition is no difference.
    for path, value in then.items():
        if value != now.get(path):
            yield Line(path, value, now.get(path))


def differences(row: KeptImpact) -> Sequence[str]:
    """Say what the document changes of the version that was live then."""
    live, document = row.result["inputs"]["live_document"], row.document
    names = describe.rule_names(document, live)
    return [describe.difference_sentence(change, names) for change in diff.changes(live, document)]
