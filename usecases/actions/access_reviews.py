"""Go through who may do what: start, confirm or revoke right by right, close. Nobody judges their own rights."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone

from audit import log
from usecases import access, access_reviews, permissions
from usecases.access_reviews import Now
from usecases.actions import delegations
from usecases.actions.access import refusal, take
from usecases.actions.versions import check_reason
from usecases.models import AccessReview, AccessReviewLine, BusinessUnit, Delegation, UseCase
from usecases.publishing import Refused, lock

NUMBERS: Final = 5_171_140_023  # lock: reviews are numbered one after the other
VERDICTS: Final = ("confirmed", "revoked")
WORDS: Final = {"confirmed": "confirmed", "revoked": "taken back", "gone": "gone"}
Seen = Mapping[int, list[str]]


@transaction.atomic
def start(
    *,
    by: User,
    due_at: datetime,
    reason: str = "",
    unit: BusinessUnit | None = None,
    use_case: UseCase | None = None,
) -> AccessReview:
    """Begin to go through every use case, those of one unit, or one; a line for every right as it stands now.

    This person's open review over the same is returned where there is one. Raises `Http404`, `Forbidden` for who may
    neither approve nor say who may do what, `Refused` without a day to come.
    """
    check_reason(reason)
    if use_case is not None:
        permissions.check(by, "view", use_case)
    mine = access_reviews.reviewable(by)
    if unit is not None:
        mine = mine.filter(place__unit=unit)
    mine = mine.filter(pk=use_case.pk) if use_case is not None else mine
    scoped = list(mine.order_by("name"))
    if not scoped:
        raise permissions.Forbidden(
            "You may not go through who may do what there. An admin or risk reviewer can."
        )
    if due_at <= timezone.now():
        raise refusal("due_at", "Choose a day to come.")
    scope = use_case.name if use_case else f"the unit {unit.name}" if unit else "every use case"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERS])
    known = AccessReview.objects.filter(scope=scope, closed_at=None, started_by=by.get_username()).first()
    return known or _start(scope, scoped, by, due_at, reason.strip())


def _start(scope: str, scoped: list[UseCase], by: User, due_at: datetime, reason: str) -> AccessReview:
    last = AccessReview.objects.order_by("-number").first()
    review = AccessReview.objects.create(
        number=last.number + 1 if last else 1,
        scope=scope,
        reason=reason,
        started_by=by.get_username(),
        due_at=due_at,
    )
    rights = access_reviews.rights_now(scoped)
    for (use_case, kind, holder), now in rights.items():
        AccessReviewLine.objects.create(
            review=review,
            use_case_id=use_case,
            holder_kind=kind,
            holder_id=holder,
            holder=now.holder,
            verbs=now.verbs,
        )
    told = f"Access review {review.number} of {scope} started: {len(rights)} rights to go through."
    new = {"review": review.number, "due": due_at.isoformat(), "use_cases": [one.slug for one in scoped]}
    alone = scoped[0].slug if len(scoped) == 1 else ""
    log.record(kind="access_review.started", sentence=told, by=by, use_case=alone, reason=reason, new=new)
    return review


@transaction.atomic
def decide(
    *, review: AccessReview, seen: Seen, verdict: str, by: User, comment: str = ""
) -> list[AccessReviewLine]:
    """Confirm or revoke lines. `seen`: by key of the line, what it allowed as the reviewer saw it.

    Revoking takes the right away at once. A right that is gone by itself is written down as that. Decided the same
    way again writes nothing. Raises `Http404` for lines that are not there for this person, `Forbidden` for their own
    and without the right to review, `Refused` where a right is another by now, or the review is closed.
    """
    check_reason(comment)
    if verdict not in VERDICTS:
        raise refusal("verdict", f"Choose among {', '.join(VERDICTS)}.")
    review = AccessReview.objects.select_for_update().get(pk=review.pk)
    rows = review.lines.select_for_update(of=("self",)).select_related("use_case").filter(pk__in=seen)
    lines = list(rows.order_by("use_case_id", "pk"))
    _check(review, lines, seen, by)
    for use_case in {line.use_case_id: line.use_case for line in lines}.values():
        lock(use_case)
    now = access_reviews.rights_now({line.use_case_id: line.use_case for line in lines}.values())
    for line in lines:
        if line.verdict not in (verdict, "gone"):
            _decide(
                line,
                now.get((line.use_case_id, line.holder_kind, line.holder_id)),
                seen,
                verdict,
                by,
                comment,
            )
    return lines


def _check(review: AccessReview, lines: list[AccessReviewLine], seen: Seen, by: User) -> None:
    visible = set(permissions.visible(by).values_list("pk", flat=True))
    if not seen:
        raise refusal("lines", "Choose at least one line.")
    if len(lines) != len(seen) or any(line.use_case_id not in visible for line in lines):
        raise Http404("There is no such line.")
    mine = set(access_reviews.reviewable(by).values_list("pk", flat=True))
    if any(line.use_case_id not in mine for line in lines):
        raise permissions.Forbidden(
            "You may not go through who may do what here. An admin or risk reviewer can."
        )
    if review.closed_at is not None:
        raise Refused(f"Access review {review.number} is closed.")


def _decide(
    line: AccessReviewLine, now: Now | None, seen: Seen, verdict: str, by: User, comment: str
) -> None:
    if line.verdict:
        raise Refused(f"{line.holder}: {line.decided_by} has judged that already: {WORDS[line.verdict]}.")
    if now is None:
        _write(line, "gone", by, comment, "was gone already", line.verbs)
        return
    if by.pk in now.owners:
        raise permissions.Forbidden(f"Nobody judges their own rights: {now.holder} needs another reviewer.")
    if sorted(now.verbs) != sorted(seen[line.pk]):
        told = f"{now.holder} may {access.listed(now.verbs)} by now. Look at it again."
        raise refusal("lines", f"{line.use_case.name}: {told}")
    if verdict == "revoked":
        _revoke(line, by, comment)
    _write(line, verdict, by, comment, f"{WORDS[verdict]} ({access.listed(now.verbs)})", now.verbs)


def _revoke(line: AccessReviewLine, by: User, comment: str) -> None:
    why = f"Access review {line.review.number}. {comment}".strip()
    holder = access_reviews.holder_of(line)
    if isinstance(holder, Delegation):
        delegations.close(holder, by, why)
    elif holder is not None:
        take(use_case=line.use_case, holder=holder, verbs=list(access.VERBS), by=by, reason=why)


def _write(line: AccessReviewLine, verdict: str, by: User, comment: str, said: str, verbs: list[str]) -> None:
    line.verdict, line.verbs, line.comment = verdict, verbs, comment.strip()
    line.decided_by, line.decided_at = by.get_username(), timezone.now()
    line.save()
    new: dict[str, Any] = {"review": line.review.number, line.holder_kind: line.holder, "rights": verbs}
    log.record(
        kind=f"access_review.{verdict}",
        sentence=f"Access review {line.review.number}: {line.holder} {said}.",
        by=by,
        use_case=line.use_case.slug,
        reason=comment.strip(),
        new=new,
    )


@transaction.atomic
def close(*, review: AccessReview, by: User, comment: str = "") -> AccessReview:
    """Close a review all of whose lines are decided; closed is closed. Rights that are gone need no word.

    Raises `Http404`, `Forbidden` for who may not go through all of it, `Refused` while lines are open.
    """
    check_reason(comment)
    page = access_reviews.find(by, review.number)
    if page is None:
        raise Http404(f"There is no access review {review.number}.")
    row = AccessReview.objects.select_for_update().get(pk=review.pk)
    if row.closed_at is not None:
        return row
    if not page.may_close:
        raise permissions.Forbidden("Only who may go through all of an access review closes it.")
    for line in page.lines:
        if line.gone:
            _write(line.row, "gone", by, "", "was gone already", line.row.verbs)
    left = row.lines.filter(verdict="").count()
    if left:
        raise Refused(f"{left} line{'s' * (left != 1)} wait for a word. Confirm each or take it back first.")
    row.closed_at, row.closed_by = timezone.now(), by.get_username()
    row.save()
    counts = {verdict: row.lines.filter(verdict=verdict).count() for verdict in (*VERDICTS, "gone")}
    told = ", ".join(f"{count} {WORDS[verdict]}" for verdict, count in counts.items() if count)
    log.record(
        kind="access_review.closed",
        sentence=f"Access review {row.number} of {row.scope} closed: {told}.",
        by=by,
        reason=comment.strip(),
        new={"review": row.number, **counts},
    )
    return row
