"""What setting a shared lane would do to each use case that names it. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

from django.utils import timezone

from routing.engine.digest import digest
from usecases import golden_standing, lanes, one_pager_standing, one_pagers, reviewing
from usecases.actions import guardrails
from usecases.checks import SETTINGS, check
from usecases.models import GoldenSet, Guardrail, Lane, UseCase, Version
from usecases.publishing import newest_of
from usecases.subjects import Check, Subject

# Gates that what is live meets as well as a change: the others are about moving.
STANDING: Final = (*SETTINGS, "golden_set", "one_pager")


@dataclass(frozen=True, slots=True)
class Voided:
    """An open change whose approvals would no longer count."""

    number: int
    sentence: str
    approved_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rechecked:
    """One use case under the lane as it would be. `failing`: gates that what is live would newly not pass."""

    use_case: UseCase
    failing: tuple[Check, ...]
    voided: tuple[Voided, ...]
    conflicts: tuple[str, ...]

    @property
    def fine(self) -> bool:
        return not (self.failing or self.voided or self.conflicts)

    def as_dict(self) -> dict[str, Any]:
        """Return what the API tells."""
        return {
            "use_case": self.use_case.slug,
            "name": self.use_case.name,
            "failing": [one.as_dict() for one in self.failing],
            "voided": [
                {"change": one.number, "sentence": one.sentence, "approved_by": list(one.approved_by)}
                for one in self.voided
            ],
            "conflicts": list(self.conflicts),
        }


def recheck(rows: Sequence[Guardrail], slug: str, new: Lane | None) -> list[Rechecked]:
    """Judge every use case that names a lane under the lane as it would be; what is kept is the lane as it was."""
    shared = lanes.named(rows)
    after = {**shared, slug: new} if new is not None else shared
    ground = _Ground(rows, shared, after)
    return [_recheck(row, ground) for row in rows]


@dataclass(frozen=True)
class _Ground:
    """What all of them are judged by, read once. Keys are those of use cases."""

    rows: Sequence[Guardrail]
    before: Mapping[str, Lane]
    after: Mapping[str, Lane]

    @cached_property
    def old(self) -> dict[int, dict[str, Any]]:
        return {row.use_case_id: lanes.effective(row, self.before) for row in self.rows}

    @cached_property
    def new(self) -> dict[int, dict[str, Any]]:
        return {row.use_case_id: lanes.effective(row, self.after) for row in self.rows}

    @cached_property
    def moved(self) -> set[int]:
        """Those for which something else would hold."""
        return {key for key, old in self.old.items() if digest(old) != digest(self.new[key])}

    @cached_property
    def standing(self) -> dict[int, Version]:
        return newest_of(self.moved)

    @cached_property
    def one_pagers(self) -> dict[int, one_pagers.State]:
        return one_pager_standing.states_of(row.use_case for row in self.rows)

    @cached_property
    def sets(self) -> dict[str, dict[int, list[GoldenSet]]]:
        """The golden sets that are asked for, as it was and as it would be."""
        return {"old": golden_standing.asked(self.old), "new": golden_standing.asked(self.new)}

    @cached_property
    def reviews(self) -> list[reviewing.Review]:
        """The open changes, under the lane as it was."""
        return reviewing.living([row.use_case for row in self.rows if row.use_case_id in self.moved])

    def open(self, key: int, which: Literal["old", "new"]) -> list[Check]:
        """Return the gates that what is live does not pass."""
        document = self.standing[key].document
        subject = Subject(
            guardrails=(self.old if which == "old" else self.new)[key],
            live=document,
            draft=document,
            now=timezone.now(),
            one_pager=self.one_pagers[key],
            golden=golden_standing.now(self.sets[which][key], document),
        )
        return [one for one in check(subject).open if one.key.partition(":")[0] in STANDING]


def _recheck(row: Guardrail, ground: _Ground) -> Rechecked:
    key = row.use_case_id
    if key not in ground.moved:
        return Rechecked(row.use_case, (), (), ())
    was = {one.key for one in ground.open(key, "old")}
    failing = [one for one in ground.open(key, "new") if one.key not in was]
    clashes = [one["message"] for one in guardrails.conflicts(row, dict(ground.after))]
    # Each approval was given for the guardrails as they were.
    voided = [
        Voided(one.change.number, one.change.sentence, tuple(one.approved_by))
        for one in ground.reviews
        if one.change.use_case_id == key and one.approved_by
    ]
    return Rechecked(row.use_case, tuple(failing), tuple(voided), tuple(clashes))


def sentence(found: Sequence[Rechecked]) -> str:
    """Say what setting a lane does: “3 use cases use it; 1 would newly be outside”."""
    count, outside = len(found), sum(bool(one.failing) for one in found)
    void = sum(len(one.voided) for one in found)
    if not count:
        return "No use case uses it yet"
    words = f"{count} use case{'s use' if count != 1 else ' uses'} it"
    words += f"; {outside} newly outside" if outside else "; what is live keeps it everywhere"
    return words + (f"; approvals of {void} open change{'s' * (void != 1)} become void" if void else "")
