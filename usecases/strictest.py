"""Several guardrails at once: of everything that they say the strictest holds. Pure.

Parts are the use case's own words and the shared lanes that it names. Ranges, approved models, endpoints and regions
are what all parts allow; approvals and scores the most that is asked for; days and hours the fewest; freezes, quiet
hours, steps and golden sets all of them; who may approve is whom every part names. What is known of models (in which
region they are) is known to all; where two parts disagree it is not known.

Where nothing fits all parts (`conflicts`), nothing is allowed: a range turns out with its ends crossed, a list is
named in `nothing`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from routing.engine import knobs
from usecases import places, terms

OWN: Final = "the use case itself"
_MOST: Final = ("approvals", "approvals_to_restore")
_FEWEST: Final = ("expire_days", "evidence_hours")
_LISTS: Final = {"models": "model", "endpoints": "endpoint", "regions": "region"}

Range = Sequence[float]


@dataclass(frozen=True, slots=True)
class Part:
    """One set of guardrails. `name`: of the shared lane, empty for the use case's own; `bounds` as guardrails carry."""

    name: str
    slug: str
    bounds: Mapping[str, Any]
    set_by: str = ""
    set_at: datetime | None = None

    @property
    def called(self) -> str:
        return f"lane “{self.name}”" if self.slug else OWN


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that no value fits, and who says what of it."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Said:
    """What one part says of one knob."""

    part: Part
    lane: Range | None
    limit: Range | None
    steps: tuple[Mapping[str, Any], ...]
    reason: str


def combine(parts: Sequence[Part]) -> tuple[dict[str, Any], list[Conflict]]:
    """Return the guardrails that hold where all parts do, and where no value fits them all."""
    if len(parts) == 1:
        return dict(parts[0].bounds), []
    conflicts: list[Conflict] = []
    bounds: dict[str, Any] = {"knobs": {}, "models": []}
    for path in dict.fromkeys(path for part in parts for path in part.bounds.get("knobs") or {}):
        bounds["knobs"][path] = _bound(path, said_of(parts, path), conflicts)
    bounds |= _lists(parts, conflicts)
    bounds |= terms.unusual({key: _term(key, parts) for key in terms.USUAL if key not in _LISTS})
    known, disputed = _regions(parts)
    bounds |= {"model_regions": known} if known else {}
    return bounds, [*conflicts, *disputed]


def said_of(parts: Iterable[Part], path: str) -> list[Said]:
    """Return what each part says of a knob; those that say nothing are left out."""
    found = []
    for part in parts:
        bound = (part.bounds.get("knobs") or {}).get(path)
        if bound:
            lane, limit = bound.get("lane"), bound.get("limit")
            found.append(Said(part, lane, limit, tuple(steps_of(bound)), bound.get("reason") or ""))
    return found


