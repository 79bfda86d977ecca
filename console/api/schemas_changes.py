"""Shapes of changes past the lane: gates, approvals, overrides."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Schema
from pydantic import AwareDatetime, Field

from console.api.schemas import Difference, Reason, Strict
from usecases.models import Override
from usecases.reviewing import Review, Verdict
from usecases.subjects import Check


class Amend(Strict):
    document: dict[str, Any] | None = None
    reason: str | None = Field(default=None, max_length=2000)


class Approve(Strict):
    reason: Reason = ""
    content: str = Field(
        default="", max_length=64, description="Digest of what was looked at; another is refused"
    )


class Word(Strict):
    reason: Reason = ""


class Schedule(Strict):
    at: AwareDatetime | None = None
    reason: Reason = ""


class Say(Strict):
    text: str = Field(max_length=2000)
    path: str = Field(default="", max_length=300)


class OverrideIn(Strict):
    document: dict[str, Any]
    hours: float = 1
    reason: Reason = ""


class CheckOut(Schema):
    key: str
    name: str
    status: str
    evidence: str
    clear: str


class ApprovalOut(Schema):
    person: str
    verdict: str
    comment: str
    at: datetime
    content: str
    counts: bool
    why: str


class RemarkOut(Schema):
    person: str
    path: str
    text: str
    at: datetime


class ChangeOut(Schema):
    use_case: str
    id: int
    status: str
    leaves_to: str
    sentence: str
    reason: str
    author: str
    base_version: int
    live_version: int
    content: Annotated[str, Field(description="Digest of what an approval given now is given for")]
    approvals_needed: int
    approvals_given: int
    applies: bool
    submitted_at: datetime
    expires_at: datetime
    scheduled_for: datetime | None
    held_up: str
    closed_at: datetime | None
    closed_by: str
    closing_words: str
    version: int | None
    gates: list[CheckOut]
    approvals: list[ApprovalOut]


class ChangeDetail(ChangeOut):
    document: dict[str, Any]
    baseline: dict[str, Any] | None
    message: str | None
    differences: list[Difference]
    evidence: dict[str, Any]
    parts: dict[str, str]
    remarks: list[RemarkOut]


class WayBack(Schema):
    """What leaving a safe state for live would meet now."""

    dry_run: bool
    applies: bool
    state: str
    checks: list[CheckOut]
    approvals_needed: int


class Rebased(ChangeOut):
    conflicts: list[str]


class OverrideOut(Schema):
    id: int
    use_case: str
    version: int
    returns_to: int
    by: str
    reason: str
    began_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    ended_version: int | None
    outcome: str
    reviewed_by: str
    review: str


def check_rows(checks: "tuple[Check, ...]") -> list[dict[str, str]]:
    return [check.as_dict() for check in checks]


def change_out(review: Review) -> dict[str, Any]:
    """Return a change with its gates and approvals, without its document."""
    row = review.change
    plain = ("status", "leaves_to", "sentence", "reason", "base_version", "submitted_at", "expires_at")
    later = ("scheduled_for", "held_up", "closed_at", "closed_by", "closing_words", "version")
    return {
        **{key: getattr(row, key) for key in (*plain, *later)},
        "use_case": row.use_case.slug,
        "id": row.number,
        "status": review.status,
        "author": row.author.get_username(),
        "live_version": review.standing.number,
        "content": review.content,
        "approvals_needed": review.needed,
        "approvals_given": len(review.approved_by),
        "applies": row.living and not review.expired and review.findings.passes,
        "gates": check_rows(review.checks),
        "approvals": [_verdict(verdict) for verdict in review.verdicts],
    }


def change_detail(review: Review, differences: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a change with everything a reviewer reads."""
    row = review.change
    remarks = row.remarks.select_related("person")
    return {
        **change_out(review),
        "document": row.document,
        "baseline": row.baseline,
        "message": row.message,
        "differences": differences,
        "evidence": row.evidence,
        "parts": review.parts,
        "remarks": [
            {"person": r.person.get_username(), "path": r.path, "text": r.text, "at": r.at} for r in remarks
        ],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    row = verdict.approval
    return {
        "person": verdict.person,
        "verdict": row.verdict,
        "comment": row.comment,
        "at": row.at,
        "content": row.content,
        "counts": verdict.counts,
        "why": verdict.why,
    }


def override_out(row: Override) -> dict[str, Any]:
    """Return an override as it stands."""
    plain = ("id", "version", "returns_to", "reason", "began_at", "ends_at", "ended_at", "ended_version")
    return {
        **{key: getattr(row, key) for key in (*plain, "outcome", "reviewed_by", "review")},
        "use_case": row.use_case.slug,
        "by": row.person.get_username(),
    }
