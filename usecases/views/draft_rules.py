"""The card of the routing rules: each a sentence with chips, its share of traffic, and what becomes of the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from routing import traffic
from routing.engine import describe
from usecases.fields import CONFIDENCE
from usecases.views.draft_bands import model_labels, since, spoken
from usecases.views.draft_work import Work, anchor, by_key, listed

_PEOPLE = {"escalate": "Person", "review": "Review", "answer": "Answer"}
_UNREADABLE = (KeyError, TypeError, AttributeError, ValueError, IndexError)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a rule's sentence: `word`, `chip` or `to` (where requests go)."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule as its row."""

    index: int
    id: str
    name: str
    enabled: bool
    when: tuple[Piece, ...]
    then: tuple[Piece, ...]
    share: str
    state: str
    faults: tuple[str, ...]
    first: bool
    last: bool

    @property
    def number(self) -> int:
        return self.index + 1

    @property
    def anchor(self) -> str:
        return anchor(f"rules.{self.index}")

    @property
    def key(self) -> str:
        """What the row is known by on the page, wherever it is moved to."""
        return f"rule-{crc32(self.id.encode()):08x}"


def rules_card(work: Work, window: str, *, with_traffic: bool) -> dict[str, Any]:
    """Return the rules in their order. Without traffic the page keeps the shares that it has."""
    counts = traffic.rule_counts(work.use_case.slug, since(window)) if with_traffic else {}
    rules = listed(work.document, "rules")
    live = by_key(work.compared, "rules", "id")
    labels = model_labels(work.document)
    total = sum(counts.values())
    rows = [
        RuleRow(
            index=index,
            id=str(rule.get("id")),
            name=str(rule.get("name") or rule.get("id")),
            enabled=rule.get("enabled", True) is not False,
            when=condition(rule.get("when")),
            then=outcome(rule.get("then"), labels),
            share=percent(counts.get(str(rule.get("id")), 0), total),
            state="" if live.get(rule.get("id")) == rule else "edited" if rule.get("id") in live else "new",
            faults=tuple(work.faults_under(f"rules.{index}")),
            first=index == 0,
            last=index == len(rules) - 1,
        )
        for index, rule in enumerate(rules)
    ]
    return {
        "rows": rows,
        "ladder": ladder_words(work.document),
        "rest": percent(counts.get("", 0), total),
        "with_traffic": with_traffic,
        "total": total,
    }


def percent(count: int, total: int) -> str:
    """Write a share of the traffic; empty where there was none."""
    if not total:
        return ""
    share = 100 * count / total
    return f"{share:.1f}%" if count == 0 or share >= 0.1 else "<0.1%"


def condition(when: Any) -> tuple[Piece, ...]:
    """Return a condition in pieces; one that is not complete yet says so."""
    try:
        parts = describe.condition_parts(when)
        return tuple(Piece("word" if part.kind == "word" else "chip", part.text) for part in parts)
    except _UNREADABLE:
        return (Piece("word", "… a condition that is not complete yet"),)


def outcome(then: Any, labels: Mapping[str, str]) -> tuple[Piece, ...]:
    """Return what a rule sets, in pieces: where requests go stands out."""
    given = then if isinstance(then, Mapping) else {}
    pieces = []
    people = _PEOPLE.get(str(given.get("action")), "")
    queue = spoken(str(given["queue"])) if given.get("queue") else ""
    if people or queue:
        pieces.append(Piece("to", " · ".join(part for part in (people or "Queue", queue) if part)))
    if given.get("start"):
        pieces += [Piece("word", ", "), Piece("to", model_words(str(given["start"]), labels))]
    if given.get("answer_from") is not None:
        pieces += [Piece("word", ", answer from "), Piece("chip", CONFIDENCE.show(given["answer_from"]))]
    if pieces and pieces[0].kind == "word":
        pieces[0] = Piece("word", pieces[0].text.removeprefix(", "))
    return tuple(pieces) or (Piece("word", "nothing changes yet"),)


def model_words(name: str, labels: Mapping[str, str]) -> str:
    """Name a model as its owner does: by its label, else as “Small model”."""
    label = labels.get(name, name)
    return label if label != name or not name.isalpha() else f"{spoken(name)} model"


def ladder_words(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the ladder's steps: what each is called, and below which confidence it is asked."""
    labels, ladder = model_labels(document), listed(document, "ladder")
    below = ["", *(CONFIDENCE.show(rung.get("accept_from")) for rung in ladder)]
    names = [model_words(str(rung.get("model")), labels) for rung in ladder]
    return [{"name": name, "below": edge} for name, edge in zip(names, below, strict=False)]
