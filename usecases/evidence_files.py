"""What stands in the tables about one use case and period, as an evidence pack tells it: as it stood at its end.

Everything is read as of the end of the period, so that the same period gives the same pack tomorrow. What was erased
from the record is not told from a table either.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from django.db.models import Model

from audit import leaves
from audit.models import Event
from routing.models import Rollout
from usecases import timeline
from usecases.models import (
    Change,
    Override,
    UseCase,
    Version,
)

Json = dict[str, Any]
NEAR: Final = timedelta(seconds=2)  # between a row and the event of its transaction
PUBLISHED: Final = ("use_case.created", "version.", "kill_switch.", "override.began", "override.ended")
CLOSED: Final = ("change.applied", "change.withdrawn", "change.vetoed")
SAID: Final = {
    "approve": "change.approved",
    "request_changes": "change.changes_requested",
    "veto": "change.vetoed",
}
KILLS: Final = ("kill", "review_all")
NO_DRILLS: Final = "No drills recorded: this console keeps none yet."


class Erased:
    """Which words of the record are gone, so that no table tells them in its place."""

    def __init__(self, slug: str) -> None:
        rows = Event.objects.filter(use_case=slug, erased_at__isnull=False)
        self._gone = [
            (kind, at, leaves.erased(bytes(salts)))
            for kind, at, salts in rows.values_list("kind", "at", "salts")
        ]

    def kept(self, value: str, field: str, at: datetime | None, *kinds: str) -> str:
        """Return a value, or nothing where the event of that moment has lost the field."""
        return "" if self.lost(field, at, *kinds) else value

    def lost(self, field: str, at: datetime | None, *kinds: str) -> bool:
        """Say whether the event of that moment has lost the field."""
        return at is not None and any(
            field in fields and kind.startswith(kinds) and abs(when - at) < NEAR
            for kind, when, fields in self._gone
        )

    def wordless(self, limits: Json, at: datetime, kind: str) -> Json:
        """Return limits; without their reasons, the one free text in them, where their event lost its values."""
        return without_reasons(limits) if self.lost("new", at, kind) else limits


def without_reasons(value: Any) -> Any:
    """Return limits with nothing for each reason in them."""
    if isinstance(value, list):
        return [without_reasons(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: "" if key == "reason" else without_reasons(one) for key, one in value.items()}


@dataclass
class Period:
    """One use case from one moment until before another, and what is known of it."""

    use_case: UseCase
    since: datetime
    until: datetime

    @property
    def slug(self) -> str:
        return str(self.use_case.slug)

    @cached_property
    def erased(self) -> Erased:
        return Erased(self.slug)

    def holds(self, at: datetime | None) -> bool:
        return at is not None and self.since <= at < self.until

    def as_json(self) -> Json:
        return {"since": leaves.moment(self.since), "until": leaves.moment(self.until)}

    def of(self, model: type[Model], **narrowed: Any) -> Iterator[Any]:
        """Return the rows of a model as they stood at the period's end, by their key."""
        history: Any = model.history  # type: ignore[attr-defined]  # simple-history adds it
        rows = history.filter(history_date__lt=self.until, **(narrowed or {"use_case_id": self.use_case.pk}))
        newest = rows.order_by("id", "-history_date", "-history_id").distinct("id")
        yield from (row.instance for row in newest if row.history_type != "-")

    def history(self, model: type[Model], **narrowed: Any) -> list[Any]:
        """Return the rows of a model's history that held in the period: the one in force when it began, and later."""
        history: Any = model.history  # type: ignore[attr-defined]
        rows = history.filter(history_date__lt=self.until, **(narrowed or {"use_case_id": self.use_case.pk}))
        found = list(rows.order_by("history_date", "history_id"))
        before = [row for row in found if row.history_date < self.since]
        return [*before[-1:], *(row for row in found if row.history_date >= self.since)]


def moment(at: datetime | None) -> str | None:
    return leaves.moment(at) if at else None


# Versions ------------------------------------------------------------------------------------------------------------


def versions(period: Period) -> Iterator[Version]:
    """Return the versions that were live in the period, the one from before it first."""
    rows = Version.objects.filter(use_case=period.use_case, created_at__lt=period.until).order_by("number")
    before = rows.filter(created_at__lt=period.since).last()
    return rows.filter(number__gte=before.number if before else 0).iterator(chunk_size=100)


def version(period: Period, row: Version) -> Json:
    """Return one version: what it says, and who published it why."""
    keep = period.erased.kept
    plain = ("number", "kind", "state", "digest", "document", "baseline", "message", "returns_to")
    return {name: getattr(row, name) for name in plain} | {
        "sentence": keep(row.sentence, "sentence", row.created_at, *PUBLISHED),
        "reason": keep(row.reason, "reason", row.created_at, *PUBLISHED),
        "created_by": keep(row.created_by, "actor", row.created_at, *PUBLISHED),
        "created_at": moment(row.created_at),
    }


def difference(old: Version, new: Version) -> Json:
    """Return what a version changed, in words and values."""
    lines = [
        {"path": line.path, "words": line.words, "old": line.old, "new": line.new}
        for line in timeline.lines(old, new)
    ]
    state = None if old.state == new.state else [old.state, new.state]
    return {"from": old.number, "to": new.number, "state": state, "lines": lines}


def difference_text(said: Json) -> str:
    """Return the same for people."""
    told = [f"From r{said['from']} to r{said['to']}", ""]
    if said["state"]:
        told += [f"State: {said['state'][0]} before, {said['state'][1]} after", ""]
    for line in said["lines"]:
        told += [line["words"], f"  {line['path']}"]
        told += [
            f"  {sign} {line[key]}" for sign, key in (("-", "old"), ("+", "new")) if line[key] is not None
        ]
        told.append("")
    return "\n".join(told if len(told) > 2 else [*told, "Nothing differs.", ""])


