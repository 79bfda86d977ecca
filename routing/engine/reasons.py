"""Why a decision is what it is: one word for machines (OpenFeature's) and one sentence for people."""

from typing import Final

TARGETING_MATCH: Final = "TARGETING_MATCH"
DEFAULT: Final = "DEFAULT"
SPLIT: Final = "SPLIT"
DISABLED: Final = "DISABLED"
ERROR: Final = "ERROR"

ON_BASELINE: Final = "The use case is on its baseline."
ALL_REVIEWED: Final = "Everything is reviewed by a person for now."
HELD_OUT: Final = "Held out at random: the request gets the baseline, for comparison."
NO_ANSWER: Final = "No model gave an answer."
NO_BAND: Final = "No band is left for this confidence: a person answers."

_ACTIONS: Final = {
    "answer": "answer",
    "review": "a person reviews the answer",
    "escalate": "a person answers",
}


def plain(value: float) -> str:
    """Write a number with two decimals, or with as many as it needs: 0.80, 0.125."""
    return f"{value:.2f}" if round(value, 2) == value else f"{value:.6g}"


def too_sensitive(limit: float) -> str:
    """Say that the request is more sensitive than models may handle."""
    return f"Sensitivity is above {plain(limit)}, or could not be read."


def nothing_to_cite(limit: float) -> str:
    """Say that no passage fits the request well enough."""
    return f"The best passage matches less than {plain(limit)}, or the match could not be read."


def budget_spent(limit: float) -> str:
    """Say that the day's money is gone."""
    return f"Today's budget of ${limit:,.2f} is spent, or the spending could not be read."


def by_rule(name: str, action: str) -> str:
    """Say that a rule decided the whole action."""
    return f"Rule “{name}”: {_ACTIONS[action]}."


def by_band(name: str, floor: float, ceiling: float | None) -> str:
    """Say which band the confidence is in."""
    if ceiling is None:
        return f"Confidence is {plain(floor)} or more: band “{name}”."
    return f"Confidence is from {plain(floor)} to below {plain(ceiling)}: band “{name}”."


def by_rules_threshold(rule: str, answer_from: float, outcome: str) -> str:
    """Say that a rule moved the confidence that an answer needs."""
    return f"Rule “{rule}” answers from {plain(answer_from)}. {outcome}"


def unsure(band: str) -> str:
    """Say that there is no usable confidence."""
    return f"No usable confidence: the lowest band, “{band}”."
