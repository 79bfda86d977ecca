"""Versions as people read them: what changed, in words and exactly, and how it reached the assistants."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routing.engine import describe, diff
from routing.models import Rollout
from usecases.models import UseCase, Version

PAGE = 20
DOTS = {"kill": "stop", "review_all": "wait", "restore": "live", "created": "live", "message": "quietly"}


@dataclass(frozen=True, slots=True)
class Line:
    """One difference: in words, and as it stands in the document. None: there was, or is, nothing."""

    path: str
    words: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One version on the timeline."""

    version: Version
    rollout: Rollout | None
    lines: list[Line]

    @property
    def dot(self) -> str:
        return DOTS.get(self.version.kind, "")

    @property
    def title(self) -> str:
        return self.version.sentence.rstrip(".")

    @property
    def delivery(self) -> str:
        return delivery_words(self.rollout)


def delivery_words(rollout: Rollout | None) -> str:
    """Say how long the last assistant took; nothing where nobody was there to confirm."""
    if rollout is None or not rollout.expected:
        return ""
    if rollout.seconds is None:
        return f"{rollout.confirmed} of {rollout.expected} assistants confirmed."
    who = f"All {rollout.expected} assistants" if rollout.expected > 1 else "The one running assistant"
    return f"{who} confirmed in {rollout.seconds:.2f} s."


def entries(use_case: UseCase, before: int | None = None) -> tuple[list[Entry], int | None]:
    """Return one page of the timeline, newest first, and the number that the next page comes before."""
    rows = Version.objects.filter(use_case=use_case)
    if before is not None:
        rows = rows.filter(number__lt=before)
    got = list(rows[: PAGE + 1])
    numbers = [version.number for version in got]
    rollouts = {r.version: r for r in Rollout.objects.filter(use_case=use_case.slug, version__in=numbers)}
    followed = [*got[1:], None]
    found = [
        Entry(version, rollouts.get(version.number), lines(previous, version) if previous else [])
        for version, previous in zip(got, followed, strict=True)
    ]
    return found[:PAGE], got[PAGE - 1].number if len(got) > PAGE else None


def lines(old: Version, new: Version) -> list[Line]:
    """Return every difference of two versions: document, baseline, message and state."""
    names = describe.rule_names(new.document, old.document)
    found = [_line(change, names) for change in diff.changes(old.document, new.document)]
    for change in diff.changes(old.baseline, new.baseline):
        found.append(_line(change, names, "baseline."))
    if old.message != new.message:
        found.append(
            Line("message", "What customers read on baseline", old.message or None, new.message or None)
        )
    return found


def _line(change: diff.Difference, names: Mapping[str, str], within: str = "") -> Line:
    words = describe.difference_sentence(change, names)
    return Line(
        within + change.path, f"Baseline: {words}" if within else words, shown(change.old), shown(change.new)
    )


def shown(value: Any) -> str | None:
    """Write a value of a document; a rule reads as its sentence."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict) and {"when", "then"} <= set(value):
        return describe.rule_sentence(value)
    brief = describe.without_points(value)
    return brief if isinstance(brief, str) else json.dumps(brief, ensure_ascii=False)


def numbers(use_case: UseCase, most: int = 500) -> Sequence[tuple[int, str]]:
    """Return the newest version numbers with their sentences, to choose from."""
    return list(Version.objects.filter(use_case=use_case).values_list("number", "sentence")[:most])
