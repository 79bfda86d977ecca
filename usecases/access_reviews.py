"""Access reviews as their readers see them: each line beside the right as it stands now, and how far it has come."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from usecases import access, delegations, permissions
from usecases.access import Holder
from usecases.models import AccessReview, AccessReviewLine, Delegation, UseCase

Key = tuple[int, str, int]  # use case, kind, holder


@dataclass(frozen=True, slots=True)
class Now:
    """A right as it stands at this moment: what it is called, what it allows, whose it is alone (keys of people)."""

    holder: str
    verbs: list[str]
    owners: frozenset[int]


@dataclass(frozen=True, slots=True)
class Line:
    """One line with what became of its right since. `own`: the viewer's, which somebody else has to judge."""

    row: AccessReviewLine
    now: Now | None
    own: bool
    may: bool

    @property
    def open(self) -> bool:
        return not self.row.verdict

    @property
    def gone(self) -> bool:
        return self.open and self.now is None

    @property
    def changed(self) -> bool:
        return self.open and self.now is not None and self.now.verbs != self.row.verbs

    @property
    def verbs(self) -> list[str]:
        """Return what is judged: the right as it stands, once decided as it stood then."""
        return self.now.verbs if self.open and self.now is not None else list(self.row.verbs)

    @property
    def words(self) -> str:
        return access.listed(self.verbs)

    @property
    def were(self) -> str:
        return access.listed(self.row.verbs)

    @property
    def choosable(self) -> bool:
        return self.open and self.may and not self.own

    @property
    def key(self) -> str:
        """Return line and what is seen of it, as forms carry it: `12:view,tune`."""
        return f"{self.row.pk}:{','.join(self.verbs)}"


def rights_now(use_cases: Iterable[UseCase]) -> dict[Key, Now]:
    """Return every right on some use cases: of groups, of people themselves, and lent for a time."""
    asked = [use_case.pk for use_case in use_cases]
    groups = access.given_to_groups(asked)
    sole = _sole({holder for _, holder in groups})
    found: dict[Key, Now] = {}
    for (use_case, holder), (name, verbs) in groups.items():
        found[use_case, "group", holder] = Now(name, verbs, sole.get(holder, frozenset()))
    for (use_case, holder), (name, verbs) in access.given_to_people(asked).items():
        found[use_case, "person", holder] = Now(name, verbs, frozenset([holder]))
    for loan in delegations.in_force().filter(use_case__in=asked).select_related("giver", "holder"):
        name = f"{loan.giver.get_username()} → {loan.holder.get_username()}"
        pair = frozenset([loan.giver_id, loan.holder_id])
        found[loan.use_case_id, "delegation", loan.pk] = Now(name, ["view", *loan.verbs], pair)
    return found


def _sole(groups: Iterable[int]) -> dict[int, frozenset[int]]:
    """Return the one person of each group of one: its rights are that person's own."""
    members: dict[int, set[int]] = {}
    pairs = User.groups.through.objects.filter(group_id__in=list(groups), user__is_active=True)
    for group, person in pairs.values_list("group_id", "user_id"):
        members.setdefault(group, set()).add(person)
    return {group: frozenset(people) for group, people in members.items() if len(people) == 1}


def reviewable(by: User) -> QuerySet[UseCase]:
    """Return the use cases whose access a person may go through: they approve there, or say who may do what."""
    if permissions.can_manage(by):
        return permissions.visible(by)
    return permissions.visible(by).filter(pk__in=permissions.held(by, "approve").values("pk"))


@dataclass
class Page:
    """One review as one viewer may see it: the lines of use cases that they see."""

    review: AccessReview
    viewer: User

    @cached_property
    def rows(self) -> list[AccessReviewLine]:
        mine = permissions.visible(self.viewer)
        return list(self.review.lines.filter(use_case__in=mine).select_related("use_case"))

    @cached_property
    def lines(self) -> list[Line]:
        may = set(reviewable(self.viewer).values_list("pk", flat=True))
        open_ones = {row.use_case_id: row.use_case for row in self.rows if not row.verdict}
        now = rights_now(open_ones.values())
        return [self._line(row, now, row.use_case_id in may) for row in self.rows]

    def _line(self, row: AccessReviewLine, now: dict[Key, Now], may: bool) -> Line:
        held = now.get((row.use_case_id, row.holder_kind, row.holder_id)) if not row.verdict else None
        own = held is not None and self.viewer.pk in held.owners
        return Line(row, held, own, may and self.review.closed_at is None)

    @cached_property
    def decided(self) -> int:
        return sum(1 for row in self.rows if row.verdict)

    @property
    def may_close(self) -> bool:
        """Say whether the viewer may close it: it is open, and they may go through all of it."""
        if self.review.closed_at is not None or not self.rows:
            return False
        scope = set(self.review.lines.values_list("use_case_id", flat=True))
        return scope <= set(reviewable(self.viewer).values_list("pk", flat=True))


def overdue(review: AccessReview) -> bool:
    return review.closed_at is None and review.due_at <= timezone.now()


def listed_for(viewer: User) -> list[Any]:
    """Return the reviews that touch a use case the viewer sees, with `total` and `done` lines of those."""
    mine = Q(lines__use_case__in=permissions.visible(viewer).values("pk"))
    counted = AccessReview.objects.annotate(
        total=Count("lines", filter=mine), done=Count("lines", filter=mine & ~Q(lines__verdict=""))
    )
    return list(counted.filter(total__gt=0).order_by("-number")[:200])


def find(viewer: User, number: int) -> Page | None:
    """Return one review for a viewer; None where it is not there or touches nothing that they see."""
    review = AccessReview.objects.filter(number=number).first()
    page = Page(review, viewer) if review else None
    return page if page and page.rows else None


def holder_of(line: AccessReviewLine) -> Holder | Delegation | None:
    """Return whose right a line is about, if they are still there."""
    kinds: dict[str, Any] = {"person": User, "group": Group, "delegation": Delegation}
    found: Holder | Delegation | None = kinds[line.holder_kind].objects.filter(pk=line.holder_id).first()
    return found
