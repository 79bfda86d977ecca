"""Set the limits of a use case."""

import math
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import transaction

from audit import log
from routing.engine import knobs as engine_knobs
from routing.engine.json_checks import json_faults
from usecases import permissions
from usecases import terms as rules
from usecases.models import Guardrail, UseCase
from usecases.publishing import Refused


@transaction.atomic
def set_limits(
    *,
    use_case: UseCase,
    knobs: dict[str, Any],
    approved_models: list[str],
    by: User,
    reason: str = "",
    terms: dict[str, Any] | None = None,
) -> Guardrail:
    """Set lanes, hard limits, approved models and terms; what is live stays live, the next change has to keep them.

    Terms that are not said stay as they are.

    Raises `Forbidden`, `Refused` with every bound that makes no sense. Writes nothing when nothing changes.
    """
    permissions.check(by, "approve", use_case)
    said = terms or {}
    errors = check_limits({"knobs": knobs, "models": approved_models, **said})
    if errors:
        raise Refused("The guardrails cannot be set as they stand.", errors)
    guardrail = Guardrail.objects.select_for_update().get(use_case=use_case)
    old = guardrail.as_dict()
    kept = rules.unusual({**guardrail.terms, **said})
    bounds = {"knobs": knobs, "models": approved_models, **kept}
    if old == bounds:
        return guardrail
    words = _changed(old, bounds)
    guardrail.knobs, guardrail.approved_models, guardrail.terms = knobs, approved_models, kept
    guardrail.set_by = by.get_username()
    guardrail.save()
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


def _changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Name what differs, in words."""
    before, after = old["knobs"], new["knobs"]
    words = [engine_knobs.label(p) for p in dict.fromkeys([*after, *before]) if after.get(p) != before.get(p)]
    words += ["approved models"] if old["models"] != new["models"] else []
    return words + rules.changed_words(old, new)


def check_limits(bounds: Any) -> list[dict[str, str]]:
    """Return every fault of guardrails: `{"knobs": {path: {lane, limit, reason}}, "models": [...]}` and terms."""
    if not isinstance(bounds, dict):
        return [{"path": "guardrails", "message": "Give an object with “knobs” and “models”."}]
    # What has no one spelling could be neither recorded nor approved, and would hold up what it guards.
    unreadable = json_faults(bounds)
    if unreadable:
        return [
            {"path": ".".join(filter(None, ["guardrails", f.path])), "message": f.message} for f in unreadable
        ]
    errors = [
        _fault(str(key), f"is not known here; use “knobs”, “models” and {', '.join(rules.USUAL)}.")
        for key in bounds
        if key not in ("knobs", "models", *rules.USUAL)
    ]
    errors += rules.faults(bounds) or _unknown_approvers(bounds.get("approvers") or {})
    models = bounds.get("models") or []
    if not isinstance(models, list) or not all(isinstance(model, str) and model for model in models):
        errors.append(_fault("models", "has to be a list of LiteLLM names, such as “openai/gpt-4o-mini”."))
    knobs = bounds.get("knobs") or {}
    if not isinstance(knobs, dict):
        return [*errors, _fault("knobs", "has to be an object of knob paths.")]
    for path, bound in knobs.items():
        errors += _bound_errors(path, bound)
    return errors


def _unknown_approvers(named: dict[str, Any]) -> list[dict[str, str]]:
    """Return a fault for every name that nobody has: it would lock changes out without a word."""
    groups, people = named.get("groups") or [], named.get("people") or []
    known = {
        "groups": set(Group.objects.filter(name__in=groups).values_list("name", flat=True))
        if groups
        else set(),
        "people": set(User.objects.filter(username__in=people).values_list("username", flat=True))
        if people
        else set(),
    }
    return [
        _fault(f"approvers.{key}", f"names “{name}”, whom nobody knows here.")
        for key, names in (("groups", groups), ("people", people))
        for name in names
        if name not in known[key]
    ]


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
