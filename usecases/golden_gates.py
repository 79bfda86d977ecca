"""Whether a document does well enough on the golden sets that risk asks for. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from usecases.golden import Score
from usecases.strictest import sets_of

_TOLD: Final = 5
ANEW: Final = "Run it under the new prompt and models, and upload its signals."
RENEW: Final = "The author renews the evidence."


@dataclass(frozen=True, slots=True)
class Standing:
    """How one golden set stands with a draft. `gap`: why there is no score; `clear`: what would give one."""

    name: str
    score: Score | None
    gap: str = ""
    clear: str = ANEW


def judged(
    asked: Mapping[str, Any], standings: Sequence[Standing]
) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield key, name, status, evidence and what would clear it, for each golden set that is asked for."""
    wanted = sets_of(asked)
    for one in wanted:
        key = "golden_set" if len(wanted) == 1 else f"golden_set:{one['name']}"
        standing = next((held for held in standings if held.name == one["name"]), None)
        yield (key, *_judge(one, standing))


def _judge(wanted: Mapping[str, Any], standing: Standing | None) -> tuple[str, str, str, str]:
    name, least = wanted["name"], wanted["at_least"]
    if standing is None:
        said = f"There is no golden set “{name}” here."
        return f"Golden set “{name}” is missing", "waiting", said, "Upload it, on the page “Golden sets”."
    gap = standing.gap or (standing.score.gap if standing.score else "None was taken.")
    if gap or standing.score is None:
        said = f"Not knowable: {gap} {per_cent(least)} needed."
        return f"Golden set “{name}”: no score", "waiting", said, standing.clear
    said = told(standing.score, least)
    # Whole cases decide, not a share that rounding has lifted.
    if standing.score.right >= least * standing.score.cases - 1e-9 and standing.score.cases:
        return f"Golden set “{name}” comes out", "passed", said, ""
    clear = "Have more cases come out as expected; or risk asks for less."
    return f"Golden set “{name}” does not come out", "failed", said, clear


def told(score: Score, least: float) -> str:
    """Say a score beside what is needed, with the first cases that fail."""
    words = f"{score.share * 100:.1f}% of {score.cases:,} cases as expected; {per_cent(least)} needed"
    if not score.failing:
        return f"{words}."
    first = "; ".join(f"case {f.case} expected {f.expected}, got {f.got}" for f in score.failing[:_TOLD])
    rest = score.cases - score.right - min(_TOLD, len(score.failing))
    return f"{words}; failing: {first}{f'; and {rest} more' if rest > 0 else ''}."


def per_cent(share: float) -> str:
    return f"{share * 100:g}%"