def steps_of(bound: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return how far a knob may be loosened in which time: none, one, or several that hold together."""
    held = bound.get("step")
    return list(held) if isinstance(held, list) else [held] if held else []


def sets_of(given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the golden sets that are asked for, each with the score that is needed."""
    held = given.get("golden_set")
    return list(held) if isinstance(held, list) else [held] if held else []


def approver_groups(given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return each naming of those who may approve; somebody has to be in every one of them."""
    named = given.get("approvers") or {}
    each: list[Mapping[str, Any]] = named.get("each") or [named]
    return [one for one in each if one.get("groups") or one.get("people")]


def _bound(path: str, said: Sequence[Said], conflicts: list[Conflict]) -> dict[str, Any]:
    lane, limit = (_common(getattr(one, key) for one in said) for key in ("lane", "limit"))
    told = "; ".join(
        f"{one.part.called} says {key} {_range(path, pair)}"
        for one in said
        for key, pair in (("lane", one.lane), ("limit", one.limit))
        if pair
    )
    if limit and limit[0] > limit[1]:
        conflicts.append(_conflict(path, "limit", told))
    else:
        lane = _common([lane, limit]) if lane else None
        if lane and lane[0] > lane[1]:
            conflicts.append(_conflict(path, "lane", told))
    steps = _undominated([step for one in said for step in one.steps])
    ends = {*(lane or ()), *(limit or ())}
    binding = [one for one in said if _binds(one, ends, steps)]
    bound: dict[str, Any] = {"lane": lane, "limit": limit, "reason": _reason(binding or said)}
    return bound | ({"step": steps[0] if len(steps) == 1 else steps} if steps else {})


def _common(ranges: Iterable[Range | None]) -> list[float] | None:
    """Return what is inside of all ranges, its ends crossed where nothing is; None where there is none."""
    told = [pair for pair in ranges if pair]
    return [max(pair[0] for pair in told), min(pair[1] for pair in told)] if told else None


def _conflict(path: str, key: str, told: str) -> Conflict:
    label = knobs.label(path)
    return Conflict(f"knobs.{path}.{key}", f"{label}: nothing fits every {key} ({told}).")


def _range(path: str, pair: Range) -> str:
    return f"{knobs.written(path, pair[0])} to {knobs.written(path, pair[1])}"


def _binds(one: Said, ends: set[float], steps: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether an end of what holds, or a step, is this part's word: only its reason is worth telling."""
    named = {*(one.lane or ()), *(one.limit or ())}
    return bool(named & ends) or any(step in steps for step in one.steps)


def _reason(said: Sequence[Said]) -> str:
    """Say why, by whom of several: as it was written where only the use case itself says something."""
    words = []
    for one in said:
        if one.part.slug:
            words.append(f"Lane “{one.part.name}”" + (f": {one.reason}" if one.reason else "."))
        elif one.reason:
            words.append(one.reason)
    return " ".join(words)


def _undominated(steps: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave out steps that another one makes needless: as little in as long a time or longer."""
    kept: list[Mapping[str, Any]] = []
    for step in sorted(steps, key=lambda one: (one["at_most"], -one["hours"])):
        if not any(other["hours"] >= step["hours"] for other in kept):
            kept.append(step)
    return kept


def _lists(parts: Sequence[Part], conflicts: list[Conflict]) -> dict[str, Any]:
    """Return approved models, endpoints and regions: what every part allows that names some."""
    found: dict[str, Any] = {}
    for key, word in _LISTS.items():
        named = [(part, list(part.bounds[key])) for part in parts if part.bounds.get(key)]
        if not named:
            continue
        kept = named[0][1]
        for _, names in named[1:]:
            kept = (
                places.common(kept, names) if key == "endpoints" else [name for name in kept if name in names]
            )
        found[key] = kept
        if not kept:
            found.setdefault("nothing", []).append(key)
            told = "; ".join(f"{part.called} names {', '.join(names)}" for part, names in named)
            conflicts.append(Conflict(key, f"No {word} is named by all ({told})."))
    return found


def _term(key: str, parts: Sequence[Part]) -> Any:
    """Return the strictest of one term."""
    usual = terms.USUAL[key]
    # Where a shared lane says nothing it asks for nothing; a use case's own guardrails say the usual then.
    values = [part.bounds.get(key, usual) for part in parts if not part.slug or key in part.bounds]
    joined: dict[str, Callable[[Sequence[Any]], Any]] = {
        "approvers": _approvers,
        "freezes": _freezes,
        "quiet_hours": _quiet,
        "golden_set": _sets,
        "model_regions": lambda _: {},
    }
    if key in joined:
        return joined[key](values)
    if isinstance(usual, bool):
        return any(values)
    if key in _MOST:
        return max(values)
    if key in _FEWEST:
        return min(values)
    raise KeyError(key)


def _approvers(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    named = [group for value in values for group in approver_groups({"approvers": value})]
    if len(named) <= 1:
        return {"groups": [], "people": [], **named[0]} if named else {"groups": [], "people": []}
    return {"groups": [], "people": [], "each": [dict(one) for one in named]}


def _freezes(values: Sequence[Sequence[Mapping[str, Any]]]) -> list[Any]:
    found: list[Any] = []
    for freeze in (freeze for value in values for freeze in value):
        if freeze not in found:
            found.append(freeze)
    return found


def _quiet(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return all quiet hours; those of different zones keep their own."""
    told = [value for value in values if value.get("hours")]
    zones = {value.get("zone", "UTC") for value in told}
    if len(zones) < 2:
        hours = [span for value in told for span in value["hours"]]
        return {"zone": zones.pop(), "hours": hours} if told else {"zone": "UTC", "hours": []}
    hours = [{**span, "zone": value.get("zone", "UTC")} for value in told for span in value["hours"]]
    return {"zone": "UTC", "hours": hours}


def _sets(values: Sequence[Any]) -> Any:
    """Return every golden set that is asked for, each with the highest score."""
    wanted: dict[str, Mapping[str, Any]] = {}
    for one in (one for value in values for one in sets_of({"golden_set": value})):
        known = wanted.get(one["name"])
        if known is None or one["at_least"] > known["at_least"]:
            wanted[one["name"]] = one
    found = list(wanted.values())
    return found[0] if len(found) == 1 else found or None


def _regions(parts: Sequence[Part]) -> tuple[dict[str, str], list[Conflict]]:
    """Return in which region each model or host is, left out where two parts disagree."""
    said: dict[str, dict[str, str]] = {}
    for part in parts:
        for name, region in (part.bounds.get("model_regions") or {}).items():
            said.setdefault(name, {}).setdefault(region, part.called)
    known = {name: next(iter(told)) for name, told in said.items() if len(told) == 1}
    disputed = [
        Conflict(
            f"model_regions.{name}",
            f"“{name}” is in two regions: "
            + "; ".join(f"{who} says {region}" for region, who in told.items())
            + ".",
        )
        for name, told in said.items()
        if len(told) > 1
    ]
    return known, disputed
