"""What a change is judged by, and how one gate of it stands. Pure; `usecases.checks` judges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from routing.engine import diff, knobs
from usecases import one_pagers
from usecases.fields import is_number
from usecases.golden_gates import Standing
from usecases.step_gates import Earlier

Document = dict[str, Any]

PASSED: Final = "passed"
FAILED: Final = "failed"
WAITING: Final = "waiting"
NEEDS: Final = "needs approval"


@dataclass(frozen=True, slots=True)
class Check:
    """One gate. `status`: passed, failed, waiting (for time or somebody) or needs approval."""

    key: str
    name: str
    status: str
    evidence: str = ""
    clear: str = ""

    @property
    def passed(self) -> bool:
        return self.status == PASSED

    def as_dict(self) -> dict[str, str]:
        return {
            "key": self.key,
            "name": self.name,
            "status": self.status,
            "evidence": self.evidence,
            "clear": self.clear,
        }


@dataclass(frozen=True, slots=True)
class Rival:
    """Another open change that was there first, and what it changes."""

    number: int
    author: str
    paths: frozenset[str]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: a document that would replace `live`, by these guardrails, at this moment.

    `ground`: what lanes are judged against; other than `live` while an override is in force. `base`: what the change
    was begun from. `leaves_to`: the state a use case would leave its safe state for. `approved_by`: whose approvals
    count for exactly this content; None: not proposed yet. `blocked_by`: who asked for changes. `certificate`: why the
    newest one does not cover the draft, "" where it does, None where there is none. `earlier`: what was live before,
    for steps. `golden`: how the golden sets that are asked for stand with this draft. `before`: the limits that held
    before who makes it live set these.
    """

    guardrails: Mapping[str, Any]
    live: Document
    draft: Document
    now: datetime
    ground: Document | None = None
    base: Document | None = None
    base_number: int = 0
    live_number: int = 0
    baseline: Any = None
    leaves_to: str = ""
    safe: bool = False
    rivals: Sequence[Rival] = ()
    evidence: Mapping[str, Any] | None = None
    certificate: str | None = None
    approved_by: Sequence[str] | None = None
    blocked_by: str = ""
    one_pager: one_pagers.State = one_pagers.NOTHING
    earlier: Sequence[Earlier] = ()
    golden: Sequence[Standing] = ()
    before: Mapping[str, Any] | None = None

    @property
    def reference(self) -> Document:
        """What lanes are judged against."""
        return self.live if self.ground is None else self.ground

    @property
    def tightens(self) -> bool:
        """All that it does is turn knobs the stricter way, seen also from what an override in force stands in for.

        Else a little less of what an override loosened would pass as tightening, and stay when the override ends.
        """
        return tightens_only(self.live, self.draft) and (
            tightens_only(self.reference, self.draft) or not diff.changes(self.reference, self.draft)
        )


def tightens_only(live: Document, draft: Document) -> bool:
    """Tell whether all that a draft does is turn knobs the stricter way: that may be done at any time."""
    changed = diff.changes(live, draft)
    return bool(changed) and all(
        knobs.is_knob(one.path)
        and all(value is None or is_number(value) for value in (one.old, one.new))
        and not knobs.loosens(one.path, one.old, one.new)
        for one in changed
    )
