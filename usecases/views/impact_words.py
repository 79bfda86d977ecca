"""Words and roundings that all parts of an impact share. Pure."""

from typing import Final

MEASURED: Final = "measured"
WEIGHTED: Final = "weighted"
NOT_KNOWABLE: Final = "not_knowable"
# From the strongest to the weakest.
BADGES: Final = {MEASURED: "measured", WEIGHTED: "weighted", NOT_KNOWABLE: "not knowable"}


def title(name: str) -> str:
    """Write a technical name as words: `not_knowable` is “Not knowable”."""
    words = name.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]


def marks(badges: tuple[str, str]) -> tuple[str, ...]:
    """Write the badges of two numbers: one word for both, or each one's where they are not known alike."""
    one, other = badges
    return tuple(BADGES[badge] for badge in ((one,) if one == other else badges) if badge)


def plural(count: int, noun: str) -> str:
    """1 label, 1,204 labels."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def dollars(amount: float) -> str:
    """Write a price with no more digits than it needs: $2, $2.50, $0.0012."""
    if amount >= 1 or amount == 0:
        return f"${amount:,.0f}" if float(amount).is_integer() else f"${amount:,.2f}"
    return f"${amount:.2g}"


def rounded(unit: str, value: float | None) -> str:
    """Return a number as coarse as it is shown: what reads the same has not moved."""
    if value is None or not unit:
        return ""
    if unit == "usd":
        return f"{value:.2f}" if value >= 1 else f"{value:.3f}" if value >= 0.01 else f"{value:.1e}"
    if unit == "ms":
        return f"{value:.0f}" if value < 1000 else f"{value / 1000:.1f} s"
    return f"{value:.3f}" if unit == "share" else f"{value:.{0 if value >= 10 else 1}f}"
