"""How far each model's confidence is from how often it is right, and the map that the labels propose. Only reads.

Fitted on are labels of answers that were audited at random, and of imported history in which every answer has a
verdict. Verdicts on requests that went to people because they were doubtful are counted, and never fitted on. Labels
count from where the model, its prompt and its index became what they are.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from routing.engine.calibration import reached_from
from routing.engine.digest import digest
from routing.engine.schema import Calibration
from usecases import permissions, windows
from usecases.models import UseCase, Version
from usecases.publishing import Refused, latest

if TYPE_CHECKING:
    from routing.replay.calibration import Labels, Proposal
    from routing.replay.columns import Columns

Document = dict[str, Any]
LEAST_LABELS: Final = 100
# Models say 0.90, 0.95 and 0.99: ten stretches would show one point.
STRETCHES: Final = 40
# How far back it is looked when a model or its map became what it is.
VERSIONS: Final = 200
TOO_FEW: Final = "{least:,} labels of random audits are needed, there are {have:,}."
NO_BETTER: Final = (
    "No {new}map is proposed: on labels it has not seen, none comes nearer to the truth by more than chance."
)
NOT_JUDGED: Final = "The bands do not judge this source of confidence, so there is nothing to recalibrate."
IN_FORCE: Final = "The map in force is the one that these labels propose."


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch of confidence: how many labels, their mean confidence, how many were right, with a 95% interval."""

    low: float
    high: float
    labels: int
    confidence: float | None
    right: float | None
    right_low: float
    right_high: float


@dataclass(frozen=True, slots=True)
class Edge:
    """A confidence that the document asks for, and the reported one at which it is reached; None where none is."""

    name: str
    edge: float
    now: float | None
    then: float | None


@dataclass(frozen=True, slots=True)
class InForce:
    """The map of the live document, and how it fares on `labels` of decisions made since it is in force."""

    map: Document
    version: int
    at: datetime
    labels: int
    reported_error: float | None
    calibrated_error: float | None


@dataclass(frozen=True, slots=True)
class Proposed:
    """A map fitted on all labels. Its errors: of what is in force, and of maps fitted without the label judged."""

    map: Document
    digest: str
    labels: int
    error_now: float
    error_then: float
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Signal:
    """One model under one source of confidence. `error` is that of the reported confidence; `why` says why no map is
    proposed. `since` is the version from which on labels count, None where all do.
    """

    model: str
    label: str
    source: str
    judged: bool
    labels: int
    audit: int
    census: int
    desk: int
    picked: int
    silent: int
    lowest: float | None
    since: int | None
    error: float | None
    bars: tuple[Bar, ...]
    in_force: InForce | None
    proposed: Proposed | None
    why: str


@dataclass(frozen=True, slots=True)
class Calibrations:
    """Every model of the live document, with every source of confidence that has verdicts."""

    version: int
    source: str
    signals: tuple[Signal, ...]
    as_of: datetime
    complete: bool

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return asdict(self)


def read(*, use_case: UseCase, by: Any) -> Calibrations:
    """Return the calibration of every model of a use case. Raises `Http404` for a stranger, `windows.Loading`."""
    permissions.check(by, "view", use_case)
    standing = latest(use_case)
    past = windows.read(use_case.slug, "all")
    history = Version.objects.filter(use_case=use_case).only("number", "created_at", "document")
    rows = list(history[:VERSIONS])
    source = _source(standing.document)
    signals = tuple(
        signal
        for model in standing.document.get("models", [])
        for signal in _signals(past.columns, standing.document, model, source, rows)
    )
    return Calibrations(standing.number, source, signals, past.as_of, past.complete)


def proposed(*, use_case: UseCase, by: Any, model: str, seen: str) -> Proposed:
    """Return the map that is proposed for a model now.

    Raises `Refused` where there is none, or where it is not the one that was `seen` (its digest).
    """
    found = next(
        (one for one in read(use_case=use_case, by=by).signals if one.model == model and one.judged), None
    )
    if found is None or found.proposed is None:
        raise Refused(found.why if found else f"There is no model “{model}” here.")
    if found.proposed.digest != seen:
        raise Refused("New labels have come since this map was drawn. Look at the new one first.")
    return found.proposed


def with_map(document: Document, model: str, part: Document | None) -> Document:
    """Return a draft with a model's map set, or without one. Raises `Refused` where it has no such model."""
    models = document.get("models")
    entries = models if isinstance(models, list) else []
    if not any(isinstance(entry, dict) and entry.get("name") == model for entry in entries):
        raise Refused(f"There is no model “{model}” in the draft.")

    def changed(entry: Any) -> Any:
        if not isinstance(entry, dict) or entry.get("name") != model:
            return entry
        kept = {key: value for key, value in entry.items() if key != "calibration"}
        return kept if part is None else kept | {"calibration": part}

    return document | {"models": [changed(entry) for entry in entries]}


def map_of(document: Document, model: str) -> Document | None:
    """Return a model's map; None where there is none, in any draft."""
    models = document.get("models")
    for entry in models if isinstance(models, list) else []:
        if isinstance(entry, dict) and entry.get("name") == model:
            part = entry.get("calibration")
            return part if isinstance(part, dict) else None
    return None


