"""Business units: make and rename them, place use cases in them, and say who belongs to which of their groups.

On a use case of a unit the unit's three groups hold the roles. The console-wide group `operations` holds nothing there;
`risk` and `admin` keep what they have, so that limits and stopping do not depend on one unit's own people.
"""

from typing import Any, Final

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import transaction

from audit import log
from usecases import access, permissions
from usecases.actions.access import drop, fresh, put, refusal, refuse_lock_out
from usecases.actions.versions import check_reason
from usecases.models import BusinessUnit, UnitGroup, UnitUseCase, UseCase
from usecases.permissions import ROLES
from usecases.publishing import Refused, lock

OUTSIDE: Final = "operations"


@transaction.atomic
def create(*, slug: str, name: str, by: User, reason: str = "") -> BusinessUnit:
    """Make a unit with a group for each role, nobody in them yet. Raises `Forbidden`, `Refused` for taken names."""
    permissions.check_manage(by)
    check_reason(reason)
    unit = BusinessUnit(slug=slug.strip(), name=name.strip())
    _check_fields(unit)
    taken = Group.objects.filter(name__in=[f"{unit.slug}-{role}" for role in ROLES]).first()
    if taken is not None:
        # Its people would get the rights of the unit without anybody having said so.
        raise refusal("slug", f"There is a group “{taken.name}” already. Choose another slug.")
    unit.save()
    for role in ROLES:
        UnitGroup.objects.create(unit=unit, role=role, group=Group.objects.create(name=f"{unit.slug}-{role}"))
    _record(
        "unit.created",
        f"Business unit {unit.name} made.",
        by,
        reason,
        new={"unit": unit.slug, "name": unit.name},
    )
    return unit


@transaction.atomic
def rename(*, unit: BusinessUnit, name: str, by: User, reason: str = "") -> BusinessUnit:
    """Call a unit something else; its groups keep their names. Writes nothing when nothing changes."""
    permissions.check_manage(by)
    check_reason(reason)
    row = BusinessUnit.objects.select_for_update().get(pk=unit.pk)
    old, row.name = row.name, name.strip()
    if row.name == old:
        return row
    _check_fields(row)
    row.save()
    told = f"Business unit {old} is now called {row.name}."
    _record("unit.renamed", told, by, reason, old={"name": old}, new={"name": row.name})
    return row


@transaction.atomic
def place(*, use_case: UseCase, unit: BusinessUnit | None, by: User, reason: str = "") -> UseCase:
    """Put a use case into a unit, or with None into none: the rights of groups go with it, personal ones stay.

    Raises `Http404`, `Forbidden`, also where somebody would give themselves more. Writes nothing when it is there.
    """
    permissions.check_manage(by, use_case)
    check_reason(reason)
    use_case = lock(use_case)
    row = UnitUseCase.objects.filter(use_case=use_case).select_related("unit").first()
    old = row.unit if row else None
    if (old and old.pk) == (unit and unit.pk):
        return use_case
    held = {verb for verb in access.VERBS if permissions.holds(fresh(by), verb, use_case)}
    _leave(use_case, old)
    if row is not None:
        row.delete()
    _enter(use_case, unit)
    if any(permissions.holds(fresh(by), verb, use_case) for verb in access.VERBS if verb not in held):
        raise permissions.Forbidden("You would give yourself rights by that. Ask another admin.")
    refuse_lock_out(use_case)
    where = f"is in the business unit {unit.name} now" if unit else "is in no business unit any more"
    _record(
        "unit.placed",
        f"{use_case.name} {where}.",
        by,
        reason,
        use_case=use_case.slug,
        old={"unit": old.slug if old else None},
        new={"unit": unit.slug if unit else None},
    )
    return use_case


def _leave(use_case: UseCase, unit: BusinessUnit | None) -> None:
    """Take from the groups that hold the roles by where the use case is now."""
    groups = [row.group for row in unit.groups.select_related("group")] if unit else _console_wide()
    for group in groups:
        drop(use_case, group, access.verbs_of(group, use_case))


def _enter(use_case: UseCase, unit: BusinessUnit | None) -> None:
    if unit is None:
        for group in _console_wide():
            put(use_case, group, ROLES[OUTSIDE])
        return
    UnitUseCase.objects.create(unit=unit, use_case=use_case)
    for row in unit.groups.select_related("group"):
        put(use_case, row.group, ROLES[row.role])


def _console_wide() -> list[Group]:
    return list(Group.objects.filter(name=OUTSIDE))


@transaction.atomic
def add_person(*, unit: BusinessUnit, role: str, person: User, by: User, reason: str = "") -> None:
    """Take somebody into one of a unit's groups. Writes nothing when they are in it.

    Raises `Forbidden`, also for oneself and where the unit holds what one does not see, `Refused` for an unknown role
    and for somebody who may not sign in.
    """
    _check_names(unit, by)
    check_reason(reason)
    group = _group(unit, role)
    if person.groups.filter(pk=group.pk).exists():
        return
    if not person.is_active:
        raise refusal("person", f"{person.get_username()} may not sign in.")
    if person.pk == by.pk:
        raise permissions.Forbidden("Nobody gives rights to themselves. Ask another admin.")
    person.groups.add(group)
    told = f"{person.get_username()} belongs to {role} of the business unit {unit.name}."
    new = {"unit": unit.slug, "role": role, "person": person.get_username()}
    _record("unit.person_added", told, by, reason, new=new)


@transaction.atomic
def remove_person(*, unit: BusinessUnit, role: str, person: User, by: User, reason: str = "") -> None:
    """Take somebody out of one of a unit's groups; writes nothing when they are not in it."""
    _check_names(unit, by)
    check_reason(reason)
    group = _group(unit, role)
    if not person.groups.filter(pk=group.pk).exists():
        return
    person.groups.remove(group)
    for use_case in unit.use_cases.all():
        refuse_lock_out(use_case)
    told = f"{person.get_username()} belongs no longer to {role} of the business unit {unit.name}."
    old = {"unit": unit.slug, "role": role, "person": person.get_username()}
    _record("unit.person_removed", told, by, reason, old=old)


def _check_names(unit: BusinessUnit, by: User) -> None:
    """Refuse who may not say who belongs to a unit: that gives rights on all that it holds."""
    permissions.check_manage(by)
    if unit.use_cases.exclude(pk__in=permissions.visible(by).values("pk")).exists():
        raise permissions.Forbidden(f"Only who sees all use cases of {unit.name} says who belongs to it.")


def _group(unit: BusinessUnit, role: str) -> Group:
    BusinessUnit.objects.select_for_update().get(pk=unit.pk)
    row = UnitGroup.objects.filter(unit=unit, role=role).select_related("group").first()
    if row is None:
        raise refusal("role", f"There is no role “{role}”. Choose among {', '.join(ROLES)}.")
    return row.group


def _check_fields(unit: BusinessUnit) -> None:
    try:
        unit.full_clean()
    except ValidationError as error:
        errors = [{"path": path, "message": " ".join(told)} for path, told in error.message_dict.items()]
        raise Refused(" ".join(one["message"] for one in errors), errors) from None


def _record(
    kind: str, sentence: str, by: User, reason: str, *, use_case: str = "", old: Any = None, new: Any = None
) -> None:
    log.record(
        kind=kind, sentence=sentence, by=by, use_case=use_case, reason=reason.strip(), old=old, new=new
    )
