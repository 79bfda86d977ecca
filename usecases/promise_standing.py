"""How a certificate stands today, and what the labels say of the live answer threshold. Nothing is written here.

A certificate is never edited. Whether it still holds is worked out when it is read: from the document that is live, and
from the labels that came since.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from routing.engine import describe, diff
from usecases import promise_evidence
from usecases.models import Certificate, UseCase
from usecases.promise_evidence import Evidence
from usecases.publishing import Refused, latest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from routing.replay import certificate
    from routing.replay.columns import Columns, Mask
    from routing.replay.drift import Shift
    from routing.replay.standing import Standing as Judged

WEEK_MS: Final = 7 * 86_400_000
SHIFTS_TOLD: Final = 3
LEAST_SHIFT: Final = 0.03
# Parts of a document that decide what is answered, and by whom. The answer threshold is looked at by itself.
DECIDING: Final = ("ladder", "rules", "confidence", "models")
LIMITS: Final = tuple(
    f"thresholds.{name}" for name in ("cost_per_task_usd", "latency_s", "sensitivity", "retrieval_score")
)
UNIMPORTANT: Final = ("label", "timeout_s")


@dataclass(frozen=True, slots=True)
class Measured:
    """What the uniform labels say of one answer threshold: the test's outcome, and from which decisions."""

    certificate: "certificate.Certificate"
    columns: "Columns"
    labelled: "NDArray[np.intp]"


@dataclass(frozen=True, slots=True)
class Wrong:
    """A share of wrong answers with its 95% interval."""

    value: float
    low: float
    high: float
    labels: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a certificate stands: `holds`, `void` (something else is live) or `unsupported` (labels since speak against).

    `reasons` say why in words, `then` and `now` what was wrong among answered; `now` None without labels since.
    """

    state: str
    headline: str
    reasons: tuple[str, ...] = ()
    then: Wrong | None = None
    now: Wrong | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SoFar:
    """How far the labels have come at the live answer threshold; `missing` says what a certificate still lacks.

    `days` is how long the rest takes at the last week's rate, if none of it is wrong; None where no label came.
    """

    answer_from: float | None
    labels: int = 0
    wrong: int = 0
    needed: int = 0
    missing: str = ""
    days: int | None = None


def measured(evidence: Evidence, promise: "certificate.Promise") -> Measured:
    """Test the live answer threshold on the labels that count. Raises `Refused` with what is missing."""
    found, missing = _tested(evidence, promise)
    if found is None or missing:
        raise Refused(missing, [{"path": "labels", "message": missing}])
    return found


def so_far(evidence: Evidence, promise: "certificate.Promise") -> SoFar:
    """Return the labels that count towards certifying the live answer threshold, and how many it takes."""
    found, missing = _tested(evidence, promise)
    if found is None:
        return SoFar(None, missing=missing)
    one = found.certificate
    week_ago = evidence.as_of.timestamp() * 1000 - WEEK_MS
    recent = int((found.columns.at[found.labelled] >= week_ago).sum())
    lacking = max(one.needed - one.labels, 0)
    days = ceil(lacking * 7 / recent) if lacking and recent else None
    return SoFar(one.tested[0], one.labels, one.wrong, one.needed, missing, days)


def _tested(evidence: Evidence, promise: "certificate.Promise") -> tuple[Measured | None, str]:
    """Return the test of the live answer threshold, and what is missing for a certificate; nothing to test is None."""
    from routing.replay.certificate import subject
    from routing.replay.levels import levels
    from routing.replay.recommend import answering, at_threshold, same_ground, unlabelled
    from routing.replay.replay import replay
    from routing.replay.standing import standing

    document, live = evidence.live.document, evidence.live
    band = answering(document)
    if band is None:
        return None, "No band answers, so there is no answer to promise anything about."
    edge = float(band["from"])
    columns, _ = promise_evidence.narrowed(evidence.columns, document, live, edge)
    replayed = replay(columns, document, baseline=live.baseline)
    counted = levels(replayed, [edge], promise_evidence.excused(columns, live))
    one = at_threshold(counted, promise, subject(document))
    missing = "" if one.holds else one.sentence()
    if not counted.labels[0] or not same_ground(counted)[0]:
        missing = unlabelled(counted, promise)
    if missing:
        missing = " ".join(filter(None, [missing, evidence.since.words()]))
    return Measured(one, columns, _labelled(standing(replayed), edge)), missing


def standing_of(row: Certificate, by: Any) -> Standing:
    """Return how a certificate stands. Raises `Http404` for a stranger, `Loading` while the history is being read."""
    changed = void(row)
    if changed:
        return Standing("void", "Void: something else is live now", changed, then(row))
    evidence = promise_evidence.gathered(row.use_case, row.document, by)
    return _since(row, evidence)


def then(row: Certificate) -> Wrong:
    """Return what was wrong when it was certified."""
    return _wrong(row.wrong, row.labels)


def void(row: Certificate, document: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Say what is live now, or would be, that was not certified; empty where nothing that matters has changed."""
    live = latest(row.use_case).document if document is None else document
    from routing.replay.certificate import subject
    from routing.replay.recommend import answering

    was, now = row.subject, subject(live)
    said = [
        f"{'The index' if key == 'retrieval_index' else 'The prompt'} is {now.get(key) or 'not recorded'}, "
        f"was {was.get(key) or 'not recorded'}."
        for key in ("prompt", "retrieval_index")
        if (was.get(key) or "") != (now.get(key) or "")
    ]
    for difference in diff.changes(row.document, live):
        if _decides(difference.path):
            names = describe.rule_names(live, row.document)
            said.append(f"{describe.difference_sentence(difference, names)}.")
    band = answering(live)
    if band is None:
        said.append("Nothing is answered without a person any more.")
    elif float(band["from"]) < row.answer_from:
        said.append(f"Answers go out from {float(band['from']):g}; certified is {row.answer_from:g}.")
    return tuple(said)