def _source(document: Document) -> str:
    return str((document.get("confidence") or {}).get("source") or "context")


def _signals(
    columns: "Columns", document: Document, model: Document, source: str, rows: Sequence[Version]
) -> Iterator[Signal]:
    from routing.replay.calibration import labels, sources

    name = str(model["name"])
    if name not in columns.models:
        yield _nothing(model, source)
        return
    begun = _begun(rows, lambda one: _identity(one, name))
    since = windows.millis(begun.created_at) if begun else 0
    for other in dict.fromkeys([source, *sources(columns, name)]):
        given = labels(columns, name, other, alone=other != source, since=since)
        if other == source or len(given):
            number = begun.number if begun else None
            yield _signal(given, document, model, other, number, rows if other == source else ())


def _nothing(model: Document, source: str) -> Signal:
    why = TOO_FEW.format(least=LEAST_LABELS, have=0)
    label = model.get("label") or model["name"]
    none = (0, 0, 0, 0, 0, 0)
    return Signal(model["name"], label, source, True, *none, None, None, None, (), None, None, why)


def _signal(
    given: "Labels",
    document: Document,
    model: Document,
    source: str,
    since: int | None,
    rows: Sequence[Version],
) -> Signal:
    from routing.replay.calibration import calibration_error, reliability

    bars = reliability(given.confidence, given.right, STRETCHES)
    judged = bool(rows)
    in_force = _in_force(given, model, rows) if judged else None
    made, why = _proposed(given, document, model) if judged else (None, NOT_JUDGED)
    return Signal(
        model=model["name"],
        label=model.get("label") or model["name"],
        source=source,
        judged=judged,
        labels=len(given),
        audit=given.audit,
        census=given.census,
        desk=given.desk,
        picked=given.picked,
        silent=given.silent,
        lowest=float(given.confidence.min()) if len(given) else None,
        since=since,
        error=calibration_error(given.confidence, given.right),
        bars=tuple(
            Bar(b.low, b.high, b.labels, b.confidence, b.right, b.interval.low, b.interval.high) for b in bars
        ),
        in_force=in_force,
        proposed=made,
        why=why,
    )


def _in_force(given: "Labels", model: Document, rows: Sequence[Version]) -> InForce | None:
    """Return the live map, judged on the labels of decisions that were made under it."""
    from routing.replay.calibration import calibration_error, counting

    part = model.get("calibration")
    if not part:
        return None
    begun = _begun(rows, lambda one: map_of(one, str(model["name"]))) or rows[-1]
    newer = given.since(windows.millis(begun.created_at))
    confidence, right = given.confidence[newer], given.right[newer]
    return InForce(
        map=part,
        version=begun.number,
        at=begun.created_at,
        labels=int(newer.sum()),
        reported_error=calibration_error(confidence, right),
        calibrated_error=calibration_error(counting(Calibration.model_validate(part), confidence), right),
    )


def _proposed(given: "Labels", document: Document, model: Document) -> tuple[Proposed | None, str]:
    """Return the proposal, or why there is none."""
    from routing.replay.calibration import propose

    line = Calibration.model_validate(model["calibration"]) if model.get("calibration") else None
    found = propose(given, line)
    if found is None:
        return None, TOO_FEW.format(least=LEAST_LABELS, have=len(given))
    if found.line.as_part() == model.get("calibration"):
        return None, IN_FORCE
    if not found.helps:
        return None, NO_BETTER.format(new="new " if line else "")
    return _told(found, document, model, line), ""


def _told(found: "Proposal", document: Document, model: Document, line: Calibration | None) -> Proposed:
    part = found.line.as_part()
    edges = (
        Edge(name, edge, reached_from(line, edge), reached_from(found.line, edge))
        for name, edge in _asked(document, str(model["name"]))
    )
    return Proposed(
        part,
        digest(part),
        found.labels,
        found.before,
        found.after,
        tuple(edges),
    )


def _asked(document: Document, model: str) -> Iterator[tuple[str, float]]:
    """Yield the confidences that a document asks of a model: to stand on the ladder, and for each band."""
    ladder = document.get("ladder") or []
    for place, rung in enumerate(ladder):
        if rung["model"] == model and place < len(ladder) - 1:
            yield "Its answer stands from", float(rung["accept_from"])
    for band in sorted(document["bands"], key=lambda band: -float(band["from"])):
        if band["from"] > 0:
            yield f"{band['name'][:1].upper()}{band['name'][1:]} from", float(band["from"])


def _identity(document: Document, model: str) -> tuple[Any, ...] | None:
    """Return what labels of a model belong to: the model itself, prompt and index; None where it is not there."""
    entry = next((one for one in document.get("models", []) if one["name"] == model), None)
    pins = document.get("pins") or {}
    if entry is None:
        return None
    return (entry["litellm"], entry.get("api_base"), pins.get("prompt"), pins.get("retrieval_index"))


def _begun(rows: Sequence[Version], part: Callable[[Document], Any]) -> Version | None:
    """Return the version since which a part of the document is what it is; None where it was never anything else."""
    begun, now = rows[0], part(rows[0].document)
    for row in rows:
        before = part(row.document)
        if before == now:
            begun = row
        elif before is not None or isinstance(now, dict):
            return begun
    return None
