"""Create use cases and rename them."""

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from audit import log
from routing.engine.baseline import BUILT_IN
from routing.engine.validation import Fault, InvalidDocument, faults
from routing.models import State
from usecases import lanes, one_pagers, permissions, terms
from usecases.actions import one_pagers as sheets
from usecases.actions.guardrails import check_limits, conflicts, lock_lanes
from usecases.gates import gates
from usecases.models import TIERS, Guardrail, UseCase, Version
from usecases.publishing import Content, Refused, Story, publish
from usecases.strictest import sets_of


@transaction.atomic
def create(
    *,
    slug: str,
    name: str,
    owner: str,
    document: dict[str, Any],
    by: User,
    baseline: dict[str, Any] | None = None,
    message: str = "",
    guardrails: dict[str, Any] | None = None,
    risk: str = "medium",
    description: str = "",
    one_pager: dict[str, Any] | None = None,
    reason: str = "",
) -> Version:
    """Create a use case and publish its first version; every fault of every field is reported at once.

    Without a baseline of its own it gets the built-in one: a colleague answers. Where its guardrails ask for a golden
    set it begins on baseline: there can be no score yet. Raises `Forbidden`, `InvalidDocument` (document and baseline),
    `Refused` (fields, guardrails).
    """
    permissions.check_create(by)
    bounds = guardrails or {}
    errors = check_limits(bounds)
    use_case = UseCase(slug=slug, name=name, owner=owner, risk=risk, description=description)
    errors += _field_errors(use_case)
    sheet, wrong = one_pagers.read(one_pager or {})
    errors += wrong
    found = [Fault(f"document.{f.path}" if f.path else "document", f.message) for f in faults(document)]
    if baseline is not None:
        found += [Fault(f"baseline.{f.path}", f.message) for f in faults(baseline, baseline=True)]
    if found:
        raise InvalidDocument([*found, *(Fault(e["path"], e["message"]) for e in errors)])
    if not errors:
        lock_lanes(bounds.get("lanes") or [])
        limits = _guardrail(bounds)
        held = lanes.effective(limits)
        shut = [gate for gate in gates(held, None, document) if gate.status == "shut"]
        errors = [{"path": gate.path, "message": gate.message} for gate in shut] or conflicts(limits)
        errors += _sheet_missing(sheet, held, risk)
    if errors:
        raise Refused("The use case cannot be created as it stands.", errors)
    content = Content(
        _first_state(held), document, BUILT_IN if baseline is None else baseline, message.strip()
    )
    version = _create(use_case, content, bounds, by=by, reason=reason)
    if one_pager:
        sheets.keep(use_case=use_case, given=one_pager, by=by, reason=reason)
    return version


def _sheet_missing(sheet: one_pagers.Sheet, held: dict[str, Any], risk: str) -> list[dict[str, str]]:
    """Refuse to begin without what the guardrails ask for: the first version is live at once."""
    state = one_pagers.completeness(sheet["answers"], sheet["dpia"], risk)
    if state.complete or not terms.complete(held)["one_pager_needed"]:
        return []
    words = f"The guardrails ask for a complete one-pager. Missing: {', '.join(state.missing)}."
    return [{"path": "one_pager", "message": words}]


def _first_state(held: dict[str, Any]) -> str:
    """Return the state to begin in: what has to come out first is uploaded to a use case that is there."""
    return State.BASELINE if sets_of(held) else State.LIVE


def _create(use_case: UseCase, content: Content, bounds: dict[str, Any], *, by: User, reason: str) -> Version:
    try:
        with transaction.atomic():
            use_case.save()
    except IntegrityError:
        words = f"There is a use case “{use_case.slug}” already. Choose another slug."
        raise Refused(words, [{"path": "slug", "message": words}]) from None
    limits = _guardrail(bounds)
    limits.use_case, limits.set_by = use_case, by.get_username()
    limits.save()
    permissions.grant_to_role_groups(use_case)
    waits = content.state != State.LIVE
    later = ", on baseline: its golden set comes first" if waits else ""
    about = {"slug": use_case.slug, "name": use_case.name, "owner": use_case.owner}
    story = Story(
        kind="created",
        event="use_case.created",
        sentence=f"{use_case.name} created{later}.",
        reason=reason.strip(),
        returns_to=1 if waits else None,
        new={**about, "document": content.document},
    )
    return publish(use_case=use_case, content=content, story=story, by=by, number=1)


def _guardrail(bounds: dict[str, Any]) -> Guardrail:
    """Return the guardrails of a new use case, not kept yet."""
    return Guardrail(
        knobs=bounds.get("knobs") or {},
        approved_models=bounds.get("models") or [],
        terms=terms.unusual(bounds),
        lanes=list(dict.fromkeys(bounds.get("lanes") or [])),
    )


@transaction.atomic
def rename(*, use_case: UseCase, by: User, name: str, owner: str, risk: str, description: str) -> UseCase:
    """Change what a use case is called, who owns it, and its risk tier. Writes nothing when nothing changes.

    Whoever may tune or approve raises the tier; to lower it, with what is asked of the use case, takes who may approve.
    """
    permissions.check(by, "view", use_case)
    row = UseCase.objects.select_for_update().get(pk=use_case.pk)
    new = {"name": name.strip(), "owner": owner.strip(), "risk": risk, "description": description.strip()}
    old = {field: getattr(row, field) for field in new}
    _check_rename(row, by, {field for field in new if new[field] != old[field]}, risk)
    if new == old:
        return row
    for field, value in new.items():
        setattr(row, field, value)
    errors = _field_errors(row)
    if errors:
        raise Refused("The use case cannot be saved as it stands.", errors)
    row.save()
    changed = {field: value for field, value in new.items() if value != old[field]}
    log.record(
        kind="use_case.renamed",
        sentence="; ".join(f"{field} is now “{value}”" for field, value in changed.items()).capitalize()
        + ".",
        by=by,
        use_case=row.slug,
        old={field: old[field] for field in changed},
        new=changed,
    )
    return row


def _check_rename(use_case: UseCase, by: User, fields: set[str], risk: str) -> None:
    """Refuse who may not change these fields; `use_case` is as it was."""
    if fields != {"risk"} or not permissions.can(by, "approve", use_case):
        permissions.check(by, "tune", use_case)
    if "risk" in fields and risk in set(TIERS) - set(tiers(use_case, by)):
        raise permissions.Forbidden("Only who may approve changes here lowers the risk tier.")


def tiers(use_case: UseCase, by: User) -> list[str]:
    """Return the risk tiers that somebody may choose: without the right to approve none below the present one."""
    lowest = 0 if permissions.can(by, "approve", use_case) else TIERS.index(use_case.risk)
    return list(TIERS[lowest:])


def _field_errors(use_case: UseCase) -> list[dict[str, str]]:
    try:
        use_case.clean_fields()
    except ValidationError as error:
        return [{"path": field, "message": " ".join(texts)} for field, texts in error.message_dict.items()]
    return []
