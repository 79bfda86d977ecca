"""Who may do what on one use case, and from where: read once for all people. Decides nothing; `permissions` does.

What stands here of a person and a verb says the same as `permissions.can`, which a test holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.contrib.auth.models import Group, User
from guardian.models import GroupObjectPermission, UserObjectPermission

from usecases import delegations, lanes, strictest
from usecases.models import BusinessUnit, Delegation, UseCase

VERBS: Final[tuple[str, ...]] = ("view", "tune", "approve", "kill", "review")
NAMES: Final = {"view": "See", "tune": "Tune", "approve": "Approve", "kill": "Stop", "review": "Review"}
MEANS: Final = {
    "view": "Read everything here: settings, history, decisions, the record, and this list.",
    "tune": "Turn the knobs, propose changes, and make live what its approvals allow.",
    "approve": "Approve, send back or veto what others propose, and set the guardrails.",
    "kill": "Send it to baseline or have everything reviewed, and restore it.",
    "review": "Work on its cases that wait for a person.",
}
SUFFIX: Final = "_usecase"
HEADER: Final = ["person", "right", "by", "from", "until", "approval_counts"]
Holder = User | Group
Rights = dict[tuple[int, int], tuple[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Source:
    """From where somebody holds a right. `kind`: superuser, own, group or delegation; `name`: the group or giver."""

    kind: str
    name: str = ""
    words: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What a group or a person was given here. `members`: who is in the group and may sign in."""

    holder: Holder
    kind: str
    words: str
    verbs: list[str]
    members: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(getattr(self.holder, "username", None) or getattr(self.holder, "name", ""))

    @property
    def active(self) -> bool:
        return bool(getattr(self.holder, "is_active", True))

    @property
    def verb_names(self) -> str:
        return listed(self.verbs)


@dataclass(slots=True)
class Row:
    """One person and all they may do here. `named`: their approvals count under the terms."""

    person: User
    sources: dict[str, list[Source]] = field(default_factory=dict)
    named: bool = False

    @property
    def name(self) -> str:
        return str(self.person.get_username())

    @property
    def cells(self) -> list[tuple[str, str, list[Source]]]:
        """Return verb, its heading and from where, in the order of the columns."""
        return [(verb, NAMES[verb], self.sources.get(verb, [])) for verb in VERBS]

    @property
    def verbs(self) -> list[str]:
        return [verb for verb in VERBS if self.sources.get(verb)]


@dataclass
class Access:
    """All rights on one use case as they stand at this moment."""

    use_case: UseCase

    @cached_property
    def unit(self) -> BusinessUnit | None:
        return BusinessUnit.objects.filter(places__use_case=self.use_case).first()

    @cached_property
    def groups(self) -> list[Given]:
        """Return the groups that hold rights here, with their people."""
        got = given_to_groups([self.use_case.pk])
        verbs = {holder: held for (_, holder), (_, held) in got.items()}
        groups = Group.objects.filter(pk__in=verbs).select_related("unit__unit").order_by("name")
        members: dict[int, list[str]] = {}
        pairs = User.groups.through.objects.filter(group_id__in=verbs, user__is_active=True)
        for group, name in pairs.order_by("user__username").values_list("group_id", "user__username"):
            members.setdefault(group, []).append(name)
        return [
            Given(group, "group", group_words(group), verbs[group.pk], members.get(group.pk, []))
            for group in groups
        ]

    @cached_property
    def people(self) -> list[Given]:
        """Return whom rights were given personally, also those who may not sign in now."""
        got = given_to_people([self.use_case.pk])
        verbs = {holder: held for (_, holder), (_, held) in got.items()}
        users = User.objects.filter(pk__in=verbs).order_by("username")
        return [Given(user, "person", "given personally", verbs[user.pk]) for user in users]

    @cached_property
    def loans(self) -> list[Delegation]:
        """Return the loans whose time it is, whether or not the giver still holds all of it."""
        rows = delegations.in_force().filter(use_case=self.use_case)
        return list(rows.select_related("giver", "holder").order_by("ends_at", "pk"))

    @cached_property
    def _owned(self) -> dict[str, dict[str, list[Source]]]:
        """Return by name what people hold by themselves or by a group: person → verb → from where."""
        found: dict[str, dict[str, list[Source]]] = {}

        def add(name: str, verbs: Iterable[str], source: Source) -> None:
            for verb in verbs:
                found.setdefault(name, {}).setdefault(verb, []).append(source)

        for name in User.objects.filter(is_superuser=True, is_active=True).values_list("username", flat=True):
            add(name, VERBS, Source("superuser", words="superuser"))
        for given in self.people:
            if given.active:
                add(given.name, given.verbs, Source("own", words="personally"))
        for given in self.groups:
            for name in given.members:
                add(name, given.verbs, Source("group", given.name, given.words))
        return found

    @cached_property
    def rows(self) -> list[Row]:
        """Return everybody who may do anything here, by name."""
        sources = {
            name: {verb: list(got) for verb, got in held.items()} for name, held in self._owned.items()
        }
        for loan in self.loans:
            for verb in self.counting(loan):
                giver = loan.giver.get_username()
                source = Source("delegation", giver, f"lent by {giver}", loan.ends_at)
                sources.setdefault(loan.holder.get_username(), {}).setdefault(verb, []).append(source)
        users = User.objects.filter(username__in=sources, is_active=True).order_by("username")
        rows = [Row(user, sources[user.get_username()]) for user in users]
        named = self._named(rows)
        for row in rows:
            row.named = row.name in named
        return [row for row in rows if row.verbs]

    def counting(self, loan: Delegation) -> list[str]:
        """Return what a loan gives now: what its giver holds by themselves, and to see with it."""
        held = self._owned.get(loan.giver.get_username(), {})
        if loan.giver_id == loan.holder_id or "view" not in held:
            return []
        lent = [verb for verb in VERBS if verb in delegations.LENT and verb in loan.verbs and verb in held]
        return ["view", *lent] if lent else []

    @cached_property
    def approvers(self) -> list[dict[str, list[str]]]:
        """Return each naming of people and groups whose approvals count; somebody has to be in all. None: who may."""
        return [
            {"people": one.get("people") or [], "groups": one.get("groups") or []}
            for one in strictest.approver_groups(lanes.effective(self.use_case.guardrail))
        ]

    def _named(self, rows: list[Row]) -> set[str]:
        found = {row.name for row in rows if row.sources.get("approve")}
        for one in self.approvers:
            inside = User.objects.filter(username__in=found, groups__name__in=one["groups"])
            found &= {*one["people"], *inside.values_list("username", flat=True)}
        return found

    @property
    def approvers_words(self) -> str:
        """Say whose approvals count here."""
        told = [
            " or ".join([*(f"group {name}" for name in one["groups"]), *one["people"]])
            for one in self.approvers
        ]
        if not told:
            return "Everybody who may approve counts; nobody for their own change."
        return f"Only approvals of {', and also of '.join(told)} count; of nobody for their own change."


