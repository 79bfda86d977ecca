"""Impact: what a draft would have done beside what the live document would have done, with honest numbers (DESIGN §7).

The live document is replayed too: what it did at the time depended on the day's versions, prices and draws.
Everything here is a sum over `tally`'s counts. The same decisions and documents give the same numbers again.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.engine.decide import Compiled, compile_document
from routing.engine.digest import digest
from routing.replay.columns import CENSUS, THRESHOLDS, Columns, Floats
from routing.replay.estimates import Estimate, Group, at_most, mean, share, unknown
from routing.replay.replay import Replayed, replay
from routing.replay.tally import Tally, latency_p95, names, queues, row_labels, tally
from routing.replay.verdicts import label

# Stored with each result: a later one may count otherwise.
CODE: Final = "replay/2"

Chosen = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class People:
    """What people cost: dollars and minutes for one review (audits included) and for one escalation."""

    review_usd: float = 2.0
    escalation_usd: float = 6.0
    review_minutes: float = 4.0
    escalation_minutes: float = 12.0


@dataclass(frozen=True, eq=False)
class Side:
    """One document's replay, counted."""

    replayed: Replayed
    tally: Tally
    names: tuple[str, ...]
    labels: NDArray[np.uint8]
    lost: int
    latency: Estimate
    cost: Floats


def impact(
    columns: Columns,
    draft: Mapping[str, Any],
    *,
    live: Mapping[str, Any],
    live_state: str = "live",
    draft_state: str = "live",
    baseline: Mapping[str, Any] | None = None,
    people: People | None = None,
    moved: int = 0,
) -> dict[str, Any]:
    """Return the impact of a draft as JSON takes it; `moved` bounds the ids listed for each cell of the matrix.

    Raises `InvalidDocument` for a faulty document and `NotLoaded` where a rule reads an attribute that was left out.
    """
    started = time.perf_counter()
    people = people or People()
    before = live_side(columns, live, live_state, baseline)
    after = draft_side(columns, compile_document(draft, state=draft_state, baseline=baseline), before)
    result = {
        "decisions": len(columns),
        "live": side(before, people),
        "draft": side(after, people),
        "matrix": matrix(before, after, people, moved),
        "rules": _rules(before, after),
        "queues": _queues(before, after),
        "labels": _label_shares(columns),
        "ids_digest": columns.ids_digest,
        "code": CODE,
        "seed": None,
        "people": asdict(people),
        "signals": _recorded(columns),
    }
    return result | {"took_ms": round((time.perf_counter() - started) * 1000, 3)}


def live_side(
    columns: Columns, live: Mapping[str, Any], state: str, baseline: Mapping[str, Any] | None
) -> Side:
    """Return the live document's side, kept for as long as it stays the same."""
    key = (digest(live), state, digest(baseline))

    def made() -> Side:
        return _counted(replay(columns, live, state=state, baseline=baseline), None)

    return columns.memory.get("replay", key, made)


def draft_side(columns: Columns, compiled: Compiled, before: Side) -> Side:
    """Return the draft's side, counted beside the live one."""
    return _counted(replay(columns, compiled), before)


def _counted(replayed: Replayed, before: Side | None) -> Side:
    if before is None:
        counted = tally(replayed, None, 1, None)
    else:
        counted = tally(replayed, before.labels, len(before.names), before.cost)
    # Only the live side's labels are looked at row by row, and the draft's when somebody reads the moved ones.
    labels = row_labels(replayed) if before is None else np.zeros(0, np.uint8)
    lost = int(counted.rows[counted.where(lambda decision: decision is None)].sum())
    # A sum of what is known: one price that was not recorded must not hide all others.
    cost = np.nan_to_num(replayed.cost_usd) if before is None and counted.unpriced else replayed.cost_usd
    return Side(replayed, counted, names(replayed), labels, lost, latency_p95(replayed, lost), cost)