# Changes -------------------------------------------------------------------------------------------------------------


def changes(period: Period) -> Iterator[Change]:
    """Return the changes that were open at some time of the period, as they stood at its end."""
    for row in sorted(period.of(Change), key=lambda row: row.number):
        if row.closed_at is None or row.closed_at >= period.since:
            yield row


def change(period: Period, row: Change) -> Json:
    """Return one change with its frozen evidence, and what was said of it."""
    keep = period.erased.kept
    plain = (
        "number",
        "status",
        "leaves_to",
        "document",
        "baseline",
        "message",
        "base_version",
        "evidence",
        "version",
    )
    times = ("submitted_at", "amended_at", "expires_at", "scheduled_for", "closed_at")
    at, submitted = row.amended_at or row.submitted_at, "change.submitted"
    words = ("change.submitted", "change.amended", "change.rebased")
    return {
        **{name: getattr(row, name) for name in plain},
        **{name: moment(getattr(row, name)) for name in times},
        "author": keep(row.author.get_username(), "actor", row.submitted_at, submitted),
        "sentence": keep(row.sentence, "sentence", at, *words),
        "reason": keep(row.reason, "reason", at, *words),
        "held_up": row.held_up,
        "closed_by": keep(row.closed_by, "actor", row.closed_at, *CLOSED),
        "closing_words": keep(row.closing_words, "reason", row.closed_at, *CLOSED),
        "approvals": [_approval(period, one) for one in row.approvals.filter(at__lt=period.until)],
        "remarks": [_remark(period, one) for one in row.remarks.filter(at__lt=period.until)],
        "gates": None,
    }


def _approval(period: Period, row: Any) -> Json:
    keep, kind = period.erased.kept, SAID[row.verdict]
    return {
        "person": keep(row.person.get_username(), "actor", row.at, kind),
        "comment": keep(row.comment, "reason", row.at, kind),
        "verdict": row.verdict,
        "content": row.content,
        "parts": row.parts,
        "at": moment(row.at),
    }


def _remark(period: Period, row: Any) -> Json:
    keep, kind = period.erased.kept, "change.commented"
    return {
        "person": keep(row.person.get_username(), "actor", row.at, kind),
        "text": keep(row.text, "sentence", row.at, kind),
        "path": row.path,
        "at": moment(row.at),
    }


# Stops and overrides -------------------------------------------------------------------------------------------------


def kills(period: Period, told: Iterable[Mapping[str, Any]]) -> Json:
    """Return each stop of the period, how far it came and how it ended. `told`: the period's versions, oldest first."""
    rows = list(told)
    rollouts = {row.version: row for row in Rollout.objects.filter(use_case=period.slug)}
    clicks = {
        row.version: row
        for row in Event.objects.filter(
            use_case=period.slug, kind__startswith="kill_switch.", version__isnull=False
        )
    }
    found = []
    for place, row in enumerate(rows):
        if row["kind"] in KILLS and row["number"] in clicks and row["created_at"] >= moment(period.since):
            left = next((one for one in rows[place + 1 :] if one["state"] != row["state"]), None)
            found.append(_kill(period, row, left, clicks, rollouts.get(row["number"])))
    return {"kills": found, "drills": [], "drills_words": NO_DRILLS}


def _kill(
    period: Period,
    row: Mapping[str, Any],
    left: Mapping[str, Any] | None,
    clicks: Mapping[int | None, Event],
    rollout: Rollout | None,
) -> Json:
    click = clicks[row["number"]]
    done = rollout if rollout and period.holds(rollout.converged_at) else None
    ended = clicks.get(left["number"]) if left else None
    return {
        "version": row["number"],
        "to": row["state"],
        "clicked_at": moment(click.at),
        "published_at": moment(rollout.desired_at) if rollout else None,
        "by": row["created_by"],
        "through": click.entry_point,
        "reason": row["reason"],
        "converged_at": moment(done.converged_at) if done else None,
        "seconds": done.seconds if done else None,
        "assistants": {"expected": done.expected, "confirmed": done.confirmed} if done else None,
        "last_assistant": done.last_instance if done else None,
        "left_by": None
        if left is None
        else {
            "version": left["number"],
            "state": left["state"],
            "by": left["created_by"],
            "at": moment(ended.at) if ended else left["created_at"],
            "sealed": ended is not None,
        },
    }


def overrides(period: Period) -> list[Json]:
    """Return the overrides that were in force at some time of the period."""
    keep, found = period.erased.kept, []
    for row in period.of(Override):
        if row.ended_at is not None and row.ended_at < period.since:
            continue
        said = {name: getattr(row, name) for name in ("version", "returns_to", "ended_version")}
        said |= {
            name: moment(getattr(row, name)) for name in ("began_at", "ends_at", "ended_at", "reviewed_at")
        }
        found.append(
            said
            | {
                "person": keep(row.person.get_username(), "actor", row.began_at, "override.began"),
                "reason": keep(row.reason, "reason", row.began_at, "override.began"),
                "outcome": keep(row.outcome, "sentence", row.ended_at, "override.ended"),
                "reviewed_by": keep(row.reviewed_by, "actor", row.reviewed_at, "override.reviewed"),
                "review": keep(row.review, "reason", row.reviewed_at, "override.reviewed"),
            }
        )
    return sorted(found, key=lambda one: int(one["version"]))
