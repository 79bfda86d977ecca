"""Certificates: "at most 2% wrong among answered, with 95% confidence", and the watch that withdraws them.

A certificate is bought with uniformly sampled labels only (a census, or random audits under one share), and belongs to
one model, prompt and index. Choosing a threshold is Learn-then-Test with a fixed sequence (arXiv 2110.01052):
thresholds ordered from strict to loose before any error is seen, each tested at the whole delta, stopped at the first
failure. Watching, night after night, needs another tool: a test martingale, which may be read at any time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log, log1p
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from routing.engine.digest import digest
from routing.replay.binomial import labels_needed, p_values, upper_bound
from routing.replay.columns import Floats, Mask

# Strict to loose; the finest step that an owner's slider has.
GRID: Final[tuple[float, ...]] = tuple(round(step / 100, 2) for step in range(100, -1, -1))


@dataclass(frozen=True, slots=True)
class Promise:
    """Wrong among answered at most `alpha`, with confidence 1 − `delta`."""

    alpha: float
    delta: float = 0.05

    def __post_init__(self) -> None:
        if not (0 < self.alpha < 1 and 0 < self.delta < 1):
            raise ValueError("alpha and delta lie between 0 and 1")

    def words(self) -> str:
        """Say what is promised."""
        return (
            f"at most {percent(self.alpha)} wrong among answered, with {percent(1 - self.delta)} confidence"
        )


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the labels allow to promise. `answer_from` is None where they allow nothing.

    `labels` and `wrong` are those at or above `answer_from`, or all of them where there is none. `bound` is the exact
    upper bound there, `needed` how many labels it would take with as many wrong ones. `subject` says for what it
    holds: models, prompt, retrieval_index.
    """

    promise: Promise
    answer_from: float | None
    labels: int
    wrong: int
    bound: float
    needed: int
    tested: tuple[float, ...] = ()
    subject: Mapping[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Tell whether there is anything to promise."""
        return self.answer_from is not None

    def void(self, subject: Mapping[str, str]) -> str:
        """Say what has changed since, so that nothing is promised any more; empty where nothing has."""
        keys = sorted({*self.subject, *subject})
        changed = [key for key in keys if self.subject.get(key, "") != subject.get(key, "")]
        if not changed:
            return ""
        said = (f"{_called(k)} is {_or_none(subject, k)}, was {_or_none(self.subject, k)}" for k in changed)
        return f"No longer supported: {'; '.join(said)}."

    def sentence(self) -> str:
        """Say what is promised, or what is missing for it."""
        if self.answer_from is not None:
            about = "".join(f", {_called(key)} {_or_none(self.subject, key)}" for key in sorted(self.subject))
            words = self.promise.words()
            return f"{words[0].upper()}{words[1:]}, from {self.labels:,} labels{about}."
        if self.labels < self.needed and not self.wrong:
            return f"{self.needed:,} clean labels needed, you have {self.labels:,}."
        return (
            f"Cannot be promised: {self.wrong:,} of {self.labels:,} labels{self._where()} are wrong. "
            f"With as many wrong, {self.needed:,} labels are needed."
        )

    def _where(self) -> str:
        """Say above which threshold: another one, such as the live one, has other labels."""
        return f" at {self.tested[0]:.2f} or above" if self.tested else ""


def learn_then_test(
    confidence: Floats,
    wrong: Mask,
    promise: Promise,
    *,
    grid: Sequence[float] = GRID,
    subject: Mapping[str, str] | None = None,
) -> Certificate:
    """Choose the loosest threshold of the grid that the labels allow.

    `confidence` and `wrong` are of uniformly sampled labels, NaN being the lowest confidence. The sequence starts at
    the strictest threshold with enough labels for a clean sheet, judged by their number alone.
    """
    thresholds = np.array(sorted(set(grid), reverse=True), np.float64)
    return loosest(thresholds, *counts(confidence, wrong, thresholds), promise, subject=subject)


def loosest(
    thresholds: Floats,
    labels: NDArray[np.int64],
    errors: NDArray[np.int64],
    promise: Promise,
    *,
    subject: Mapping[str, str] | None = None,
) -> Certificate:
    """Choose the loosest of thresholds (strict to loose) from how many labels, and wrong ones, are above each."""
    least = labels_needed(promise.alpha, promise.delta)
    start = int(np.searchsorted(labels, least, "left"))
    passed = p_values(errors[start:], labels[start:], promise.alpha) <= promise.delta
    steps = len(passed) if passed.all() else int(np.argmin(passed))
    last = start + steps - 1
    # Nothing passed: what stands in the way is told of the first one tested, or of all where there are too few.
    place = last if steps else min(start, len(thresholds) - 1)
    n, k = int(labels[place]), int(errors[place])
    return Certificate(
        promise=promise,
        answer_from=float(thresholds[last]) if steps else None,
        labels=n,
        wrong=k,
        bound=upper_bound(k, n, promise.delta),
        needed=labels_needed(promise.alpha, promise.delta, k),
        tested=tuple(thresholds[start : start + steps + 1].tolist()),
        subject=dict(subject or {}),
    )


def counts(
    confidence: Floats, wrong: Mask, thresholds: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many labels, and how many wrong ones, are at or above each threshold."""

    def above(values: Floats) -> NDArray[np.int64]:
        ordered = np.sort(values)
        return len(ordered) - np.searchsorted(ordered, thresholds, "left").astype(np.int64)

    usable = np.where(np.isnan(confidence), 0.0, confidence)
    return above(usable), above(usable[wrong])


@dataclass(frozen=True, slots=True)
class Watch:
    """An anytime-valid test, fed label by label; it may be read after each of them.

    Towards `certify`, evidence that the error is at most alpha: E ← E · (1 + bet · (alpha − e)). Towards `revert`,
    evidence that it is above: E ← E · (1 + bet · (e − alpha)). It speaks while E is at least `tests` / delta, and falls
    silent again when the evidence shrinks: live, never latched. Raises `ValueError` for a bet that could make E
    negative, which would certify silently.
    """

    promise: Promise
    bet: float = 0.42
    towards: Literal["certify", "revert"] = "certify"
    tests: int = 1
    log_evidence: float = 0.0
    labels: int = 0
    wrong: int = 0

    def __post_init__(self) -> None:
        alpha = self.promise.alpha
        most = 1 / (1 - alpha) if self.towards == "certify" else 1 / alpha
        if not 0 < self.bet < most:
            raise ValueError(f"the bet lies between 0 and {most:.4g}")

    @property
    def evidence(self) -> float:
        """Return E, the product of all bets."""
        return exp(min(self.log_evidence, 700.0))

    @property
    def speaks(self) -> bool:
        """Tell whether there is evidence enough now."""
        return self.log_evidence >= log(self.tests / self.promise.delta)

    def after(self, errors: Iterable[bool]) -> "Watch":
        """Return the watch after more labels, True for a wrong one."""
        seen = [bool(error) for error in errors]
        wrong = sum(seen)
        right = len(seen) - wrong
        alpha, side = self.promise.alpha, 1 if self.towards == "certify" else -1
        gain = right * log1p(self.bet * side * alpha) + wrong * log1p(self.bet * side * (alpha - 1))
        return Watch(
            self.promise,
            self.bet,
            self.towards,
            self.tests,
            self.log_evidence + gain,
            self.labels + len(seen),
            self.wrong + wrong,
        )


def subject(document: Mapping[str, Any]) -> dict[str, str]:
    """Return what a certificate for this document belongs to: its ladder's models and their maps, prompt, index."""
    called = {model["name"]: model["litellm"] for model in document.get("models", [])}
    ladder = [rung["model"] for rung in document.get("ladder", [])]
    pins = document.get("pins") or {}
    found = {
        "models": " > ".join(f"{name} ({called.get(name, name)})" for name in ladder),
        "prompt": pins.get("prompt") or "",
        "retrieval_index": pins.get("retrieval_index") or "",
    }
    # With another calibration map other answers are sent at the same threshold.
    maps = {m["name"]: m["calibration"] for m in document.get("models", []) if m.get("calibration")}
    used = {name: maps[name] for name in ladder if name in maps}
    return found | ({"calibration": digest(used)[:12]} if used else {})


def percent(share: float) -> str:
    """Write a share with as many decimals as it needs, one at least: 2.0%, 0.25%."""
    value = round(share * 100, 6)
    return f"{value:.1f}%" if round(value, 1) == value else f"{value:g}%"


def _called(key: str) -> str:
    return {"models": "model", "retrieval_index": "index"}.get(key, key)


def _or_none(subject: Mapping[str, str], key: str) -> str:
    return subject.get(key) or "not recorded"