def side(one: Side, people: People) -> dict[str, Any]:
    """Return one document's numbers: `O` of DESIGN §7, with people and what is not knowable."""
    by_action = {"answer": 0, "review": 0, "escalate": 0} | one.tally.by(lambda decision: decision.action)
    known, lost = sum(by_action.values()), one.lost
    answers = one.tally.where(lambda decision: decision is not None and decision.action == "answer")
    cost = mean(
        float(one.tally.cost.sum()), one.tally.squares, known - one.tally.unpriced, lost + one.tally.unpriced
    )
    asked = by_action["review"] + one.tally.audited
    paid = asked * people.review_usd + by_action["escalate"] * people.escalation_usd
    minutes = asked * people.review_minutes + by_action["escalate"] * people.escalation_minutes
    whole = None if cost.value is None or not known else cost.value + paid / known
    return {
        "answered": by_action["answer"],
        "reviewed": by_action["review"],
        "escalated": by_action["escalate"],
        "not_knowable": lost,
        "audited": one.tally.audited,
        "by_model": by_model(one.tally),
        "correct": _right(one, lost).as_dict(),
        "wrong_among_answered": wrong(one.tally, answers, lost).as_dict(),
        "wrong_at_most": wrong_at_most(one.tally, answers, lost),
        "cost_per_task_usd": cost.as_dict(),
        "latency_ms_p95": one.latency.as_dict(),
        "people": {
            "cost_usd": round(paid, 6),
            "hours": round(minutes / 60, 6),
            "cost_per_task_with_models_usd": whole,
        },
    }


def by_model(counted: Tally) -> dict[str, int]:
    """Return whose answer stood, how often, whatever became of it."""
    by_rung = counted.rows.sum(axis=(1, 2))
    ladder = counted.replayed.table.rungs
    return {
        name: int(by_rung[counted.rungs == number].sum()) for number, (name, _) in enumerate(ladder, start=1)
    }


def wrong(counted: Tally, chosen: Chosen, lost: int = 0, other: int | None = None) -> Estimate:
    """Estimate the share of wrong answers among the chosen cells, of all rows or those with one other label."""
    # An answer without a model's words is the curated one: whether it fits, no label tells.
    return share(_groups(counted, chosen, other, hit=0), lost)


def wrong_at_most(counted: Tally, chosen: Chosen, lost: int = 0, other: int | None = None) -> float | None:
    """Return the one-sided 95% upper bound of that share; None where it cannot be known."""
    return at_most(_groups(counted, chosen, other, hit=0), lost)


