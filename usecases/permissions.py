"""Who may do what. One rule, asked two ways: `can` answers, `check` refuses.

Permissions are held per use case (django-guardian), by groups or by people. Who may not see a use case is told that
there is none.
"""

from typing import Any

from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404
from guardian.core import ObjectPermissionChecker
from guardian.shortcuts import assign_perm, get_objects_for_user

from usecases.models import UseCase

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


def can(by: Any, verb: str, use_case: UseCase) -> bool:
    """Say whether a person may do a thing (`view tune approve kill review`) to a use case."""
    if not getattr(by, "is_active", False):
        return False
    rights = getattr(by, "rights_read_once", None)
    if isinstance(rights, ObjectPermissionChecker):
        return bool(rights.has_perm(f"{verb}_usecase", use_case))
    return bool(by.has_perm(f"usecases.{verb}_usecase", use_case))


def read_once(by: Any) -> None:
    """Let a person's rights on a use case be read once and be remembered with this object, which a request ends with.

    A page asks for the same rights several times, an action once more; they would be two queries each time.
    """
    by.rights_read_once = ObjectPermissionChecker(by)


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


def visible(viewer: Viewer, verb: str = "view") -> QuerySet[UseCase]:
    """Return the use cases on which a person holds a right."""
    if not viewer.is_active:
        return UseCase.objects.none()
    found: QuerySet[UseCase] = get_objects_for_user(
        viewer, f"usecases.{verb}_usecase", UseCase, accept_global_perms=False
    )
    return found


def grant(to: User | Group, role: str, use_case: UseCase) -> None:
    """Give a person or a group every right of a role on one use case."""
    for verb in ROLES[role]:
        assign_perm(f"usecases.{verb}_usecase", to, use_case)


def grant_to_role_groups(use_case: UseCase) -> None:
    """Give the three groups their roles on a new use case."""
    for role in ROLES:
        grant(Group.objects.get_or_create(name=role)[0], role, use_case)
