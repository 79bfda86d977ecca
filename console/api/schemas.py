"""Shapes of what operators' programs send and get."""

from typing import Annotated, Any

from ninja import Query, Schema
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticUseDefault

from usecases.gates import Gate
from usecases.models import UseCase, Version
from usecases.terms import USUAL


def _unsaid(value: Any) -> Any:
    """Take null for a field that was left out: no one's switch may fail on an empty reason."""
    if value is None:
        raise PydanticUseDefault
    return value


Unsaid = BeforeValidator(_unsaid)
Reason = Annotated[str, Field(max_length=2000), Unsaid]


Why = Annotated[str, Query(max_length=2000, description="Why; it is recorded")]


class Strict(Schema):
    """A body in which an unknown field is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid")


class UseCaseFile(BaseModel):
    """A use case as a file; unknown fields are refused by `usecases.configs` together with every other fault.

    Not a `Schema`: that one reads by attribute, and what it does not name would vanish without a word.
    """

    model_config = ConfigDict(extra="allow")

    slug: Any = None
    name: Any = None
    owner: Any = None
    risk: Any = None
    description: Any = None
    document: Any = None
    baseline: Any = None
    message: Any = None
    guardrails: Any = None
    one_pager: Any = None


class Change(Strict):
    document: dict[str, Any]
    reason: Reason = ""
    baseline: dict[str, Any] | None = None
    message: str | None = Field(default=None, max_length=2000)


class Revert(Strict):
    reason: Reason = ""


class Kill(Strict):
    to: Annotated[str, Unsaid] = "baseline"
    reason: Reason = ""
    message: str | None = Field(default=None, max_length=2000)


class Restore(Strict):
    reason: Reason = ""


class Message(Strict):
    message: str = Field(max_length=2000)
    reason: Reason = ""


class Guardrails(Strict):
    knobs: Annotated[dict[str, Any], Unsaid] = {}
    models: Annotated[list[str], Unsaid] = []
    reason: Reason = ""
    approvals: int | None = None
    approvers: dict[str, list[str]] | None = None
    approvals_to_restore: int | None = None
    expire_days: int | None = None
    freezes: list[dict[str, Any]] | None = None
    quiet_hours: dict[str, Any] | None = None
    evidence_needed: bool | None = None
    evidence_hours: int | None = None
    certificate_needed: bool | None = None
    one_pager_needed: bool | None = None
    endpoints: list[str] | None = None
    regions: list[str] | None = None
    model_regions: dict[str, str] | None = None
    golden_set: dict[str, Any] | None = Field(
        default=None, description="Its name and `at_least`; null: none."
    )
    lanes: list[str] | None = Field(default=None, description="Shared lanes that hold besides.")

    def terms(self) -> dict[str, Any]:
        """Return the terms that were said; the others stay as they are. Only of a golden set null says something."""
        said = self.model_dump(include=set(USUAL), exclude_unset=True)
        return {key: value for key, value in said.items() if value is not None or key == "golden_set"}


class VersionOut(Schema):
    version: int
    kind: str
    state: str
    digest: str
    sentence: str
    reason: str
    by: str
    at: str
    returns_to: int | None


class Published(VersionOut):
    use_case: str


class VersionDetail(VersionOut):
    use_case: str
    document: dict[str, Any]
    baseline: dict[str, Any]
    message: str


class GateOut(Schema):
    path: str
    status: str
    message: str


class Difference(Schema):
    path: str
    old: Any
    new: Any
    sentence: str


class Diff(Schema):
    version: int
    against: int
    differences: list[Difference]


class DryRun(Schema):
    dry_run: bool
    applies: bool
    version: int
    sentence: str
    differences: list[Difference]
    gates: list[GateOut]
    checks: list[dict[str, str]]
    approvals_needed: int


class UseCaseOut(Schema):
    slug: str
    name: str
    owner: str
    risk: str
    description: str
    version: int
    digest: str
    state: str
    document: dict[str, Any]
    baseline: dict[str, Any]
    message: str
    guardrails: dict[str, Any]


class EventOut(Schema):
    id: int
    uid: str
    at: str
    kind: str
    sentence: str
    actor: str
    actor_kind: str
    entry_point: str
    request_id: str
    use_case: str
    version: int | None
    reason: str
    old: Any
    new: Any


class Events(Schema):
    events: list[EventOut]
    next_before: int | None


def version_out(row: Version) -> dict[str, Any]:
    """Return a version without its document."""
    return {
        "use_case": row.use_case.slug,
        "version": row.number,
        "kind": row.kind,
        "state": row.state,
        "digest": row.digest,
        "sentence": row.sentence,
        "reason": row.reason,
        "by": row.created_by,
        "at": row.created_at.isoformat(),
        "returns_to": row.returns_to,
    }


def use_case_out(use_case: UseCase, version: Version) -> dict[str, Any]:
    """Return a use case as it stands."""
    return {
        "slug": use_case.slug,
        "name": use_case.name,
        "owner": use_case.owner,
        "risk": use_case.risk,
        "description": use_case.description,
        "version": version.number,
        "digest": version.digest,
        "state": version.state,
        "document": version.document,
        "baseline": version.baseline,
        "message": version.message,
        "guardrails": use_case.guardrail.as_dict(),
    }


def gate_rows(gates: list[Gate]) -> list[dict[str, str]]:
    return [{"path": gate.path, "status": gate.status, "message": gate.message} for gate in gates]