def table(rows: list[Row]) -> list[list[Any]]:
    """Return people and rights as rows of a table."""
    return [
        [row.name, verb, source.kind, source.name, source.until, row.named if verb == "approve" else None]
        for row in rows
        for verb in row.verbs
        for source in row.sources[verb]
    ]


def group_words(group: Group) -> str:
    """Name a group as people know it: a business unit's by the unit."""
    place = getattr(group, "unit", None)
    return f"{place.role} of the unit {place.unit.name}" if place else f"group {group.name}"


def listed(verbs: Iterable[str]) -> str:
    """see, tune, stop."""
    named = set(verbs)
    return ", ".join(NAMES[verb].lower() for verb in VERBS if verb in named)


def given_to_groups(use_cases: list[int]) -> Rights:
    """Return what groups were given: (use case, group) → name, verbs."""
    rows = GroupObjectPermission.objects.filter(**_on(use_cases))
    return _gathered(rows.values_list("object_pk", "group_id", "group__name", "permission__codename"))


def given_to_people(use_cases: list[int]) -> Rights:
    """Return what people were given themselves: (use case, person) → name, verbs."""
    rows = UserObjectPermission.objects.filter(**_on(use_cases))
    return _gathered(rows.values_list("object_pk", "user_id", "user__username", "permission__codename"))


def verbs_of(holder: Holder, use_case: UseCase) -> list[str]:
    """Return what a person or a group was given itself on a use case."""
    ask = given_to_groups if isinstance(holder, Group) else given_to_people
    return ask([use_case.pk]).get((use_case.pk, holder.pk), ("", []))[1]


def _on(use_cases: list[int]) -> dict[str, Any]:
    return {
        "object_pk__in": [str(pk) for pk in use_cases],
        "content_type__app_label": "usecases",
        "content_type__model": "usecase",
    }


def _gathered(rows: Iterable[tuple[str, int, str, str]]) -> Rights:
    found: dict[tuple[int, int], tuple[str, set[str]]] = {}
    for use_case, holder, name, code in rows:
        found.setdefault((int(use_case), holder), (name, set()))[1].add(code.removesuffix(SUFFIX))
    ordered = sorted(found.items(), key=lambda pair: (pair[0][0], pair[1][0]))
    listed_ones = {key: (name, [verb for verb in VERBS if verb in got]) for key, (name, got) in ordered}
    return {key: held for key, held in listed_ones.items() if held[1]}
