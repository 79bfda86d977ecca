"""What setting a shared lane would do to each use case that names it. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils import timezone

from routing.engine.digest import digest
from usecases import golden_standing, lanes, one_pager_standing, reviewing
from usecases.actions import guardrails
from usecases.checks import Check, Subject, check
from usecases.models import Change, Guardrail, Lane, UseCase, Version

# Gates that what is live meets as well as a change: the others are about moving.
STANDING: Final = ("limits", "models", "endpoints", "regions", "golden_set", "one_pager")


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
    """Judge every use case that names a lane under the lane as it would be."""
    shared = lanes.named(rows)
    after = {**shared, slug: new} if new is not None else shared
    newest = Version.objects.filter(use_case__in=[row.use_case_id for row in rows])
    newest = newest.order_by("use_case_id", "-number").distinct("use_case_id")
    standing = {version.use_case_id: version for version in newest}
    return [_recheck(row, standing[row.use_case_id], shared, after) for row in rows]


def _recheck(
    row: Guardrail, standing: Version, before: Mapping[str, Lane], after: Mapping[str, Lane]
) -> Rechecked:
    old, new = (lanes.effective(row, shared) for shared in (before, after))
    if digest(old) == digest(new):
        return Rechecked(row.use_case, (), (), ())
    was = {one.key for one in _open(row.use_case, standing, old)}
    failing = [one for one in _open(row.use_case, standing, new) if one.key not in was]
    clashes = [one["message"] for one in guardrails.conflicts(row, dict(after))]
    return Rechecked(row.use_case, tuple(failing), _voided(row, standing, before), tuple(clashes))


def _open(use_case: UseCase, standing: Version, bounds: Mapping[str, Any]) -> list[Check]:
    """Return the gates that what is live does not pass."""
    subject = Subject(
        guardrails=bounds,
        live=standing.document,
        draft=standing.document,
        now=timezone.now(),
        one_pager=one_pager_standing.state_of(use_case),
        golden=golden_standing.now(use_case, bounds, standing.document),
    )
    return [one for one in check(subject).open if one.key.partition(":")[0] in STANDING]


def _voided(row: Guardrail, standing: Version, shared: Mapping[str, Lane]) -> tuple[Voided, ...]:
    """Return the open changes that have approvals: each is for the guardrails as they were."""
    rows = Change.objects.filter(
        use_case=row.use_case_id, status__in=Change.LIVING, expires_at__gt=timezone.now()
    ).select_related("use_case", "author")
    reviews = [reviewing.Review(change, standing, row, shared) for change in rows.order_by("number")]
    return tuple(
        Voided(one.change.number, one.change.sentence, tuple(one.approved_by))
        for one in reviews
        if one.approved_by
    )


def sentence(found: Sequence[Rechecked]) -> str:
    """Say what setting a lane does: “3 use cases use it; 1 would newly be outside”."""
    count, outside = len(found), sum(bool(one.failing) for one in found)
    void = sum(len(one.voided) for one in found)
    if not count:
        return "No use case uses it yet"
    words = f"{count} use case{'s use' if count != 1 else ' uses'} it"
    words += f"; {outside} newly outside" if outside else "; what is live keeps it everywhere"
    return words + (f"; approvals of {void} open change{'s' * (void != 1)} become void" if void else "")
