"""Set the limits of a use case."""

import math
from typing import Any, Final

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Q

from audit import log
from routing.engine import knobs as engine_knobs
from routing.engine.json_checks import json_faults
from usecases import lanes as effective
from usecases import permissions
from usecases import terms as rules
from usecases.models import Guardrail, Lane, UseCase
from usecases.publishing import Refused
from usecases.strictest import approver_groups

MOST_HOURS: Final = 24 * 30


@transaction.atomic
def set_limits(
    *,
    use_case: UseCase,
    knobs: dict[str, Any],
    approved_models: list[str],
    by: User,
    reason: str = "",
    terms: dict[str, Any] | None = None,
    lanes: list[str] | None = None,
) -> Guardrail:
    """Set lanes, hard limits, approved models, terms and shared lanes; what is live stays live, the next change has to
    keep them.

    Terms and shared lanes that are not said stay as they are.

    Raises `Forbidden`, `Refused` with every bound that makes no sense, or that nothing fits together with the shared
    lanes. Writes nothing when nothing changes.
    """
    permissions.check(by, "approve", use_case)
    said = terms or {}
    errors = check_limits({"knobs": knobs, "models": approved_models, **said, "lanes": lanes or []})
    if errors:
        raise Refused("The guardrails cannot be set as they stand.", errors)
    # Lanes before guardrails, as whoever sets a lane locks them: a lane that is set meanwhile counts before or after.
    shared = lock_lanes(lanes or [])
    guardrail = Guardrail.objects.select_for_update().get(use_case=use_case)
    old = guardrail.as_dict()
    guardrail.knobs, guardrail.approved_models = knobs, approved_models
    guardrail.terms = rules.unusual({**guardrail.terms, **said})
    guardrail.lanes = guardrail.lanes if lanes is None else list(dict.fromkeys(lanes))
    bounds = guardrail.as_dict()
    if old == bounds:
        return guardrail
    refuse_conflicts(guardrail, shared if lanes is not None else None)
    guardrail.set_by = by.get_username()
    guardrail.save()
    log.record(
        kind="guardrail.set",
        sentence=f"Guardrails set: {', '.join(changed(old, bounds))}.",
        by=by,
        use_case=use_case.slug,
        reason=reason.strip(),
        old=old,
        new=bounds,
    )
    return guardrail


def lock_lanes(slugs: list[str]) -> dict[str, Lane]:
    """Lock shared lanes, in one order for all; the caller holds the transaction."""
    rows = Lane.objects.select_for_update().filter(slug__in=slugs).order_by("slug") if slugs else ()
    return {row.slug: row for row in rows}


def refuse_conflicts(guardrail: Guardrail, shared: dict[str, Lane] | None = None) -> None:
    """Refuse guardrails that nothing fits together with the shared lanes they name: each would only be walked into."""
    errors = conflicts(guardrail, shared)
    if errors:
        raise Refused(" ".join(error["message"] for error in errors), errors)


def conflicts(guardrail: Guardrail, shared: dict[str, Lane] | None = None) -> list[dict[str, str]]:
    """Return what nothing fits: a range, a list, or nobody whom all of them let approve."""
    parts = effective.parts_of(guardrail, shared)
    found = [{"path": f"guardrails.{one.path}", "message": one.message} for one in effective.conflicts(parts)]
    bounds = effective.strict(parts)
    return found + (_nobody(bounds) if len(parts) > 1 and bounds.get("approvals", 1) else [])


def _nobody(bounds: dict[str, Any]) -> list[dict[str, str]]:
    """Return a fault where approvals are needed and nobody is among all who are named."""
    people = User.objects.filter(is_active=True)
    named = approver_groups(bounds)
    for one in named:
        in_groups = User.objects.filter(groups__name__in=one.get("groups") or [])
        people = people.filter(Q(username__in=one.get("people") or []) | Q(pk__in=in_groups.values("pk")))
    if len(named) < 2 or people.exists():
        return []
    words = "Nobody may approve: each lane names other people."
    return [{"path": "guardrails.approvers", "message": words}]


def changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Name what differs, in words."""
    before, after = old["knobs"], new["knobs"]
    words = [engine_knobs.label(p) for p in dict.fromkeys([*after, *before]) if after.get(p) != before.get(p)]
    words += ["approved models"] if old["models"] != new["models"] else []
    words += ["shared lanes"] if old.get("lanes", []) != new.get("lanes", []) else []
    return words + rules.changed_words(old, new)


def check_limits(bounds: Any) -> list[dict[str, str]]:
    """Return every fault of guardrails: `{"knobs": {path: {lane, limit, step, reason}}, "models": [...]}`, terms, and
    `lanes`, the slugs of shared lanes.
    """
    if not isinstance(bounds, dict):
        return [{"path": "guardrails", "message": "Give an object with “knobs” and “models”."}]
    # What has no one spelling could be neither recorded nor approved, and would hold up what it guards.
    unreadable = json_faults(bounds)
    if unreadable:
        return [
            {"path": ".".join(filter(None, ["guardrails", f.path])), "message": f.message} for f in unreadable
        ]
    errors = [
        _fault(str(key), f"is not known here; use “knobs”, “models”, “lanes” and {', '.join(rules.USUAL)}.")
        for key in bounds
        if key not in ("knobs", "models", "lanes", *rules.USUAL)
    ]
    errors += _lane_errors(bounds.get("lanes") or [])
    errors += (said := rules.faults(bounds))
    if not any(error["path"].startswith("guardrails.approvers") for error in said):
        errors += _unknown_approvers(bounds.get("approvers") or {})
    models = bounds.get("models") or []
    if not isinstance(models, list) or not all(isinstance(model, str) and model for model in models):
        errors.append(_fault("models", "has to be a list of LiteLLM names, such as “openai/gpt-4o-mini”."))
    knobs = bounds.get("knobs") or {}
    if not isinstance(knobs, dict):
        return [*errors, _fault("knobs", "has to be an object of knob paths.")]
    for path, bound in knobs.items():
        errors += _bound_errors(path, bound)
    return errors


def _lane_errors(slugs: Any) -> list[dict[str, str]]:
    if not isinstance(slugs, list) or not all(isinstance(slug, str) and slug for slug in slugs):
        return [_fault("lanes", "has to be a list of shared lanes by their slugs.")]
    known = set(Lane.objects.filter(slug__in=slugs).values_list("slug", flat=True)) if slugs else set()
    return [_fault("lanes", f"names “{slug}”; there is no such lane.") for slug in slugs if slug not in known]


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
    if not isinstance(bound, dict) or set(bound) - {"lane", "limit", "step", "reason"}:
        return [_fault(where, "has to be an object with “lane”, “limit”, “step” and “reason”.")]
    errors = []
    for key in ("lane", "limit"):
        if bound.get(key) is not None and not _is_range(bound[key]):
            errors.append(_fault(f"{where}.{key}", "has to be two numbers, the lower first."))
    if bound.get("step") is not None and not _is_step(bound["step"]):
        words = f"has to be an object with “at_most”, above 0, and “hours”, from 1 to {MOST_HOURS}."
        errors.append(_fault(f"{where}.step", words))
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


def _is_step(step: Any) -> bool:
    if not isinstance(step, dict) or set(step) != {"at_most", "hours"}:
        return False
    numbers = [step["at_most"], step["hours"]]
    if not all(isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in numbers):
        return False
    return bool(step["at_most"] > 0 and 1 <= step["hours"] <= MOST_HOURS)


def _fault(path: str, words: str) -> dict[str, str]:
    return {"path": f"guardrails.{path}", "message": f"“{path}” {words}"}
