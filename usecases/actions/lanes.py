"""Make, set and delete lanes that several use cases share; each use case that names one is judged anew.

Takes the right over all lanes and, since what holds for them changes, the right to approve on every use case that uses
the lane.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from audit import log
from usecases import lanes, permissions, rechecks
from usecases.actions import versions
from usecases.actions.guardrails import changed, check_limits
from usecases.models import Guardrail, Lane
from usecases.publishing import Refused
from usecases.rechecks import Rechecked

_FIELDS = ("name", "description", "knobs", "approved_models", "terms")


@dataclass(frozen=True, slots=True)
class Done:
    """A lane as it was set, or would be, and what that means for each use case that uses it."""

    lane: Lane
    changed: bool
    rechecked: tuple[Rechecked, ...]

    @property
    def sentence(self) -> str:
        return rechecks.sentence(self.rechecked) + "."


def may_set(by: Any) -> bool:
    """Say whether somebody may make and set lanes at all."""
    return bool(getattr(by, "is_active", False) and by.has_perm("usecases.set_lane"))


def check(by: Any) -> None:
    """Refuse who may not set any lane."""
    if not may_set(by):
        raise permissions.Forbidden("You may not set shared lanes. An admin can give you that right.")


@transaction.atomic
def create(*, slug: str, by: User, reason: str = "", dry_run: bool = False, **said: Any) -> Done:
    """Make a lane, which no use case uses yet. `said`: name, description, knobs, approved_models, terms.

    Raises `Forbidden`, `Refused` with everything that is wrong with it.
    """
    check(by)
    versions.check_reason(reason)
    row = Lane(slug=slug, set_by=by.get_username())
    _write(row, said)
    errors = _errors(row)
    if Lane.objects.filter(slug=slug).exists():
        errors.append({"path": "slug", "message": f"There is a lane “{slug}” already."})
    _refuse(errors)
    if dry_run:
        return Done(row, True, ())
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        _refuse([{"path": "slug", "message": f"There is a lane “{slug}” already."}])
    log.record(
        kind="lane.created",
        sentence=f"Lane “{row.name}” made.",
        by=by,
        reason=reason.strip(),
        new={"lane": slug, **_content(row)},
    )
    return Done(row, True, ())


@transaction.atomic
def set_lane(*, lane: Lane, by: User, reason: str = "", dry_run: bool = False, **said: Any) -> Done:
    """Set a lane for all who use it; what is not said stays. What is live stays live, the next change has to keep it.

    Raises `Forbidden` also where the right to approve is missing on a use case that uses it, `Refused` where it makes
    no sense, or where nothing fits it together with what else holds there. `dry_run` writes nothing.
    """
    check(by)
    versions.check_reason(reason)
    row, users = _held(lane, by)
    old = _content(row)
    _write(row, said)
    _refuse(_errors(row))
    if _content(row) == old:
        return Done(row, False, ())
    found = tuple(rechecks.recheck(users, row.slug, row))
    clashes = [
        {"path": "lane", "message": f"{one.use_case.name}: {message}"}
        for one in found
        for message in one.conflicts
    ]
    if dry_run:
        return Done(row, True, found)
    _refuse(clashes)
    row.set_by = by.get_username()
    row.save()
    new = _content(row)
    _record(row, old, new, found, by=by, reason=reason)
    return Done(row, True, found)


def _record(
    row: Lane,
    old: dict[str, Any],
    new: dict[str, Any],
    found: tuple[Rechecked, ...],
    *,
    by: User,
    reason: str,
) -> None:
    """Write one event for the lane, and one for each use case for which something else holds now."""
    words = changed({"models": [], **old["bounds"]}, {"models": [], **new["bounds"]})
    words += [key for key in ("name", "description") if old[key] != new[key]]
    told = ", ".join(words)
    log.record(
        kind="lane.set",
        sentence=f"Lane “{row.name}” set: {told}. {rechecks.sentence(found)}.",
        by=by,
        reason=reason.strip(),
        old={"lane": row.slug, **old},
        new={
            "lane": row.slug,
            **new,
            "rechecked": [one.as_dict() for one in found],
            "use_cases": [one.use_case.slug for one in found],
        },
    )
    if old["bounds"] == new["bounds"]:
        return
    for one in found:
        outside = f" Newly outside: {', '.join(c.name for c in one.failing)}." if one.failing else ""
        log.record(
            kind="lane.set",
            sentence=f"Lane “{row.name}”, which holds here, set: {told}.{outside}",
            by=by,
            use_case=one.use_case.slug,
            reason=reason.strip(),
            old={"lane": row.slug, **old},
            new={"lane": row.slug, **new, "rechecked": [one.as_dict()]},
        )


@transaction.atomic
def delete(*, lane: Lane, by: User, reason: str = "") -> None:
    """Delete a lane that no use case uses. Raises `Forbidden`, and `Refused` while one does."""
    check(by)
    versions.check_reason(reason)
    row = Lane.objects.select_for_update().filter(pk=lane.pk).first()
    if row is None:
        return
    users = list(lanes.using(row.slug))
    if users:
        raise Refused(f"{_named(users, by)} still: take it off their guardrails first.")
    old = {"lane": row.slug, **_content(row)}
    log.record(
        kind="lane.deleted", sentence=f"Lane “{row.name}” deleted.", by=by, reason=reason.strip(), old=old
    )
    row.delete()


def _held(lane: Lane, by: User) -> tuple[Lane, list[Guardrail]]:
    """Lock a lane and then the guardrails that name it; refuse who may not approve on all of them."""
    row = Lane.objects.select_for_update().get(pk=lane.pk)
    users = list(lanes.using(row.slug).select_for_update(of=("self",)))
    may = _seen(by, users, "approve")
    missing = [one for one in users if one.use_case_id not in may]
    if missing:
        words = (
            f"{_named(missing, by)}, on which you may not set limits. Somebody who may on all of them can."
        )
        raise permissions.Forbidden(words)
    return row, users


def _seen(by: User, rows: list[Guardrail], verb: str) -> set[int]:
    """Return the keys of the use cases on which somebody holds a right, of those that some guardrails are of."""
    mine = permissions.visible(by, verb).filter(pk__in=[one.use_case_id for one in rows])
    return set(mine.values_list("pk", flat=True))


def _named(rows: list[Guardrail], by: User) -> str:
    """Say which use cases use a lane: by name where the person may see them, else only how many."""
    seen = _seen(by, rows, "view")
    names = [f"“{one.use_case.name}”" for one in rows if one.use_case_id in seen][:10]
    rest = len(rows) - len(names)
    names += (
        [f"{rest} {'other' if names else 'use case'}{'s' * (rest != 1)} that you may not see"] if rest else []
    )
    verb = "uses" if len(rows) == 1 else "use"
    return f"{' and '.join([', '.join(names[:-1]), names[-1]] if len(names) > 1 else names)} {verb} this lane"


def _write(row: Lane, said: dict[str, Any]) -> None:
    """Take over what was said; of terms all are said or none. What a lane says is kept even where it is the usual."""
    for field in _FIELDS:
        if said.get(field) is not None:
            value = said[field].strip() if isinstance(said[field], str) else said[field]
            setattr(row, field, value)


def _errors(row: Lane) -> list[dict[str, str]]:
    bounds = {"knobs": row.knobs, "models": row.approved_models, **row.terms}
    errors = check_limits(bounds)
    try:
        row.clean_fields(exclude=["knobs", "approved_models", "terms", "set_by"])
    except ValidationError as error:
        errors += [{"path": field, "message": " ".join(texts)} for field, texts in error.message_dict.items()]
    return errors


def _content(row: Lane) -> dict[str, Any]:
    return {"name": row.name, "description": row.description, "bounds": row.as_dict()}


def _refuse(errors: list[dict[str, str]]) -> None:
    if errors:
        raise Refused("The lane cannot be set as it stands.", errors)
