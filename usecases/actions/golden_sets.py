"""Upload and delete golden sets: cases that a document has to decide as expected. Set by who may approve."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from audit import log
from usecases import golden, golden_files, lanes, permissions
from usecases.actions import versions
from usecases.models import GoldenSet, UseCase
from usecases.publishing import Refused, latest, lock_with_limits
from usecases.strictest import sets_of

NAME_LIMIT = 120


@transaction.atomic
def keep(
    *,
    use_case: UseCase,
    name: str,
    cases: Any,
    by: User,
    reason: str = "",
    pins: dict[str, str] | None = None,
    recorded_models: list[dict[str, Any]] | None = None,
) -> GoldenSet:
    """Keep a golden set under a name, in place of the one of that name; writes nothing where it says the same.

    `pins` (where confidence came from is one of them) and `recorded_models` say what the signals were recorded under:
    what is live now, where they are not said.
    Raises `Forbidden`, `Refused` with every fault by row and field.
    """
    permissions.check(by, "approve", use_case)
    versions.check_reason(reason)
    wanted = name.strip()
    errors = _name_faults(wanted) + golden_files.faults(cases) + _origin_faults(pins, recorded_models)
    if errors:
        raise Refused("The golden set cannot be taken as it stands.", errors)
    locked = lock_with_limits(use_case)
    live_pins, live_models = golden.recorded_under(latest(locked).document)
    pins = live_pins if pins is None else {golden.SOURCE: live_pins[golden.SOURCE], **pins}
    models = live_models if recorded_models is None else recorded_models
    digest = golden.content(cases, pins, models)
    row = GoldenSet.objects.filter(use_case=locked, name=wanted).first() or GoldenSet(
        use_case=locked, name=wanted
    )
    if row.digest == digest:
        return row
    old = {"name": wanted, "cases": len(row.cases), "digest": row.digest} if row.pk else None
    row.cases, row.pins, row.recorded_models, row.digest = cases, pins, models, digest
    row.set_by = by.get_username()
    row.save()
    count = f"{len(cases):,} case{'s' * (len(cases) != 1)}"
    log.record(
        kind="golden_set.set",
        sentence=f"Golden set “{wanted}” uploaded: {count}.",
        by=by,
        use_case=locked.slug,
        reason=reason.strip(),
        old=old,
        new={"name": wanted, "cases": len(cases), "digest": digest, "pins": pins},
    )
    return row


def _name_faults(name: str) -> list[dict[str, str]]:
    if name and len(name) <= NAME_LIMIT and "\0" not in name:
        return []
    words = f"Give it a name of at most {NAME_LIMIT} characters."
    return [{"path": "name", "message": words}]


def _origin_faults(pins: Any, models: Any) -> list[dict[str, str]]:
    found = []
    if pins is not None and not all(
        isinstance(part, str) and len(part) <= 300 for pair in pins.items() for part in pair
    ):
        found.append({"path": "pins", "message": "Pins are names with texts, such as prompt: claims@12."})
    keys = {"name", "litellm", "api_base"}
    if models is not None and not all(
        {"name", "litellm"} <= set(model) <= keys
        and all(isinstance(value, str | None) for value in model.values())
        for model in models
    ):
        words = "Each model needs “name” and “litellm”, and “api_base” where it has one."
        found.append({"path": "recorded_models", "message": words})
    return found


@transaction.atomic
def delete(*, golden_set: GoldenSet, by: User, reason: str = "") -> None:
    """Delete a golden set. Raises `Forbidden`, and `Refused` while the guardrails ask for it."""
    permissions.check(by, "approve", golden_set.use_case)
    versions.check_reason(reason)
    locked = lock_with_limits(golden_set.use_case)
    row = GoldenSet.objects.filter(pk=golden_set.pk).first()
    if row is None:
        return
    if any(one["name"] == row.name for one in sets_of(lanes.effective(locked.guardrail))):
        raise Refused(f"The guardrails ask for “{row.name}”. Take it off them first.")
    log.record(
        kind="golden_set.deleted",
        sentence=f"Golden set “{row.name}” deleted.",
        by=by,
        use_case=locked.slug,
        reason=reason.strip(),
        old={"name": row.name, "cases": len(row.cases), "digest": row.digest},
    )
    row.delete()