def _decides(path: str) -> bool:
    part, _, rest = path.partition(".")
    if part == "models" and rest.rpartition(".")[2] in UNIMPORTANT:
        return False
    return part in DECIDING or path in LIMITS


def _since(row: Certificate, evidence: Evidence) -> Standing:
    """Hold a certificate against the labels of later decisions."""
    import numpy as np

    from routing.replay.binomial import clopper_pearson
    from routing.replay.certificate import Promise, Watch
    from routing.replay.replay import replay
    from routing.replay.standing import standing

    whole = evidence.columns
    start = int(np.searchsorted(whole.at, round(row.last_at.timestamp() * 1000), "right"))
    later = promise_evidence.cut(whole, start, len(whole))
    judged = standing(replay(later, row.document, baseline=evidence.live.baseline))
    places = _labelled(judged, row.answer_from)
    before, notes = then(row), _notes(row, evidence)
    if not len(places):
        return Standing("holds", "Holds; no labels since", (), before, None, notes)
    errors = judged.verdict[places] == 0
    wrong, labels = int(errors.sum()), len(places)
    now = _wrong(wrong, labels)
    promise = Promise(row.wrong_at_most, round(1 - row.confidence, 12))
    low = clopper_pearson(wrong, labels, 1 - 2 * promise.delta).low
    watch = Watch(promise, towards="revert").after(errors.tolist())
    if not watch.speaks and low <= promise.alpha:
        return Standing("holds", "Holds", (), before, now, notes)
    said = (
        f"{share(before.value)} → {share(now.value)} wrong among answered (95% interval {share(now.low)} to "
        f"{share(now.high)}, from {labels:,} labels since {_day(row.last_at)})."
    )
    why = (said, *_drift(row, later, judged, places))
    return Standing("unsupported", "No longer supported by the labels since", why, before, now, notes)


