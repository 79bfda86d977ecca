"""Lend rights on one use case to somebody for a time, and end that early. By its time a loan ends by itself."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from audit import log
from usecases import access, delegations, permissions
from usecases.actions.versions import check_reason
from usecases.models import Delegation, UseCase
from usecases.publishing import Refused, lock

CLOCK: Final = log.System("delegation")


@transaction.atomic
def lend(
    *, use_case: UseCase, to: User, verbs: Iterable[str], until: datetime, by: User, reason: str
) -> Delegation:
    """Lend some of one's own rights until a moment; the loan in force where it says the same.

    Raises `Http404` for a stranger, `Forbidden` for rights that the giver does not hold other than by a loan, `Refused`
    with every fault of the rest: to whom, which, how long, why.
    """
    permissions.check(by, "view", use_case)
    check_reason(reason)
    use_case, wanted = lock(use_case), list(dict.fromkeys(verbs))
    now = timezone.now()
    _check(to, wanted, until, now, by, reason)
    missing = [verb for verb in ("view", *wanted) if not permissions.holds(by, verb, use_case)]
    if missing:
        words = permissions.WORDS[missing[0]]
        raise permissions.Forbidden(
            f"You cannot lend to {words} “{use_case.name}”: you do not hold that yourself."
        )
    wanted = [verb for verb in delegations.LENT if verb in wanted]
    mine = delegations.in_force(now).filter(use_case=use_case, giver=by, holder=to, ends_at=until)
    known = next((row for row in mine if row.verbs == wanted), None)
    if known is not None:
        return known
    row = Delegation.objects.create(
        use_case=use_case,
        giver=by,
        holder=to,
        verbs=wanted,
        reason=reason.strip(),
        begins_at=now,
        ends_at=until,
    )
    told = f"{to.get_username()} may {access.listed(wanted)} by {by.get_username()}'s right"
    _record("delegation.given", f"{told} until {until:%-d %b %Y %H:%M} UTC.", by, row, reason)
    return row


def _check(to: User, verbs: list[str], until: datetime, now: datetime, by: User, reason: str) -> None:
    errors = []
    if to.pk == by.pk:
        errors.append({"path": "to", "message": "Nobody lends rights to themselves."})
    elif not to.is_active:
        errors.append({"path": "to", "message": f"{to.get_username()} may not sign in."})
    if not verbs or any(verb not in delegations.LENT for verb in verbs):
        errors.append({"path": "verbs", "message": f"Choose among {', '.join(delegations.LENT)}."})
    if not now < until <= now + timedelta(days=delegations.MOST_DAYS):
        words = f"Choose a moment to come, within {delegations.MOST_DAYS} days."
        errors.append({"path": "until", "message": words})
    if not reason.strip():
        errors.append({"path": "reason", "message": "Say why: whoever reviews access will read it."})
    if errors:
        raise Refused(" ".join(error["message"] for error in errors), errors)


def end(*, delegation: Delegation, by: User, reason: str = "") -> Delegation:
    """End a loan before its time: by its giver, its holder, or who may say who may do what. Ended is ended.

    Raises `Http404` for a stranger, `Forbidden`.
    """
    permissions.check(by, "view", delegation.use_case)
    if by.pk not in (delegation.giver_id, delegation.holder_id) and not permissions.can_manage(by):
        raise permissions.Forbidden("This loan is ended by who gave it, who holds it, or an admin.")
    check_reason(reason)
    return end_due(delegation=delegation) if _over(delegation) else close(delegation, by, reason)


def end_due(*, delegation: Delegation) -> Delegation:
    """Record that a loan's time is over; as it is where it is not."""
    open_still = delegation.ended_at is None and _over(delegation)
    return close(delegation, CLOCK, "Its time is over") if open_still else delegation


def _over(delegation: Delegation) -> bool:
    return timezone.now() >= delegation.ends_at


@transaction.atomic
def close(delegation: Delegation, by: log.Person, reason: str) -> Delegation:
    """End a loan and record it, once; the caller has checked the right to."""
    rows = Delegation.objects.select_for_update(of=("self",)).select_related("use_case", "giver", "holder")
    row = rows.get(pk=delegation.pk)
    if row.ended_at is not None:
        return row
    row.ended_at = min(timezone.now(), row.ends_at)
    row.ended_by = by.get_username()
    row.save()
    how = "ended by itself" if by is CLOCK else "ended"
    told = (
        f"What {row.giver.get_username()} lent {row.holder.get_username()} {how}: {access.listed(row.verbs)}."
    )
    _record("delegation.ended", told, by, row, reason)
    return row


def _record(kind: str, sentence: str, by: log.Person, row: Delegation, reason: str) -> None:
    said: dict[str, Any] = {
        "giver": row.giver.get_username(),
        "holder": row.holder.get_username(),
        "rights": row.verbs,
        "until": row.ends_at.isoformat(),
    }
    ended = row.ended_at is not None
    log.record(
        kind=kind,
        sentence=sentence,
        by=by,
        use_case=row.use_case.slug,
        reason=reason.strip(),
        old=said if ended else None,
        new=None if ended else said,
    )


def find(use_case: UseCase, pk: int) -> Delegation | None:
    """Return one loan on a use case."""
    rows = Delegation.objects.filter(use_case=use_case, pk=pk)
    return rows.select_related("use_case", "giver", "holder").first()