def _groups(counted: Tally, chosen: Chosen, other: int | None, hit: int) -> list[Group]:
    """Return the chosen rows by how their labels came about; a `hit` is a verdict of 0 (wrong) or 1 (right)."""
    rows = counted.rows[chosen].sum(axis=1) if other is None else counted.rows[chosen][:, other]
    verdicts = counted.verdicts[chosen]
    strata = counted.replayed.columns.strata
    groups = []
    for origin in range(rows.shape[1]):
        kind = strata[origin // 2].kind if rows.shape[1] > 1 else CENSUS
        column = rows[:, origin]
        labels = int(column[verdicts < 2].sum())
        groups.append(Group(kind, int(column.sum()), labels, int(column[verdicts == hit].sum())))
    return groups


def _right(one: Side, lost: int) -> Estimate:
    """Estimate the share of all requests whose standing answer was right; without an answer none was."""
    counted = one.tally
    known = counted.where(lambda decision: decision is not None)
    stands = counted.rungs > 0
    silent = int(counted.rows[known & ~stands].sum())
    return share([*_groups(counted, stands, None, hit=1), Group("none", silent, silent, 0)], lost)


def matrix(before: Side, after: Side, people: People | None = None, moved: int = 0) -> list[dict[str, Any]]:
    """Return the cells that hold decisions, live by draft: count, share, wrong, and what both sides cost.

    Models' cost is a task's, in dollars; reviewers' hours, given `people`, are the whole cell's, without random audits.
    """
    total = max(int(after.tally.rows.sum()), 1)
    hours = [_hours(one, people) for one in (before, after)] if people else []
    named = {name: after.tally.where(lambda one, name=name: label(one) == name) for name in after.names}  # type: ignore[misc]
    cells = []
    for old, live in enumerate(before.names):
        for draft in after.names:
            chosen = named[draft]
            count = int(after.tally.rows[chosen, old].sum())
            if not count:
                continue
            cell = {"live": live, "draft": draft, "count": count, "share": count / total}
            cell |= {
                "live_cost_per_task_usd": float(after.tally.other_cost[chosen, old].sum()) / count,
                "draft_cost_per_task_usd": float(after.tally.cost[chosen, old].sum()) / count,
                "wrong": _cell_wrong(after.tally, chosen, old).as_dict(),
            }
            if hours:
                cell["live_reviewer_hours"] = round(count * hours[0][live], 6)
                cell["draft_reviewer_hours"] = round(count * hours[1][draft], 6)
            cells.append(cell | ({"ids": moved_ids(before, after, live, draft, moved)} if moved else {}))
    return cells


def _hours(one: Side, people: People) -> dict[str, float]:
    """Return how long people work on a decision of each label, on average; not at all where nothing is known of it."""
    minutes = {"answer": 0.0, "review": people.review_minutes, "escalate": people.escalation_minutes}
    counts = one.tally.by(lambda decision: (label(decision), decision.action))
    rows = dict.fromkeys(one.names, 0)
    worked = dict.fromkeys(one.names, 0.0)
    for (name, action), count in counts.items():
        rows[name] += count
        worked[name] += count * minutes[action] / 60
    return {name: worked[name] / max(rows[name], 1) for name in one.names}


def _cell_wrong(counted: Tally, chosen: Chosen, old: int) -> Estimate:
    """Estimate how many of a cell's standing answers are wrong; nothing where no model's answer stands."""
    chosen = chosen & (counted.rungs > 0)
    return wrong(counted, chosen, other=old) if chosen.any() else unknown()


def moved_ids(before: Side, after: Side, live: str, draft: str, limit: int, skip: int = 0) -> list[str]:
    """Return ids of decisions in one cell of the matrix, the newest first."""
    if live not in before.names or draft not in after.names:
        return []
    old, new = before.names.index(live), after.names.index(draft)
    inside = (before.labels == old) & (row_labels(after.replayed) == new)
    places = np.flatnonzero(inside)[::-1][skip : skip + limit]
    return [after.replayed.columns.ids[int(place)] for place in places]


def _rules(before: Side, after: Side) -> list[dict[str, Any]]:
    """Return how often each rule of either document fires, in the draft's order."""
    fired = [one.tally.by(lambda decision: decision.rule) for one in (after, before)]
    known: dict[str | None, str] = {}
    for one in (after, before):
        known |= {
            r.id: r.name for r in one.replayed.table.compiled.courses.document.rules if r.id not in known
        }
    return [
        {"id": i, "name": name, "live": fired[1].get(i, 0), "draft": fired[0].get(i, 0)}
        for i, name in known.items()
    ]


def _queues(before: Side, after: Side) -> list[dict[str, Any]]:
    """Return each desk's load by hour of the day (UTC), beside what it can take."""
    loads = [
        dict(zip(queues(one.replayed), one.tally.desks.tolist(), strict=True)) for one in (before, after)
    ]
    known = {
        queue.name: queue
        for one in (before, after)
        for queue in one.replayed.table.compiled.courses.document.queues
    }
    days = max(before.replayed.columns.days, 1.0)
    found = []
    for name in dict.fromkeys([*known, *loads[0], *loads[1]]):
        queue = known.get(name) if name else None
        capacity = queue.capacity_per_hour if queue else None
        hours = [[count / days for count in load.get(name, [0] * 24)] for load in loads]
        over = [[h for h in range(24) if capacity is not None and load[h] > capacity] for load in hours]
        if queue is None and not any(map(sum, hours)):
            continue
        found.append(
            {
                "queue": name,
                "capacity_per_hour": capacity,
                "sla_minutes": queue.sla_minutes if queue else None,
                "live": hours[0],
                "draft": hours[1],
                "live_over_hours": over[0],
                "draft_over_hours": over[1],
            }
        )
    return found


def _recorded(columns: Columns) -> dict[str, float]:
    """Return for which share of the decisions it is known what each threshold judges."""
    return {
        name: columns.memory.get("leaf", ("signal", name), partial(columns.signal_share, name))
        for name in THRESHOLDS
    }


def _label_shares(columns: Columns) -> dict[str, float]:
    """Return which share of the decisions has labels of which kind: the ground that the badges stand on."""
    found: dict[str, float] = {}
    for stratum, count in columns.strata_counts.items():
        found[stratum.kind] = found.get(stratum.kind, 0.0) + count / len(columns)
    return found
