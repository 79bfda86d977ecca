"""A change as its reviewers see it: what exactly is to be approved, which approvals count for that, every gate.

An approval is for content: the document, what it would replace, the guardrails and the evidence. Whether it counts is
worked out from these each time, so that it is void the moment one of them is another.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.text import get_text_list

from routing.engine.digest import digest
from routing.models import State
from usecases import change_evidence, golden_standing, lanes, own_limits, permissions, strictest, terms
from usecases.ahead import Ahead
from usecases.checks import Findings, check, judge
from usecases.golden_gates import Standing
from usecases.models import Approval, Change, GoldenSet, Guardrail, Lane, UseCase, Version
from usecases.publishing import latest, newest_of
from usecases.subjects import Check, Subject

APPROVED: Final = "approved"
CHANGED: Final = {
    "document": "the change was amended",
    "base": "something else went live",
    "guardrails": "the guardrails were changed",
    "evidence": "the evidence was renewed",
}
NO_LONGER: Final = "no longer among those who may approve"
LENT_BY_AUTHOR: Final = "the right to approve was lent by the change's author"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one reviewer said, whether it counts now, and why not."""

    approval: Approval
    counts: bool
    why: str = ""

    @property
    def person(self) -> str:
        return str(self.approval.person.get_username())


@dataclass
class Review:
    """Everything a change is judged by at one moment. Reads what it needs once; decides nothing.

    `ahead`: what is read for this and other changes together; for this one alone where it is not given.
    """

    change: Change
    standing: Version
    guardrail: Guardrail
    shared: Mapping[str, Lane] | None = None
    now: datetime = field(default_factory=timezone.now)
    ahead: Ahead = field(default=None, repr=False, compare=False)  # type: ignore[assignment]  # set below

    def __post_init__(self) -> None:
        self.ahead = self.ahead or Ahead([self])

    @property
    def use_case(self) -> UseCase:
        return self.change.use_case

    @cached_property
    def bounds(self) -> dict[str, Any]:
        """The guardrails that hold, shared lanes included."""
        return lanes.effective(self.guardrail, self.shared)

    @cached_property
    def parts(self) -> dict[str, str]:
        """The digests that content is made of."""
        change, standing = self.change, self.standing
        base: list[Any] = [standing.document, standing.baseline]
        base += [self.episode] if change.leaves_to else []
        return {
            "document": digest([change.document, change.baseline, change.message, change.leaves_to]),
            "base": digest(base),
            "guardrails": digest(self.bounds),
            "evidence": change_evidence.fingerprint(change.evidence),
        }

    @cached_property
    def content(self) -> str:
        """What an approval given now is given for."""
        return digest(self.parts)

    @cached_property
    def episode(self) -> int:
        return self.ahead.episodes[self.change.use_case_id]

    @cached_property
    def approvals(self) -> list[Approval]:
        return self.ahead.approvals[self.change.pk]

    @cached_property
    def verdicts(self) -> list[Verdict]:
        return [self._verdict(approval) for approval in self.approvals]

    def _verdict(self, approval: Approval) -> Verdict:
        if approval.verdict != "approve":
            return Verdict(approval, False)
        if approval.content != self.content:
            mine = self.parts
            changed = [words for part, words in CHANGED.items() if approval.parts.get(part) != mine[part]]
            return Verdict(approval, False, f"Void: {get_text_list(changed, 'and')} since.")
        if approval.person_id == self.change.author_id:
            return Verdict(approval, False, "Does not count: nobody approves their own change.")
        if not self.may_approve(approval.person):
            borrowed = self.may_approve(approval.person, by_loan=True)
            return Verdict(approval, False, f"Does not count: {LENT_BY_AUTHOR if borrowed else NO_LONGER}.")
        if approval is not self._last_of(approval.person_id):
            return Verdict(approval, False, "Said something else later.")
        return Verdict(approval, True)

    def may_approve(self, person: Any, *, by_loan: bool = False) -> bool:
        """Say whether somebody's approval can count. `by_loan`: also by what the author has lent them."""
        author = None if by_loan else self.change.author
        return may_approve(person, self.use_case, self.guardrail, not_from=author, bounds=self.bounds)

    def _last_of(self, person: int) -> Approval | None:
        return next((row for row in reversed(self.approvals) if row.person_id == person), None)

    @cached_property
    def approved_by(self) -> list[str]:
        """Who has approved exactly this content, each once."""
        return list(dict.fromkeys(verdict.person for verdict in self.verdicts if verdict.counts))

    @cached_property
    def findings(self) -> Findings:
        return check(self.subject)

    @property
    def checks(self) -> tuple[Check, ...]:
        return self.findings.checks

    @cached_property
    def subject(self) -> Subject:
        change, ahead, owner = self.change, self.ahead, self.change.use_case_id
        base = ahead.base(change)
        wanted = terms.complete(self.bounds)["certificate_needed"] and not change.leaves_to
        certificate = ahead.certificates.get(owner) if wanted else None
        return replace(
            self._moved,
            base=base.document,
            base_number=base.number,
            live_number=self.standing.number,
            baseline=change.baseline,
            safe=self.same_episode,
            rivals=ahead.rivals(change),
            evidence=change.evidence,
            certificate=change_evidence.certificate_gap(certificate, change.document),
            approved_by=self.approved_by,
            blocked_by=self._blocked_by(),
            one_pager=ahead.one_pagers[owner],
            golden=self._golden(ahead.golden[owner]),
        )

    def _golden(self, rows: Sequence[GoldenSet]) -> list[Standing]:
        """As frozen; what leaves a safe state carries no evidence, and is scored as it stands."""
        change = self.change
        if change.leaves_to:
            return golden_standing.now(rows, change.document)
        return golden_standing.frozen(rows, change.document, change.evidence)

    @cached_property
    def _moved(self) -> Subject:
        """What settings and steps are judged by: enough to say how many approvals it takes."""
        change, owner = self.change, self.change.use_case_id
        return Subject(
            guardrails=self.bounds,
            live=self.standing.document,
            draft=change.document,
            now=self.now,
            ground=None if change.leaves_to else self.ahead.grounds.get(owner),
            leaves_to=change.leaves_to,
            earlier=self.ahead.earlier[owner],
            before=own_limits.before(self.guardrail, change.author.get_username(), self.shared),
        )

    @cached_property
    def same_episode(self) -> bool:
        """The use case is still on the safe state that the change asks to leave, since the same switch."""
        change, standing = self.change, self.standing
        if standing.state == State.LIVE or standing.state == change.leaves_to:
            return False
        return change.base_version >= self.episode and not _differ(change.document, standing.document)

    def _blocked_by(self) -> str:
        if self.change.status != Change.Status.CHANGES_REQUESTED:
            return ""
        asked = [row for row in self.approvals if row.verdict == "request_changes"]
        return asked[-1].person.get_username() if asked else "A reviewer"

    @cached_property
    def needed(self) -> int:
        """How many approvals it takes: asked on every page, so without the gates that do not say so."""
        return judge(self._moved).needed

    @property
    def expired(self) -> bool:
        return self.change.living and self.now >= self.change.expires_at

    @cached_property
    def status(self) -> str:
        """As the change says; `approved` where it is open and has all its approvals, `expired` from that moment on."""
        if self.expired:
            return Change.Status.EXPIRED.value
        enough = self.needed > 0 and len(self.approved_by) >= self.needed
        return APPROVED if self.change.status == Change.Status.OPEN and enough else self.change.status

    def waits_for(self, person: User) -> bool:
        """Say whether this person's word is what is missing."""
        if self.change.status != Change.Status.OPEN or self.expired or self.change.author_id == person.pk:
            return False
        if not self.may_approve(person):
            return False
        return len(self.approved_by) < self.needed and person.get_username() not in self.approved_by


