"""Shapes of who may do what: people and rights, groups, loans."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AwareDatetime, Field

from console.api.schemas import Reason, Strict
from usecases.access import Access, Row
from usecases.models import Delegation

Verb = Literal["view", "tune", "approve", "kill", "review"]


class SourceOut(Schema):
    kind: Annotated[str, Field(description="superuser, own, group or delegation")]
    name: Annotated[str, Field(description="The group, or who lent it")]
    until: datetime | None


class RightOut(Schema):
    right: Verb
    by: list[SourceOut]


class PersonOut(Schema):
    person: str
    rights: list[RightOut]
    approval_counts: Annotated[
        bool, Field(description="Among those whose approvals count under the guardrails")
    ]


class GroupOut(Schema):
    group: str
    rights: list[Verb]
    members: list[str]


class DelegationOut(Schema):
    id: int
    giver: str
    holder: str
    rights: list[str]
    reason: str
    begins_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    ended_by: str


class AccessOut(Schema):
    use_case: str
    unit: Annotated[str | None, Field(description="Slug of the business unit that it is in")]
    people: list[PersonOut]
    groups: list[GroupOut]
    delegations: Annotated[list[DelegationOut], Field(description="Those whose time it is")]


class Holder(Strict):
    """Whose rights: a person's own, or a group's."""

    person: str | None = Field(default=None, max_length=150, description="Account; or name a group")
    group: str | None = Field(default=None, max_length=150)


class Grant(Holder):
    rights: list[Verb] = Field(min_length=1, max_length=5, description="To see comes with each")
    reason: Reason


class Revoke(Holder):
    rights: list[Verb] | None = Field(
        default=None,
        min_length=1,
        max_length=5,
        description="Left out, or with `view` among them: all of them",
    )
    reason: Reason = ""


class HolderOut(Schema):
    """What a person or a group was given by now; what reaches a person through groups and loans is not in it."""

    person: str | None
    group: str | None
    rights: list[Verb]


class Lend(Strict):
    to: str = Field(max_length=150, description="Account that borrows")
    rights: list[Literal["tune", "approve", "kill", "review"]] = Field(min_length=1, max_length=4)
    until: AwareDatetime = Field(description="At most 90 days from now")
    reason: Reason


def access_out(access: Access) -> dict[str, Any]:
    """Return everybody who may do anything on a use case, and from where."""
    return {
        "use_case": access.use_case.slug,
        "unit": access.unit.slug if access.unit else None,
        "people": [_person(row) for row in access.rows],
        "groups": [
            {"group": given.name, "rights": given.verbs, "members": given.members} for given in access.groups
        ],
        "delegations": [delegation_out(row) for row in access.loans],
    }


def _person(row: Row) -> dict[str, Any]:
    rights = [
        {
            "right": verb,
            "by": [{"kind": one.kind, "name": one.name, "until": one.until} for one in row.sources[verb]],
        }
        for verb in row.verbs
    ]
    return {"person": row.name, "rights": rights, "approval_counts": row.named}


def delegation_out(row: Delegation) -> dict[str, Any]:
    plain = ("id", "reason", "begins_at", "ends_at", "ended_at", "ended_by")
    people = {"giver": row.giver.get_username(), "holder": row.holder.get_username()}
    return {**{key: getattr(row, key) for key in plain}, **people, "rights": row.verbs}
