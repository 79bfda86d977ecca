"""What changes are judged by, read for many of them at once, each part when it is first asked for.

One change is read the same way: a list of one.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import Max
from django.utils import timezone

from routing.models import State
from usecases import (
    golden_standing,
    judging,
    one_pager_standing,
    one_pagers,
    overriding,
    permissions,
    step_gates,
)
from usecases.checks import paths_of
from usecases.models import Approval, Certificate, Change, GoldenSet, Version
from usecases.publishing import versions_at
from usecases.step_gates import Earlier
from usecases.subjects import Rival

if TYPE_CHECKING:
    from usecases.reviewing import Review


class Ahead:
    """The ground of some reviews; keys are those of use cases unless something else is said."""

    def __init__(self, reviews: "Sequence[Review]") -> None:
        self.reviews = reviews

    @cached_property
    def _standings(self) -> dict[int, Version]:
        return {review.change.use_case_id: review.standing for review in self.reviews}

    @cached_property
    def _bounds(self) -> dict[int, dict[str, Any]]:
        return {review.change.use_case_id: review.bounds for review in self.reviews}

    @cached_property
    def approvals(self) -> dict[int, list[Approval]]:
        """What reviewers said, in order, by key of the change; each reviewer is one person, whose rights are read."""
        found: dict[int, list[Approval]] = {review.change.pk: [] for review in self.reviews}
        rows = Approval.objects.filter(change__in=found).prefetch_related("person__groups")
        for row in rows.order_by("at", "id"):
            found[row.change_id].append(row)
        for person in {row.person_id: row.person for rows in found.values() for row in rows}.values():
            permissions.read_once(person)
            permissions.read_ahead(person, [review.use_case for review in self.reviews])
        return found

    def base(self, change: Change) -> Version:
        """Return the version that a change was begun from."""
        return self._bases[change.use_case_id, change.base_version]

    @cached_property
    def _bases(self) -> dict[tuple[int, int], Version]:
        known = {(owner, version.number): version for owner, version in self._standings.items()}
        asked = {(review.change.use_case_id, review.change.base_version) for review in self.reviews}
        return known | versions_at(asked - known.keys())

    @cached_property
    def grounds(self) -> dict[int, dict[str, Any]]:
        """The documents that lanes are judged against while an override is in force."""
        return overriding.grounds(self._standings)

    @cached_property
    def earlier(self) -> dict[int, list[Earlier]]:
        """What was live within the longest step that guardrails name."""
        hours = {owner: step_gates.longest(bounds) for owner, bounds in self._bounds.items()}
        return judging.earlier(hours, timezone.now())

    @cached_property
    def one_pagers(self) -> dict[int, one_pagers.State]:
        return one_pager_standing.states_of(review.use_case for review in self.reviews)

    @cached_property
    def golden(self) -> Mapping[int, Sequence[GoldenSet]]:
        """The golden sets that are asked for, without their cases."""
        return golden_standing.asked(self._bounds, whole=False)

    @cached_property
    def certificates(self) -> dict[int, Certificate]:
        """The newest certificate of each."""
        rows = Certificate.objects.filter(use_case__in=self._standings).order_by("use_case_id", "-issued_at")
        return {row.use_case_id: row for row in rows.distinct("use_case_id")}

    @cached_property
    def episodes(self) -> dict[int, int]:
        """The numbers of the versions that began the present stay on a safe state; 0 while live."""
        safe = [owner for owner, version in self._standings.items() if version.state != State.LIVE]
        rows = Version.objects.filter(use_case__in=safe, state=State.LIVE) if safe else Version.objects.none()
        live = dict(rows.order_by().values_list("use_case_id").annotate(Max("number")))
        # Numbers have no gaps.
        return dict.fromkeys(self._standings, 0) | {owner: live.get(owner, 0) + 1 for owner in safe}

    def rivals(self, change: Change) -> list[Rival]:
        """Return the open changes of the same use case that were there first."""
        return [one for one in self._rivals.get(change.use_case_id, []) if one.number < change.number]

    @cached_property
    def _rivals(self) -> dict[int, list[Rival]]:
        last: dict[int, int] = {}
        for review in self.reviews:
            change = review.change
            last[change.use_case_id] = max(change.number, last.get(change.use_case_id, 0))
        rows = Change.objects.filter(
            use_case__in=last, status=Change.Status.OPEN, leaves_to="", expires_at__gt=timezone.now()
        )
        rows = rows.select_related("author").defer("evidence").order_by("number")
        first = [row for row in rows if row.number < last[row.use_case_id]]
        bases = versions_at({(row.use_case_id, row.base_version) for row in first})
        found: dict[int, list[Rival]] = {}
        for row in first:
            paths = paths_of(bases[row.use_case_id, row.base_version].document, row.document)
            found.setdefault(row.use_case_id, []).append(Rival(row.number, row.author.get_username(), paths))
        return found
