"""The guardrails that hold for a use case: its own, and those of the shared lanes that it names, the strictest each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from routing.engine import knobs
from usecases import step_gates, strictest
from usecases.models import Guardrail, Lane
from usecases.strictest import Conflict, Part, Said

# As many entries are gone back for who set a knob.
HISTORY: Final = 200


def effective(guardrail: Guardrail, shared: Mapping[str, Lane] | None = None) -> dict[str, Any]:
    """Return what holds: own words and shared lanes, the strictest. `shared`: lanes that were read already."""
    return strict(parts_of(guardrail, shared))


def strict(parts: Sequence[Part]) -> dict[str, Any]:
    """Return what holds where all parts do; a lane that is gone lets nothing pass."""
    bounds, _ = strictest.combine([part for part in parts if part.bounds.get("gone") is None])
    gone = [part.slug for part in parts if part.bounds.get("gone") is not None]
    return bounds | ({"gone": gone} if gone else {})


def conflicts(parts: Sequence[Part]) -> list[Conflict]:
    """Return where no value fits all parts."""
    return strictest.combine(parts)[1] if len(parts) > 1 else []


def parts_of(guardrail: Guardrail, shared: Mapping[str, Lane] | None = None) -> list[Part]:
    """Return a use case's own guardrails and each shared lane that it names."""
    known = named([guardrail]) if shared is None else shared
    return [own(guardrail), *(part_of(slug, known.get(slug)) for slug in guardrail.lanes)]


def own(guardrail: Guardrail) -> Part:
    return Part("", "", guardrail.own_words(), guardrail.set_by, guardrail.set_at)


def part_of(slug: str, lane: Lane | None) -> Part:
    if lane is None:
        return Part(slug, slug, {"gone": slug})
    return Part(lane.name, lane.slug, lane.as_dict(), lane.set_by, lane.set_at)


def named(guardrails: Iterable[Guardrail]) -> dict[str, Lane]:
    """Return the shared lanes that some guardrails name, read once for all."""
    slugs = {slug for guardrail in guardrails for slug in guardrail.lanes}
    return {lane.slug: lane for lane in Lane.objects.filter(slug__in=slugs)} if slugs else {}


def using(slug: str) -> Any:
    """Return the guardrails that name a lane, in the order in which they are locked."""
    rows = Guardrail.objects.filter(lanes__contains=[slug])
    return rows.select_related("use_case").order_by("use_case_id")


def authors(guardrail: Guardrail, parts: Iterable[Part]) -> dict[tuple[str, str], str]:
    """Return who has set each knob as it stands, by slug of the lane (empty: the use case's own) and path."""
    slugs = [part.slug for part in parts if part.slug and part.bounds.get("gone") is None]
    shared = Lane.objects.filter(slug__in=slugs) if slugs else ()
    rows: list[tuple[str, Guardrail | Lane]] = [("", guardrail), *((row.slug, row) for row in shared)]
    return {(slug, path): entry.set_by for slug, row in rows for path, entry in set_as_it_stands(row).items()}


def set_as_it_stands(row: Guardrail | Lane) -> dict[str, Any]:
    """Return the entry of history with which each knob was set as it stands, by path.

    Whoever set something else of the same guardrails since did not set this: the oldest of the newest entries that
    agree tells.
    """
    found: dict[str, Any] = {}
    paths = set(row.knobs)
    entries = row.history.order_by("-history_date").only("knobs", "set_by", "history_date")
    for entry in entries[:HISTORY] if paths else ():
        paths = {path for path in paths if entry.knobs.get(path) == row.knobs[path]}
        found |= dict.fromkeys(paths, entry)
        if not paths:
            break
    return found


def words(said: Iterable[Said], path: str, by: Mapping[tuple[str, str], str] | None = None) -> list[str]:
    """Say what each part says of a knob: what it allows, whose word it is, and why. `by`: as `authors` gives it."""
    return [_words(one, path, (by or {}).get((one.part.slug, path), one.part.set_by)) for one in said]


def bounded(said: Iterable[Said], path: str) -> list[str]:
    """Say what each part allows of a knob, and why, without whose word it is."""
    return [
        f"{knobs.label(path)}: {_allowed(one, path)}.{f' {one.reason}' if one.reason else ''}" for one in said
    ]


def _allowed(one: Said, path: str) -> str:
    allowed = [
        f"{knobs.written(path, pair[0])} to {knobs.written(path, pair[1])} {how}"
        for pair, how in ((one.lane, "without approval"), (one.limit, "at all"))
        if pair
    ]
    return "; ".join([*allowed, *(step_gates.words(path, step) for step in one.steps)]) or "nothing bounded"


def _words(one: Said, path: str, author: str) -> str:
    who = f"Lane “{one.part.name}”" if one.part.slug else "Guardrail"
    by = f", set by {author}" if author else ""
    why = f" {one.reason}" if one.reason else ""
    return f"{who}{by}: {_allowed(one, path)}.{why}"
