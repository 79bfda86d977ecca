"""What the readable page of an evidence pack shows: nothing that is not in its files, less of what is long."""

from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from django.utils import timezone

from routing.engine import knobs
from usecases import evidence_mapping, fields, record_values, step_gates, strictest
from usecases.evidence_files import Json, Period, moment
from usecases.models import Change, Version
from usecases.record import KINDS

MOST: Final = 300  # versions, and changes, told one by one; the rest stands in the files
MOST_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Told:
    """What was gathered, as it stands in the files; of versions and changes without their documents."""

    versions: list[Json]
    changes: list[Json]
    kills: Json
    overrides: list[Json]
    guardrails: list[Json]
    lanes: list[Json]
    promise: list[Json]
    one_pager: Json | None
    certificates: list[Json]
    golden_sets: list[Json]
    access: Json
    decisions: Json

    @property
    def counts(self) -> dict[str, int]:
        """What the manifest counts."""
        return {
            "versions": len(self.versions),
            "changes": len(self.changes),
            "approvals": sum(len(one["approvals"]) for one in self.changes),
            "overrides": len(self.overrides),
            "kills": len(self.kills["kills"]),
        }


def context(
    period: Period, told: Told, counts: dict[str, int], record: dict[str, int], kinds: list[tuple[str, int]]
) -> Json:
    """Return what the templates of summary and README say."""
    return {
        "use_case": period.use_case,
        "period": {"since": words(moment(period.since)), "until": words(moment(period.until))},
        "told": told,
        "versions": [_version(one) for one in told.versions[-MOST:]],
        "changes": [_change(one) for one in told.changes[-MOST:]],
        "left_out": max(len(told.versions) - MOST, 0) + max(len(told.changes) - MOST, 0),
        "kills": [_kill(one) for one in told.kills["kills"]],
        "overrides": [
            one | {key: words(one[key]) for key in ("began_at", "ends_at", "ended_at")}
            for one in told.overrides
        ],
        "limits": [_limit(one) for one in told.guardrails],
        "promise": [_promise(one) for one in told.promise],
        "one_pager": _one_pager(told.one_pager),
        "counts": counts,
        "record": record,
        "kinds": [(KINDS.get(kind, kind), count) for kind, count in kinds],
        "mapping": evidence_mapping.ROWS,
    }


def words(at: str | None) -> str:
    """Write a moment for people, to the second, in UTC; nothing for none."""
    return f"{at[:10]} {at[11:19]} UTC" if at else ""


def _version(one: Json) -> Json:
    kinds = dict(Version.KINDS)
    lines = one["lines"][:MOST_LINES]
    return one | {
        "at": words(one["created_at"]),
        "kind": kinds.get(one["kind"], one["kind"]),
        "lines": lines,
        "more": len(one["lines"]) - len(lines),
    }


def _change(one: Json) -> Json:
    names = {"approve": "approved", "request_changes": "asked for changes", "veto": "vetoed"}
    said = [row | {"at": words(row["at"]), "words": names[row["verdict"]]} for row in one["approvals"]]
    return one | {
        "status": Change.Status(one["status"]).label,
        "at": words(one["submitted_at"]),
        "closed_at": words(one["closed_at"]),
        "said": said,
    }


def _kill(one: Json) -> Json:
    left = one["left_by"]
    return one | {
        "at": words(one["clicked_at"]),
        "to": {"baseline": "baseline", "review_all": "everything reviewed"}.get(one["to"], one["to"]),
        "ended": left | {"at": words(left["at"])} if left else None,
    }


def _promise(one: Json) -> Json:
    shares = {key: fields.percent(one.get(key)) for key in ("wrong_at_most", "confidence")}
    return one | shares | {"at": words(one["at"])}


def _limit(one: Json) -> Json:
    limits: dict[str, Any] = one["limits"]
    rest = {key: value for key, value in limits.items() if key not in ("knobs", "models") and value}
    with timezone.override(UTC):
        terms = [(row.words, row.new) for row in record_values.rows(None, rest)]
    return {
        "at": words(one["at"]),
        "set_by": one["set_by"],
        "knobs": [_bound(path, bound) for path, bound in (limits.get("knobs") or {}).items()],
        "models": limits.get("models") or [],
        "terms": terms,
    }


def _bound(path: str, bound: Json) -> Json:
    steps = "; ".join(step_gates.words(path, step) for step in strictest.steps_of(bound))
    return {
        "path": path,
        "label": knobs.label(path),
        **{key: _range(path, bound.get(key)) for key in ("lane", "limit")},
        "step": steps or "any",
        "reason": bound.get("reason") or "",
    }


def _range(path: str, pair: Any) -> str:
    if not isinstance(pair, list) or len(pair) != 2:
        return "none"
    return f"{knobs.written(path, pair[0])} to {knobs.written(path, pair[1])}"


def _one_pager(said: Json | None) -> list[tuple[str, str]]:
    """Return questions and answers in their order; by their key where the question is no longer asked."""
    if said is None:
        return []
    from usecases.one_pagers import SHEET  # the questions of today; a pack without a one-pager needs none

    names = {question.key: question.words for question in SHEET}
    order = [*names, *sorted(set(said["answers"]) - set(names))]
    return [(names.get(key, key), said["answers"][key]) for key in order if said["answers"].get(key)]
