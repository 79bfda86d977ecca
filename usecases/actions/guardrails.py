"""Set the limits of a use case."""

import math
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from audit import log
from routing.engine import knobs as engine_knobs
from usecases import permissions
from usecases.models import Guardrail, UseCase
from usecases.publishing import Refused


@transaction.atomic
def set_limits(
    *, use_case: UseCase, knobs: dict[str, Any], approved_models: list[str], by: User, reason: str = ""
) -> Guardrail:
    """Set lanes, hard limits and approved models; what is live stays live, the next change has to keep them.

    Raises `Forbidden`, `Refused` with every bound that makes no sense. Writes nothing when nothing changes.
    """
    permissions.check(by, "approve", use_case)
    bounds = {"knobs": knobs, "models": approved_models}
    errors = check_limits(bounds)
    if errors:
        raise Refused("The guardrails cannot be set as they stand.", errors)
    guardrail = Guardrail.objects.select_for_update().get(use_case=use_case)
    old = guardrail.as_dict()
    if old == bounds:
        return guardrail
    guardrail.knobs, guardrail.approved_models, guardrail.set_by = knobs, approved_models, by.get_username()
    guardrail.save()
    changed = [p for p in dict.fromkeys([*knobs, *old["knobs"]]) if knobs.get(p) != old["knobs"].get(p)]
    words = [engine_knobs.label(path) for path in changed] + (
        ["approved models"] if approved_models != old["models"] else []
    )
    log.record(
        kind="guardrail.set",
        sentence=f"Guardrails set: {', '.join(words)}.",
        by=by,
        use_case=use_case.slug,
        reason=reason.strip(),
        old=old,
        new=bounds,
    )
    return guardrail


def check_limits(bounds: Any) -> list[dict[str, str]]:
    """Return every fault of a guardrails mapping `{"knobs": {path: {lane, limit, reason}}, "models": [...]}`."""
    if not isinstance(bounds, dict):
        return [{"path": "guardrails", "message": "Give an object with “knobs” and “models”."}]
    errors = [
        _fault(key, "is not known here; use “knobs” and “models”.")
        for key in bounds
        if key not in ("knobs", "models")
    ]
    models = bounds.get("models") or []
    if not isinstance(models, list) or not all(isinstance(model, str) and model for model in models):
        errors.append(_fault("models", "has to be a list of LiteLLM names, such as “openai/gpt-4o-mini”."))
    knobs = bounds.get("knobs") or {}
    if not isinstance(knobs, dict):
        return [*errors, _fault("knobs", "has to be an object of knob paths.")]
    for path, bound in knobs.items():
        errors += _bound_errors(path, bound)
    return errors


def _bound_errors(path: str, bound: Any) -> list[dict[str, str]]:
    where = f"knobs.{path}"
    if not engine_knobs.is_knob(path):
        return [
            _fault(where, "is no knob; use a path such as “bands.answer.from” or “thresholds.audit_share”.")
        ]
    if not isinstance(bound, dict) or set(bound) - {"lane", "limit", "reason"}:
        return [_fault(where, "has to be an object with “lane”, “limit” and “reason”.")]
    errors = []
    for key in ("lane", "limit"):
        if bound.get(key) is not None and not _is_range(bound[key]):
            errors.append(_fault(f"{where}.{key}", "has to be two numbers, the lower first."))
    if not isinstance(bound.get("reason", ""), str):
        errors.append(_fault(f"{where}.reason", "has to be text."))
    lane, limit = bound.get("lane"), bound.get("limit")
    if not errors and lane and limit and not limit[0] <= lane[0] <= lane[1] <= limit[1]:
        errors.append(_fault(f"{where}.lane", f"has to lie inside the limit {limit[0]:g} to {limit[1]:g}."))
    return errors


def _is_range(pair: Any) -> bool:
    if not isinstance(pair, list) or len(pair) != 2:
        return False
    numbers = all(isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in pair)
    return numbers and bool(pair[0] <= pair[1])


def _fault(path: str, words: str) -> dict[str, str]:
    return {"path": f"guardrails.{path}", "message": f"“{path}” {words}"}