def _notes(row: Certificate, evidence: Evidence) -> tuple[str, ...]:
    from routing.replay.recommend import answering

    band = answering(evidence.live.document)
    notes = [evidence.since.words()]
    if band is not None and float(band["from"]) > row.answer_from:
        notes.append(
            f"Live is stricter: it answers from {float(band['from']):g}. Certify again to say how good it is."
        )
    return tuple(filter(None, notes))


def _drift(row: Certificate, later: "Columns", judged: "Judged", places: "NDArray[np.intp]") -> list[str]:
    """Say what is asked now that was not asked then, and how much of it is answered wrongly."""
    from routing.replay.drift import shifts_since

    stored = {name: [(value, part) for value, part in values] for name, values in row.shares.items()}
    return [
        _shifted(shift, later, judged, places)
        for shift in shifts_since(stored, later, least=LEAST_SHIFT, most=SHIFTS_TOLD)
    ]


def _shifted(shift: "Shift", later: "Columns", judged: "Judged", places: "NDArray[np.intp]") -> str:
    from routing.replay.columns import Coded

    words = f"{value_words(shift.attribute, shift.value)}: {whole(shift.before)} → {whole(shift.after)} of requests"
    column = later.attributes.get(shift.attribute)
    if isinstance(column, Coded) and shift.value in column.values:
        inside = column.codes[places] == column.values.index(shift.value)
        if inside.any():
            wrong = int((judged.verdict[places][inside] == 0).sum())
            words += f"; {_part(wrong, int(inside.sum()))} of its labelled answers are wrong"
    return f"{words[:1].upper()}{words[1:]}."


def _part(hits: int, count: int) -> str:
    return f"all {count:,}" if hits == count else f"{whole(hits / count)} ({hits:,} of {count:,})"


def value_words(attribute: str, value: object) -> str:
    """Say an attribute's value as an owner would: “out of scope”, “pro (tier)”."""
    name = attribute.replace("_", " ")
    if value is None:
        return f"no {name}"
    if isinstance(value, bool) or (value in (0, 1) and name.startswith(("in ", "is "))):
        plain = name.removeprefix("is ")
        return plain if value else f"out of {name[3:]}" if name.startswith("in ") else f"not {plain}"
    said = value.replace("_", " ") if isinstance(value, str) else f"{value}"
    return f"{said} ({name})"


def _labelled(judged: "Judged", edge: float) -> "NDArray[np.intp]":
    """Return the places of the uniform labels at or above a threshold, in time order."""
    import numpy as np

    chosen: Mask = judged.uniform & (judged.confidence >= edge)
    return np.flatnonzero(chosen)


def _wrong(wrong: int, labels: int) -> Wrong:
    from routing.replay.binomial import clopper_pearson

    interval = clopper_pearson(wrong, labels)
    return Wrong(wrong / labels if labels else 0.0, interval.low, interval.high, labels)


def share(value: float) -> str:
    """Write a small share: 2.05%."""
    return f"{value * 100:.2f}%"


def whole(value: float) -> str:
    """Write a share in whole percent: 18%."""
    return f"{value * 100:.0f}%"


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%-d %b %Y}"


def period_words(first: datetime, last: datetime) -> str:
    """Say from when to when: 1 Jan 2026 to 3 Mar 2026."""
    return _day(first) if first.date() == last.date() else f"{_day(first)} to {_day(last)}"


def certified(use_case: UseCase) -> Certificate | None:
    """Return the newest certificate of a use case."""
    return Certificate.objects.filter(use_case=use_case).first()


def subject_words(subject: dict[str, str]) -> str:
    """Name models, prompt and index; what was not recorded is no proof of anything."""
    named = (("models", "model"), ("prompt", "prompt"), ("retrieval_index", "index"))
    return ", ".join(f"{called} {subject.get(key) or 'not recorded'}" for key, called in named)
