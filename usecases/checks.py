"""Every gate of a change, passed in one go: what it is judged by, how it stands, what would clear it. Pure.

`usecases.gates` judges single settings against lanes and limits; here stands everything that decides whether a change
may go live. Nothing is hidden behind the first failure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from routing.engine import diff, knobs
from routing.engine.digest import digest
from routing.engine.validation import faults
from usecases import golden_gates, step_gates, terms
from usecases.gates import MISSING, Gate, gates, reached
from usecases.subjects import FAILED, NEEDS, PASSED, WAITING, Check, Document, Subject

# The checks of single settings, each of which `Findings.judged` tells by itself.
SETTINGS: Final = ("limits", "models", "endpoints", "regions")
# What is asked of the places of models: kind of gate, names of the check, what would clear it.
PLACES: Final = {
    "endpoints": (
        "endpoint",
        "Models are asked at approved endpoints",
        "An endpoint is not approved",
        "Use an approved endpoint; or risk approves this one.",
    ),
    "regions": (
        "region",
        "Models are in allowed regions",
        "A model is outside the allowed regions",
        "Use a model in an allowed region; or risk states where this one is.",
    ),
}


OWN: Final = " Its author set these limits: what they newly allow takes somebody else's word."


@dataclass(frozen=True, slots=True)
class Findings:
    """Every gate of one change. `needed`: how many approvals it takes; `judged`: its settings, one by one."""

    checks: tuple[Check, ...]
    needed: int
    judged: tuple[Gate, ...]

    @property
    def passes(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def open(self) -> tuple[Check, ...]:
        """The gates that hold it up."""
        return tuple(check for check in self.checks if not check.passed)


@dataclass(frozen=True, slots=True)
class Judged:
    """The settings of a change, one by one. `past`: some of them are past their lane; `needed`: approvals it takes."""

    gates: tuple[Gate, ...]
    past: bool
    needed: int


def judge(subject: Subject) -> Judged:
    """Judge the settings of a change against lanes, limits and steps, and say how many approvals it takes."""
    found = _judged_by(subject.guardrails, subject)
    return Judged(found.gates, found.past, max(found.needed, _asked_before(subject)))


def _judged_by(bounds: Mapping[str, Any], subject: Subject) -> Judged:
    ground, asked = subject.reference, terms.complete(bounds)
    judged = (
        *gates(dict(bounds), ground, subject.draft),
        *step_gates.step_gates(bounds, ground, subject.draft, subject.earlier, subject.now),
    )
    past = any(gate.status == "lane" for gate in judged)
    needed = asked["approvals_to_restore"] if subject.leaves_to else (asked["approvals"] if past else 0)
    return Judged(judged, past, needed)


def _asked_before(subject: Subject) -> int:
    """Return how many approvals it took before its author set these limits; one for what was refused then."""
    if subject.before is None:
        return 0
    found = _judged_by(subject.before, subject)
    refused = not subject.leaves_to and any(gate.status == "shut" for gate in found.gates)
    return max(found.needed, int(refused))


def check(subject: Subject) -> Findings:
    """Return every gate of a change."""
    moved, asked = judge(subject), terms.complete(subject.guardrails)
    judged, needed = moved.gates, moved.needed
    enough = needed == 0 or len(subject.approved_by or ()) >= needed
    found = [_schema(subject), *_limits(judged, subject.guardrails)]
    found += list(_lanes(subject.reference, subject.draft, judged, enough, needed))
    if subject.leaves_to:
        found.append(_state(subject))
    else:
        found += _calendar(subject)
        found += [_base(subject), _conflict(subject)] if subject.base is not None else []
        found += _evidence_gates(subject, asked, moved.past)
    found += _golden(subject, asked)
    found.append(_one_pager(subject, asked))
    found.append(_approvals(subject, needed, enough))
    return Findings(tuple(found), needed, judged)


def _schema(subject: Subject) -> Check:
    wrong = [*faults(subject.draft)]
    wrong += faults(subject.baseline, baseline=True) if subject.baseline is not None else []
    if not wrong:
        return Check("schema", "Document is valid", PASSED, "Every part can be read and fits the others.")
    told = "; ".join(
        f"{fault.path}: {fault.message}" if fault.path else fault.message for fault in wrong[:20]
    )
    count = f"{len(wrong)} fault{'s' * (len(wrong) != 1)}"
    return Check("schema", f"Document has {count}", FAILED, told, "Put the faults right.")


def _limits(judged: Sequence[Gate], guardrails: Mapping[str, Any]) -> list[Check]:
    shut = [gate for gate in judged if gate.status == "shut"]
    models = [gate for gate in shut if gate.path.startswith("models[") and not gate.kind]
    settings = [gate for gate in shut if not gate.path.startswith("models[")]
    found = [
        Check(
            "limits",
            "Outside a hard limit",
            FAILED,
            _told(settings),
            "Stay inside; or risk sets another limit.",
        )
        if settings
        else Check("limits", "Inside the hard limits", PASSED, "No setting is outside what risk allows."),
        Check(
            "models",
            "A model is not approved",
            FAILED,
            _told(models),
            "Use an approved one; or risk approves it.",
        )
        if models
        else Check("models", "Models are approved", PASSED, "Every model may be used here."),
    ]
    return found + [_where(key, shut, guardrails) for key in PLACES if _asked_for(guardrails, key)]


def _asked_for(guardrails: Mapping[str, Any], key: str) -> bool:
    return bool(guardrails.get(key) or key in (guardrails.get("nothing") or []))


def _where(key: str, shut: Sequence[Gate], guardrails: Mapping[str, Any]) -> Check:
    """Say whether every model is asked where it may be."""
    kind, passes, fails, clear = PLACES[key]
    wrong = [gate for gate in shut if gate.kind == kind]
    if wrong:
        return Check(key, fails, FAILED, _told(wrong), clear)
    return Check(key, passes, PASSED, f"Allowed: {', '.join(guardrails[key])}.")


def _told(found: Sequence[Gate]) -> str:
    return " ".join(gate.message for gate in found)


def _lanes(
    ground: Document, draft: Document, judged: Sequence[Gate], enough: bool, needed: int
) -> Iterator[Check]:
    """Yield one gate for each bounded setting that moves, with its direction."""
    for gate in judged:
        label = knobs.label(gate.path) if knobs.is_knob(gate.path) else _model_label(gate.path)
        if gate.kind == step_gates.KIND:
            yield _step(gate, label, enough, needed)
        elif gate.status == "lane":
            name = f"{label}: past the lane"
            clear = f"{_approvals_words(needed)}; or stay inside the lane."
            status = PASSED if enough else NEEDS
            yield Check(f"lane:{gate.path}", name, status, gate.message, "" if enough else clear)
        elif gate.passes and reached(gate.path, draft) != reached(gate.path, ground):
            old, new = reached(gate.path, ground), reached(gate.path, draft)
            looser = knobs.loosens(gate.path, old, new)
            way = "loosens, inside the lane" if looser else "tightens, which needs nobody"
            said = f"{knobs.written(gate.path, old)} to {knobs.written(gate.path, new)}: {way}."
            yield Check(
                f"lane:{gate.path}", f"{label}: {'in the lane' if looser else 'tighter'}", PASSED, said
            )


def _step(gate: Gate, label: str, enough: bool, needed: int) -> Check:
    """Return the check of how far a knob is loosened in how short a time."""
    if gate.passes:
        return Check(f"step:{gate.path}", f"{label}: a small step", PASSED, gate.message)
    clear = f"{_approvals_words(needed)}; or loosen it by less, or later."
    return Check(
        f"step:{gate.path}",
        f"{label}: too large a step",
        PASSED if enough else NEEDS,
        gate.message,
        "" if enough else clear,
    )


def _approvals_words(needed: int) -> str:
    return f"{needed} approval{'s' * (needed != 1)}"


def _model_label(path: str) -> str:
    if path == MISSING:
        return "What counts without a confidence"
    return "A model's address" if path.endswith(".api_base") else "A model's calibration"


def _calendar(subject: Subject) -> list[Check]:
    found = []
    for key, names, closed in (
        ("freeze", ("No freeze", "Frozen"), terms.frozen(subject.guardrails, subject.now)),
        ("quiet_hours", ("No quiet hours", "Quiet hours"), terms.quiet(subject.guardrails, subject.now)),
    ):
        if not closed:
            found.append(Check(key, names[0], PASSED, "Changes may go live now."))
        elif subject.tightens:
            found.append(Check(key, names[1], PASSED, f"{closed}. Tightening may go live all the same."))
        else:
            found.append(
                Check(key, names[1], WAITING, f"{closed}.", "Wait until it is over, or schedule it for then.")
            )
    return found


def _state(subject: Subject) -> Check:
    if subject.safe:
        return Check("state", "On the safe state it was asked for", PASSED, "Nobody restored it meanwhile.")
    words = "It was restored, or stopped anew, since this was asked for."
    return Check(
        "state", "Another state than it was asked for", FAILED, words, "Ask anew where it is still needed."
    )


def _base(subject: Subject) -> Check:
    if diff.changes(subject.base, subject.live):
        said = f"It was begun on r{subject.base_number}; r{subject.live_number} is live."
        return Check(
            "base", "Something else went live meanwhile", FAILED, said, "Its author carries it over."
        )
    return Check("base", "Nothing else went live meanwhile", PASSED, f"It builds on r{subject.base_number}.")


def _conflict(subject: Subject) -> Check:
    mine = paths_of(subject.base or subject.live, subject.draft)
    clashes = [(rival, sorted(mine & rival.paths)) for rival in subject.rivals if mine & rival.paths]
    if not clashes:
        return Check("conflict", "No other open change of the same", PASSED, "Nobody asked for it earlier.")
    told = "; ".join(f"change {r.number} by {r.author}: {', '.join(paths[:5])}" for r, paths in clashes)
    return Check(
        "conflict",
        "An earlier change is open on the same settings",
        WAITING,
        f"{told[:1].upper()}{told[1:]}.",
        "Clears when that one is applied, vetoed, withdrawn or expires.",
    )


def paths_of(base: Document, draft: Document) -> frozenset[str]:
    """Return the settings that a change touches."""
    return frozenset(one.path for one in diff.changes(base, draft))


def _evidence_gates(subject: Subject, asked: Mapping[str, Any], past: bool) -> list[Check]:
    if not past:
        return [Check("evidence", "No what-if is asked for", PASSED, "It stays inside the lanes.")]
    found = [_what_if(subject, asked)]
    if asked["certificate_needed"]:
        found.append(_certificate(subject))
    return found


def _what_if(subject: Subject, asked: Mapping[str, Any]) -> Check:
    wrong = evidence_wrong(subject, asked["evidence_hours"])
    held = (subject.evidence or {}).get("what_if") or {}
    if not wrong:
        said = f"{held['decisions']:,} decisions replayed on this very content."
        return Check("evidence", "What-if is there and fresh", PASSED, said)
    if not asked["evidence_needed"]:
        return Check("evidence", "What-if is not asked for", PASSED, wrong)
    return Check("evidence", "What-if is missing", WAITING, wrong, "The author renews the evidence.")


def evidence_wrong(subject: Subject, hours: float) -> str:
    """Say why frozen evidence does not hold for this content now; empty where it does."""
    held = subject.evidence or {}
    found = held.get("what_if")
    if not found:
        return str(held.get("why") or "None was taken.")
    if held.get("document") != digest(subject.draft) or held.get("live") != digest(subject.live):
        return "It was taken for other content."
    if not found.get("decisions"):
        return "There were no decisions to replay."
    taken = terms.moment(held.get("at"))
    if taken is None or subject.now - taken > timedelta(hours=hours):
        return f"It is older than {hours:g} hours."
    return ""


def _certificate(subject: Subject) -> Check:
    if subject.certificate == "":
        return Check("certificate", "Certificate holds for it", PASSED, "The newest one covers this content.")
    said = subject.certificate or "Nothing has been certified yet."
    clear = "Certify the promise for this content, on the Promise tab."
    return Check("certificate", "Certificate is missing", WAITING, said, clear)


def _golden(subject: Subject, asked: Mapping[str, Any]) -> list[Check]:
    """Return a check for each golden set that is asked for; tightening may go live whatever the score.

    While people look at everything no score is needed.
    """
    if subject.leaves_to not in ("", "live"):
        return []
    free = subject.tightens
    return [
        Check(key, name, PASSED, f"{said} Tightening may go live all the same.")
        if free and status != PASSED
        else Check(key, name, status, said, clear)
        for key, name, status, said, clear in golden_gates.judged(asked, subject.golden)
    ]


def _one_pager(subject: Subject, asked: Mapping[str, Any]) -> Check:
    state = subject.one_pager
    name = f"One-pager: {state.told}"
    if state.complete:
        return Check("one_pager", name, PASSED, "It is complete.")
    said = f"Missing: {', '.join(state.missing)}."
    if not asked["one_pager_needed"]:
        return Check("one_pager", name, PASSED, f"{said} Risk does not ask for it.")
    if subject.leaves_to not in ("", "live"):
        return Check("one_pager", name, PASSED, f"{said} People look at everything all the same.")
    if not subject.leaves_to and subject.tightens:
        return Check("one_pager", name, PASSED, f"{said} Tightening may go live all the same.")
    return Check("one_pager", name, WAITING, said, "Somebody answers the rest, on the page “One-pager”.")


def _approvals(subject: Subject, needed: int, enough: bool) -> Check:
    if subject.blocked_by:
        said = f"{subject.blocked_by} asked for changes."
        return Check("approvals", "Changes were asked for", WAITING, said, "The author amends it.")
    if not needed:
        said = (
            "Leaving the safe state needs none."
            if subject.leaves_to
            else "Inside the lanes, or risk asks for none."
        )
        return Check("approvals", "No approval needed", PASSED, said)
    given = list(subject.approved_by or ())
    name = f"Approvals: {min(len(given), needed)} of {needed}"
    said = f"Given by {', '.join(given)}." if given else "None given for this content yet."
    said += OWN if _asked_before(subject) else ""
    if enough:
        return Check("approvals", name, PASSED, said)
    rest = needed - len(given)
    if subject.approved_by is None:
        told = f"Not proposed yet.{OWN if _asked_before(subject) else ''}"
        return Check("approvals", name, NEEDS, told, "Submit it; then others approve.")
    return Check(
        "approvals", name, NEEDS, said, f"{rest} more approval{'s' * (rest != 1)}, not by the author."
    )
