"""Who may do what. One rule, asked two ways: `can` answers, `check` refuses.

Permissions are held per use case (django-guardian), by groups or by people, or are borrowed from somebody who holds
them by group or own right at that moment. Who may not see a use case is told that there is none.
"""

from collections.abc import Collection, Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet, prefetch_related_objects
from django.http import Http404
from guardian.core import ObjectPermissionChecker
from guardian.shortcuts import assign_perm, get_objects_for_user

from usecases import delegations
from usecases.models import Delegation, UseCase

Viewer = User | AnonymousUser

ROLES: dict[str, tuple[str, ...]] = {
    "operations": ("view", "tune", "kill", "review"),
    "risk": ("view", "approve", "kill"),
    "admin": ("view", "tune", "approve", "kill", "review"),
}
WORDS = {
    "view": "see",
    "tune": "tune",
    "approve": "approve changes of or set limits for",
    "kill": "stop or restore",
    "review": "review cases of",
}


class Forbidden(PermissionDenied):
    """Refused; the message says which right is missing and who can give it."""


def can(by: Any, verb: str, use_case: UseCase, *, not_from: Any = None) -> bool:
    """Say whether a person may do a thing (`view tune approve kill review`) to a use case.

    `not_from`: a person whose loans do not count, such as the author of the change that is judged.
    """
    return holds(by, verb, use_case) or lent(by, verb, use_case, not_from=not_from) is not None


def holds(by: Any, verb: str, use_case: UseCase) -> bool:
    """Say whether somebody may by own right or by a group: what can be lent."""
    if not getattr(by, "is_active", False):
        return False
    rights = getattr(by, "rights_read_once", None)
    if isinstance(rights, ObjectPermissionChecker):
        return bool(rights.has_perm(f"{verb}_usecase", use_case))
    return bool(by.has_perm(f"usecases.{verb}_usecase", use_case))


def lent(by: Any, verb: str, use_case: UseCase, *, not_from: Any = None) -> Delegation | None:
    """Return the loan by which somebody may now, the one that lasts longest; never by a giver who has only borrowed."""
    if not getattr(by, "is_active", False) or getattr(by, "pk", None) is None:
        return None
    rows = delegations.lends(_borrowed(by), use_case.pk, verb)
    rows = [row for row in rows if not_from is None or row.giver_id != not_from.pk]
    good = [row for row in rows if _covered(row, verb, use_case)]
    return max(good, key=lambda row: row.ends_at, default=None)


def _covered(row: Delegation, verb: str, use_case: UseCase) -> bool:
    """Say whether the giver holds what they lend. To see comes with anything else that they may really lend."""
    if row.giver_id == row.holder_id or not holds(row.giver, "view", use_case):
        return False
    named = [one for one in row.verbs if one in delegations.LENT] if verb == "view" else [verb]
    return any(holds(row.giver, one, use_case) for one in named)


def _borrowed(by: Any) -> list[Delegation]:
    known = getattr(by, "loans_read_once", None)
    if known is not None:
        return list(known)
    found = delegations.borrowed(by)
    # Who lends several is one person, whose rights are read once for all of them.
    givers: dict[int, User] = {}
    for row in found:
        row.giver = givers.setdefault(row.giver_id, row.giver)
    for key, giver in givers.items():
        read_once(giver)
        _read_ahead(giver, {row.use_case_id for row in found if row.giver_id == key})
    if getattr(by, "rights_read_once", None) is not None:
        by.loans_read_once = found
    return found


def read_once(by: Any) -> None:
    """Let a person's rights on a use case be read once and be remembered with this object, which a request ends with.

    A page asks for the same rights several times, an action once more; they would be two queries each time.
    """
    by.rights_read_once = ObjectPermissionChecker(by)
    by.loans_read_once = None


def read_ahead(by: Any, use_cases: Iterable[UseCase]) -> None:
    """Read a person's groups, and their rights on many use cases at once, where those are remembered for a request."""
    prefetch_related_objects([by], "groups")
    _read_ahead(by, {use_case.pk for use_case in use_cases})


def _read_ahead(by: Any, keys: Collection[int]) -> None:
    rights = getattr(by, "rights_read_once", None)
    if keys and isinstance(rights, ObjectPermissionChecker):
        rights.prefetch_perms(UseCase.objects.filter(pk__in=keys))


def check(by: Any, verb: str, use_case: UseCase) -> None:
    """Refuse unless a person may. Raises `Http404` for a stranger, `Forbidden` for somebody who may only look."""
    if not can(by, "view", use_case):
        raise Http404(f"There is no use case “{use_case.slug}”.")
    if not can(by, verb, use_case):
        raise Forbidden(f"You may not {WORDS[verb]} “{use_case.name}”. An admin can give you that right.")


def can_create(by: Any) -> bool:
    """Say whether a person may add use cases: a right over the whole console."""
    return bool(getattr(by, "is_active", False) and by.has_perm("usecases.add_usecase"))


def check_create(by: Any) -> None:
    """Refuse unless a person may add use cases."""
    if not can_create(by):
        raise Forbidden("You may not create use cases. An admin can give you that right.")


def can_manage(by: Any) -> bool:
    """Say whether a person may say who may do what: a right over the whole console, on use cases that they see."""
    return bool(getattr(by, "is_active", False) and by.has_perm("usecases.manage_access"))


def check_manage(by: Any, use_case: UseCase | None = None) -> None:
    """Refuse unless a person may say who may do what. Raises `Http404` for a stranger to the use case, `Forbidden`."""
    if use_case is not None:
        check(by, "view", use_case)
    if not can_manage(by):
        where = f" with “{use_case.name}”" if use_case is not None else ""
        raise Forbidden(f"You may not change who may do what{where}. An admin can give you that right.")


def held(viewer: Viewer, verb: str) -> QuerySet[UseCase]:
    """Return the use cases on which a person holds a right by themselves or by a group."""
    if not viewer.is_active:
        return UseCase.objects.none()
    found: QuerySet[UseCase] = get_objects_for_user(
        viewer, f"usecases.{verb}_usecase", UseCase, accept_global_perms=False
    )
    return found


def visible(viewer: Viewer, verb: str = "view") -> QuerySet[UseCase]:
    """Return the use cases on which a person holds a right, their own or a borrowed one."""
    if not viewer.is_active:
        return UseCase.objects.none()
    found = held(viewer, verb)
    lent_ones = _visible_by_loan(viewer, verb)
    return UseCase.objects.filter(Q(pk__in=found.values("pk")) | Q(pk__in=lent_ones)) if lent_ones else found


def _visible_by_loan(viewer: Viewer, verb: str) -> list[int]:
    """Return the keys of the use cases on which somebody has borrowed a right that its giver still holds."""
    if viewer.pk is None or viewer.is_superuser:
        return []
    rows = [row for row in _borrowed(viewer) if delegations.lends([row], row.use_case_id, verb)]
    owned = UseCase.objects.in_bulk([row.use_case_id for row in rows])
    return [row.use_case_id for row in rows if _covered(row, verb, owned[row.use_case_id])]


def grant(to: User | Group, role: str, use_case: UseCase) -> None:
    """Give a person or a group every right of a role on one use case."""
    for verb in ROLES[role]:
        assign_perm(f"usecases.{verb}_usecase", to, use_case)


def grant_to_role_groups(use_case: UseCase) -> None:
    """Give the three groups their roles on a new use case."""
    for role in ROLES:
        grant(Group.objects.get_or_create(name=role)[0], role, use_case)
