"""Faults between fields: names that must exist, bands without gaps, answers without a text. Judges what is readable."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, pairwise
from typing import Any, Final

from routing.engine.faults import MAX_FAULTS, Fault, confidence, items, listed, mapping, shown, words
from routing.engine.reasons import plain
from routing.engine.schema import MAX_NAME

_CHOICES: Final = 8
_NAMED = {"models": "name", "bands": "name", "queues": "name", "rules": "id", "ladder": "model"}
_ONE = {
    "models": "model",
    "bands": "band",
    "queues": "queue",
    "rules": "rule",
    "ladder": "rung for the model",
}


def cross_faults(document: Any, *, baseline: bool) -> list[Fault]:
    """Return the faults that fields have with one another."""
    checks = [_doubled, _bands, _queues, _breaches, _maps, _ladder, _rules, _missing, _curated]
    if baseline:
        checks.append(_modelless)
    return [fault for check in checks for fault in islice(check(document), MAX_FAULTS)]


def _doubled(document: Any) -> Iterator[Fault]:
    """Names must be unique, else nobody can say which one is meant."""
    for part, key in _NAMED.items():
        seen: set[str] = set()
        for path, entry in items(document, part):
            name = words(entry.get(key))
            if name in seen:
                yield Fault(
                    f"{path}.{key}", f"There is already a {_ONE[part]} {shown(name)}. Names must be unique."
                )
            seen |= {name} if name else set()


def _bands(document: Any) -> Iterator[Fault]:
    """Bands must cover 0 to 1 without gap or overlap, the answering ones on top."""
    entries = list(items(document, "bands"))
    placed = [(edge, path, b) for path, b in entries if (edge := confidence(b.get("from"))) is not None]
    counted = Counter(edge for edge, _, _ in placed)
    seen: dict[float, Any] = {}
    for edge, path, band in placed:
        if edge in seen:
            other = shown(seen[edge])
            yield Fault(
                f"{path}.from", f"The band {other} starts at {plain(edge)} too. Give each band its own edge."
            )
        seen.setdefault(edge, band.get("name"))
    # With an unreadable edge nobody can say whether there is a gap.
    if placed and len(placed) == len(entries) and 0 not in counted:
        lowest, path, _ = min(placed, key=lambda place: place[0])
        yield Fault(
            f"{path}.from", f"No band covers confidence below {plain(lowest)}. Let the lowest start at 0."
        )
    yield from _answers_on_top(sorted(placed, key=lambda place: place[0]))


def _answers_on_top(placed: list[tuple[float, str, Mapping[str, Any]]]) -> Iterator[Fault]:
    """A less sure answer must not be sent while a surer one is held: raising an edge would answer more."""
    held = [(edge, band) for edge, _, band in placed if band.get("action") in ("review", "escalate")]
    for edge, path, band in placed:
        if band.get("action") == "answer" and held and edge < held[-1][0]:
            above = shown(held[-1][1].get("name"))
            yield Fault(
                f"{path}.action",
                f"This band answers at {plain(edge)}, while the surer band {above} sends to a person. "
                "Put the answering bands on top.",
            )


def _queues(document: Any) -> Iterator[Fault]:
    """Queues must exist where they are named."""
    known = _names(document, "queues", "name")
    named = [(f"{path}.queue", band.get("queue")) for path, band in items(document, "bands")]
    named += [
        (f"{path}.then.queue", mapping(rule, "then").get("queue")) for path, rule in items(document, "rules")
    ]
    named += [(f"{path}.on_breach", queue.get("on_breach")) for path, queue in items(document, "queues")]
    for path, name in named:
        if isinstance(name, str) and name not in known:
            yield Fault(
                path, f"There is no queue {shown(name)}. {_instead(known, 'Add it to the queues first.')}"
            )


def _breaches(document: Any) -> Iterator[Fault]:
    """A late case must end somewhere. Each circle is told once, at its first queue."""
    queues = {name: path for path, queue in items(document, "queues") if (name := words(queue.get("name")))}
    follows = {words(q.get("name")): words(q.get("on_breach")) for _, q in items(document, "queues")}
    ended: set[str | None] = set()
    for name in queues:
        chain: dict[str | None, None] = {}
        step: str | None = name
        while step in queues and step not in ended and step not in chain:
            chain[step] = None
            step = follows.get(step)
        if step in chain:
            circle = list(chain)[list(chain).index(step) :]
            shortened = [*circle, step] if len(circle) <= _CHOICES else [*circle[:_CHOICES], "…"]
            way = " → ".join(map(shown, shortened))
            message = f"Late cases would go round in a circle: {way}. Let one queue end it."
            yield Fault(f"{queues[str(step)]}.on_breach", message)
        ended |= chain.keys()


def _maps(document: Any) -> Iterator[Fault]:
    """A calibration map must be a line that never falls: else a worse answer would look better than a better one."""
    for path, model in items(document, "models"):
        line, inside = mapping(model, "calibration"), f"{path}.calibration"
        reported, counts = line.get("reported"), line.get("calibrated")
        if not isinstance(reported, list) or not isinstance(counts, list):
            continue
        if len(reported) != len(counts):
            yield Fault(
                f"{inside}.calibrated",
                f"The map has {len(reported):,} reported confidences and {len(counts):,} calibrated ones. "
                "Give each reported one its calibrated one.",
            )
        yield from _steps(f"{inside}.reported", reported, lambda low, high: low < high, "must be above")
        yield from _steps(f"{inside}.calibrated", counts, lambda low, high: low <= high, "must not be below")


def _steps(path: str, points: list[Any], holds: Callable[[float, float], bool], must: str) -> Iterator[Fault]:
    """Compare each point with the one before it, where both can be read."""
    for place, (before, point) in enumerate(pairwise(points), start=1):
        low, high = confidence(before), confidence(point)
        if low is not None and high is not None and not holds(low, high):
            yield Fault(
                f"{path}[{place}]", f"This point {must} the one before it, {plain(low)}; it is {plain(high)}."
            )


def _ladder(document: Any) -> Iterator[Fault]:
    """Models on the ladder must be listed, and a rule must start on the ladder."""
    models, rungs = _names(document, "models", "name"), _names(document, "ladder", "model")
    for path, rung in items(document, "ladder"):
        if (name := words(rung.get("model"))) and name not in models:
            yield Fault(
                f"{path}.model",
                f"There is no model {shown(name)}. {_instead(models, 'Add it to the models.')}",
            )
    for path, rule in items(document, "rules"):
        start = words(mapping(rule, "then").get("start"))
        if start and start not in rungs:
            hint = _instead(rungs, "Put it on the ladder first.")
            yield Fault(f"{path}.then.start", f"The model {shown(start)} is not on the ladder. {hint}")


def _rules(document: Any) -> Iterator[Fault]:
    """A rule must do something, and can only move an edge that is there."""
    answers = any(band.get("action") == "answer" for _, band in items(document, "bands"))
    for path, rule in items(document, "rules"):
        then = rule.get("then")
        if isinstance(then, Mapping) and all(value is None for value in then.values()):
            yield Fault(
                f"{path}.then",
                "The rule changes nothing. Set an action, a queue, a first model or an answer threshold.",
            )
        if mapping(rule, "then").get("answer_from") is not None and not answers:
            yield Fault(
                f"{path}.then.answer_from",
                "No band answers, so there is no threshold to move. Add an answering band.",
            )


def _missing(document: Any) -> Iterator[Fault]:
    """A missing confidence must fall into the lowest band."""
    missing = confidence(mapping(document, "confidence").get("missing", 0.0))
    edges = sorted(
        {edge for _, b in items(document, "bands") if (edge := confidence(b.get("from"))) is not None}
    )
    if missing is not None and len(edges) > 1 and missing >= edges[1]:
        yield Fault(
            "confidence.missing",
            f"A missing confidence must count as the lowest band: less than {plain(edges[1])}, not {plain(missing)}.",
        )


def _curated(document: Any) -> Iterator[Fault]:
    """Without a model, an answer must be written down."""
    if not isinstance(document, Mapping) or document.get("ladder"):
        return
    parts = [band for _, band in items(document, "bands")]
    parts += [mapping(rule, "then") for _, rule in items(document, "rules")]
    text = words(mapping(document, "messages").get("answer"))
    if any(part.get("action") == "answer" for part in parts) and not (text and text.strip()):
        yield Fault(
            "messages.answer",
            "Answers are sent without asking a model, so the answer must be written here. It is missing.",
        )


def _modelless(document: Any) -> Iterator[Fault]:
    """A baseline must work when no model does."""
    if isinstance(document, Mapping) and document.get("ladder"):
        yield Fault("ladder", "A baseline asks no model: the ladder must be empty.")
    for path, rule in items(document, "rules"):
        if mapping(rule, "then").get("start") is not None:
            yield Fault(f"{path}.then.start", "A baseline asks no model: a rule cannot start one.")


def _names(document: Any, part: str, key: str) -> dict[str, None]:
    """Return the names in a list, in order and quick to look up: a document may hold thousands."""
    return {name: None for _, entry in items(document, part) if (name := words(entry.get(key)))}


def _instead(known: Iterable[str], otherwise: str) -> str:
    names = [name for name in islice(known, _CHOICES) if len(name) <= MAX_NAME]
    return f"Choose {listed(names)}." if names else otherwise
