"""Give rights on one use case to a person or a group, and take them back. Nobody gives any to themselves.

Rights of groups reach everybody in them. Somebody who may say who may do what must always be left to see a use case.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import transaction
from guardian.shortcuts import assign_perm, remove_perm

from audit import log
from usecases import access, permissions
from usecases.access import VERBS, Holder
from usecases.actions.versions import check_reason
from usecases.models import UseCase
from usecases.publishing import Refused, lock


@transaction.atomic
def grant(*, use_case: UseCase, to: Holder, verbs: Iterable[str], by: User, reason: str = "") -> list[str]:
    """Give rights; to see comes with each. Returns all that the holder was given by now; writes nothing when it had it.

    Raises `Forbidden`, also where somebody would give themselves more, `Refused` for none or unknown rights, for
    somebody who may not sign in, and without a reason.
    """
    permissions.check_manage(by, use_case)
    check_reason(reason)
    use_case, wanted = lock(use_case), _known(verbs)
    if isinstance(to, User) and not to.is_active:
        raise refusal("holder", f"{to.get_username()} may not sign in.")
    old = access.verbs_of(to, use_case)
    new = [verb for verb in VERBS if verb in {*old, *wanted, "view"}]
    if new == old:
        return old
    refuse_own_gain(by, use_case, to, new)
    if not reason.strip():
        raise refusal("reason", "Say why: whoever reviews access will read it.")
    put(use_case, to, [verb for verb in new if verb not in old])
    _record(
        "access.granted", f"{_title(to)} may now {access.listed(new)}.", by, use_case, to, old, new, reason
    )
    return new


@transaction.atomic
def revoke(
    *, use_case: UseCase, holder: Holder, verbs: Iterable[str] = VERBS, by: User, reason: str = ""
) -> list[str]:
    """Take rights back; with to see, all of them. Returns what is left; writes nothing when there was none of it.

    Raises `Forbidden`, `Refused` where nobody would be left who may give rights here.
    """
    permissions.check_manage(by, use_case)
    check_reason(reason)
    return take(use_case=lock(use_case), holder=holder, verbs=_known(verbs), by=by, reason=reason)


def take(*, use_case: UseCase, holder: Holder, verbs: list[str], by: User, reason: str) -> list[str]:
    """Take rights back and record it; the caller has checked the right to, and holds lock and transaction."""
    old = access.verbs_of(holder, use_case)
    left = [] if "view" in verbs else [verb for verb in old if verb not in verbs]
    if left == old:
        return old
    drop(use_case, holder, [verb for verb in old if verb not in left])
    refuse_lock_out(use_case)
    words = f"may now only {access.listed(left)}" if left else "holds no right here any more"
    what = "by own right" if isinstance(holder, User) else "as a group"
    _record("access.revoked", f"{_title(holder)} {words} {what}.", by, use_case, holder, old, left, reason)
    return left


def put(use_case: UseCase, to: Holder, verbs: Iterable[str]) -> None:
    for verb in verbs:
        assign_perm(f"usecases.{verb}{access.SUFFIX}", to, use_case)


def drop(use_case: UseCase, holder: Holder, verbs: Iterable[str]) -> None:
    for verb in verbs:
        remove_perm(f"usecases.{verb}{access.SUFFIX}", holder, use_case)


def refuse_own_gain(by: User, use_case: UseCase, to: Holder, verbs: Iterable[str]) -> None:
    """Refuse to give rights from which the giver would gain: somebody else has to."""
    mine = by.groups.filter(pk=to.pk).exists() if isinstance(to, Group) else to.pk == by.pk
    if mine and any(not permissions.holds(fresh(by), verb, use_case) for verb in verbs):
        raise permissions.Forbidden("Nobody gives rights to themselves. Ask another admin.")


def refuse_lock_out(use_case: UseCase) -> None:
    """Refuse to leave a use case to nobody who sees it and may give rights."""
    backend = "django.contrib.auth.backends.ModelBackend"
    managers = User.objects.with_perm("usecases.manage_access", backend=backend)
    if not any(permissions.holds(person, "view", use_case) for person in managers):
        raise refusal("holder", "Then nobody who sees this use case could give rights on it any more.")


def refusal(path: str, words: str) -> Refused:
    return Refused(words, [{"path": path, "message": words}])


def fresh(person: User) -> User:
    """Return a person with no rights remembered from before."""
    return User.objects.get(pk=person.pk)


def _known(verbs: Iterable[str]) -> list[str]:
    wanted = list(verbs)
    unknown = [str(verb) for verb in wanted if verb not in VERBS]
    if unknown or not wanted:
        told = f"There is no right “{unknown[0]}”. " if unknown else ""
        raise refusal("verbs", f"{told}Choose among {', '.join(VERBS)}.")
    return wanted


def _title(holder: Holder) -> str:
    return f"The group {holder.name}" if isinstance(holder, Group) else str(holder.get_username())


def _record(
    kind: str, sentence: str, by: User, use_case: UseCase, holder: Holder, old: Any, new: Any, reason: str
) -> None:
    name = holder.name if isinstance(holder, Group) else holder.get_username()
    key = "group" if isinstance(holder, Group) else "person"
    log.record(
        kind=kind,
        sentence=sentence[:1].upper() + sentence[1:] if key == "group" else sentence,
        by=by,
        use_case=use_case.slug,
        reason=reason.strip(),
        old={key: name, "rights": old},
        new={key: name, "rights": new},
    )