def may_approve(
    person: Any,
    use_case: UseCase,
    guardrail: Guardrail,
    *,
    not_from: Any = None,
    bounds: Mapping[str, Any] | None = None,
) -> bool:
    """Say whether somebody's approval can count: they hold the right, and are among those whom risk has named.

    Where shared lanes name people too, they have to be among all of them. `not_from`: the author of what is approved,
    by whose loan nobody may. `bounds`: what holds, where it was read already.
    """
    if not permissions.can(person, "approve", use_case, not_from=not_from):
        return False
    held = lanes.effective(guardrail) if bounds is None else bounds
    return all(_named(person, one) for one in strictest.approver_groups(held))


def _named(person: Any, one: Mapping[str, Any]) -> bool:
    if person.get_username() in (one.get("people") or []):
        return True
    # All of them: read once where they were read ahead.
    return any(group.name in one["groups"] for group in person.groups.all()) if one.get("groups") else False


def _differ(one: Any, other: Any) -> bool:
    return digest(one) != digest(other)


def review_of(change: Change) -> Review:
    """Return a change with everything it is judged by, as of now."""
    guardrail = Guardrail.objects.get(use_case_id=change.use_case_id)
    return Review(change, latest(change.use_case), guardrail)


def reviews_of(changes: Iterable[Change]) -> list[Review]:
    """Return many changes with what they are judged by, all of it read once for all."""
    rows = list(changes)
    owners = {row.use_case_id for row in rows}
    standing = newest_of(owners)
    limits = {row.use_case_id: row for row in Guardrail.objects.filter(use_case__in=owners)}
    shared = lanes.named(limits.values())
    found: list[Review] = []
    ahead = Ahead(found)
    found += [
        Review(row, standing[row.use_case_id], limits[row.use_case_id], shared, ahead=ahead) for row in rows
    ]
    return found


def living(use_cases: Sequence[UseCase] | Any) -> list[Review]:
    """Return the changes of some use cases that are not decided yet, the oldest first."""
    rows = Change.objects.filter(
        use_case__in=use_cases, status__in=Change.LIVING, expires_at__gt=timezone.now()
    )
    return reviews_of(rows.select_related("use_case", "author").order_by("submitted_at", "pk"))


def waiting_for(person: User) -> list[Review]:
    """Return the changes for which this person's approval is missing."""
    if not Change.objects.filter(status=Change.Status.OPEN, expires_at__gt=timezone.now()).exists():
        return []
    found = living(permissions.visible(person, "approve"))
    permissions.read_ahead(person, [review.use_case for review in found])
    return [review for review in found if review.waits_for(person)]
