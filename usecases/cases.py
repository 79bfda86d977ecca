"""The decisions behind one cell of the matrix, to read: text, answer, verdict, what each document makes of them.

Which decisions they are comes from the replay; what was said comes from the table, for the few that are shown.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from routing.models import Decision
from usecases.models import UseCase
from usecases.what_if import Question, question

if TYPE_CHECKING:
    from routing.replay import picking

PAGE: Final = 50
MOST: Final = 500
# Words are looked for in this many of the newest, so that a rare word costs no scan of everything.
SEARCHED: Final = 5_000
BATCH: Final = 500
# Whose word a verdict is, by how labels of such decisions came about.
LABELS: Final[Mapping[str, str]] = {
    "census": "from the imported log",
    "audit": "random audit",
    "desk": "the desk that had it",
    "none": "",
}


@dataclass(frozen=True, slots=True)
class Way:
    """What one document makes of a request. Cost and wait are those of all models tried; None where not recorded."""

    action: str
    band: str | None
    queue: str | None
    model: str | None
    rule: str | None
    rule_name: str
    detail: str
    cost_usd: float | None
    latency_ms: float | None


@dataclass(frozen=True, slots=True)
class Case:
    """One decision as it was, and both ways (None: not knowable from history).

    `correct` is the verdict on the answer that would stand in the draft, `label` the kind of label that it is. `answer`
    and `model` are what stood at the time.
    """

    id: str
    at: datetime
    request_id: str
    text: str
    answer: str
    model: str
    confidence: float | None
    correct: bool | None
    label: str
    live: Way | None
    draft: Way | None

    @property
    def whose(self) -> str:
        """Whose word the verdict is; empty where there is none."""
        return "" if self.correct is None else LABELS.get(self.label, self.label)

    @property
    def other_model(self) -> str:
        """The model whose answer the verdict is about, where that is not the one that stood at the time."""
        model = self.draft.model if self.draft else None
        return model if model and model != self.model else ""

    @property
    def costs(self) -> tuple[float | None, float | None]:
        return _one(self.live, "cost_usd"), _one(self.draft, "cost_usd")

    @property
    def waits(self) -> tuple[float | None, float | None]:
        return _one(self.live, "latency_ms"), _one(self.draft, "latency_ms")


def _one(way: Way | None, name: str) -> float | None:
    found: float | None = getattr(way, name, None)
    return found


@dataclass(frozen=True, slots=True)
class Wish:
    """Which cell of the matrix, and what narrows it."""

    live: str
    draft: str
    verdict: str = ""
    rule: str = ""
    words: str = ""

    def __bool__(self) -> bool:
        return bool(self.verdict or self.rule or self.words)


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a cell. `summary` is the cell as the matrix has it, None where it holds nothing.

    `verdicts` counts all of the cell's, also those that say nothing of the others: a desk's are of what it got.
    `total` counts what fits the wish; where words were looked for in the newest only, `searched` says in how many.
    """

    summary: Mapping[str, Any] | None
    verdicts: Mapping[str, int]
    rules: tuple[tuple[str, str, int], ...]
    total: int
    searched: int | None
    cases: tuple[Case, ...]


def cases(
    *,
    use_case: UseCase,
    document: Any,
    wish: Wish,
    by: Any,
    window: Any = None,
    live: int | None = None,
    skip: int = 0,
    limit: int = PAGE,
) -> Found:
    """Return decisions of one cell, the newest first. Raises what `what_if.ask` raises."""
    asked = question(use_case=use_case, document=document, by=by, window=window, live=live)
    return page(asked, wish, skip, limit)


def page(asked: Question, wish: Wish, skip: int, limit: int) -> Found:
    """Return one page of a cell's decisions, of a question that was checked already."""
    from routing.replay import picking

    whole = picking.cell(*asked.sides(), wish.live, wish.draft)
    names = _rule_names(whole)
    rules = tuple((rule, names.get(rule, "No rule"), count) for rule, count in whole.rules().items())
    narrow = whole.only(verdict=wish.verdict, rule=wish.rule)
    total, searched = len(narrow), None
    if wish.words:
        searched = min(len(narrow), SEARCHED) if len(narrow) > SEARCHED else None
        narrow = narrow.among(_fitting(asked, narrow, wish.words))
        total = len(narrow)
    found = _read(asked, narrow.picks(skip, limit), names)
    return Found(whole.summary(), whole.verdicts(), rules, total, searched, tuple(found))


def every(asked: Question, wish: Wish) -> Iterator[Case]:
    """Yield all decisions of a cell that fit a wish, read as they are needed."""
    from routing.replay import picking

    whole = picking.cell(*asked.sides(), wish.live, wish.draft)
    names = _rule_names(whole)
    narrow = whole.only(verdict=wish.verdict, rule=wish.rule)
    if wish.words:
        narrow = narrow.among(_fitting(asked, narrow, wish.words))
    for start in range(0, len(narrow), BATCH):
        yield from _read(asked, narrow.picks(start, BATCH), names)


def _fitting(asked: Question, narrow: "picking.Cell", words: str) -> list[int]:
    """Return the places whose text or request holds the words, among the newest."""
    found: list[int] = []
    for start in range(0, min(len(narrow), SEARCHED), BATCH):
        ids = narrow.ids(start, BATCH)
        rows = Decision.objects.filter(use_case=asked.use_case.slug, pk__in=ids)
        fits = {str(pk) for pk in rows.filter(text__icontains=words).values_list("pk", flat=True)}
        fits |= {str(pk) for pk in rows.filter(request_id=words).values_list("pk", flat=True)}
        found += [start + number for number, identity in enumerate(ids) if identity in fits]
    return found


def _read(asked: Question, picks: "list[picking.Pick]", names: Mapping[str, str]) -> list[Case]:
    """Return the cases of some picks; what the table no longer has is left out."""
    rows = Decision.objects.filter(use_case=asked.use_case.slug, pk__in=[pick.id for pick in picks])
    known = {str(row.pk): row for row in rows}
    return [_case(known[pick.id], pick, names) for pick in picks if pick.id in known]


def _case(row: Decision, pick: "picking.Pick", names: Mapping[str, str]) -> Case:
    return Case(
        id=pick.id,
        at=row.at,
        request_id=row.request_id,
        text=row.text,
        answer=row.answer,
        model=row.model,
        confidence=row.confidence,
        correct=pick.correct,
        label=pick.label,
        live=_way(pick.live, names),
        draft=_way(pick.draft, names),
    )


def _way(way: "picking.Way | None", names: Mapping[str, str]) -> Way | None:
    if way is None:
        return None
    decision = way.decision
    return Way(
        action=decision.action,
        band=decision.band,
        queue=decision.queue,
        model=decision.model,
        rule=decision.rule,
        rule_name=names.get(decision.rule, decision.rule) if decision.rule else "",
        detail=decision.detail,
        cost_usd=way.cost_usd,
        latency_ms=way.latency_ms,
    )


def _rule_names(whole: "picking.Cell") -> dict[str, str]:
    """Return the rules' names by id; the draft's word counts."""
    sides = (whole.before, whole.after)
    return {
        rule.id: rule.name for side in sides for rule in side.replayed.table.compiled.courses.document.rules
    }
