"""A fault of a document: where it is and what would be right, for a person who turns knobs, not for a programmer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from routing.engine.reasons import plain
from routing.engine.schema import MAX_NAME

# Enough to see what is wrong, and an end to documents made of faults alone.
MAX_FAULTS = 200

_SHOWN = 40


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault. `path` is like `rules[0].when.any[1].op`, empty for the document as a whole."""

    path: str
    message: str


def joined(path: str, step: str | int) -> str:
    """Return the path of a part: `bands` and 1 give `bands[1]`, then `from` gives `bands[1].from`."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    name = step if len(step) <= MAX_NAME else step[:MAX_NAME] + "…"
    return f"{path}.{name}" if path else name


def shown(value: object) -> str:
    """Write a value the way it reads in a sentence, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return plain(value) if isinstance(value, float) else f"{value:,}"
    if isinstance(value, str):
        return f"“{value if len(value) <= _SHOWN else value[:_SHOWN] + '…'}”"
    return "a list" if isinstance(value, list) else "a group of settings"


def listed(names: list[str]) -> str:
    """Write names as people do: “a”, “b” or “c”."""
    quoted = [f"“{name}”" for name in names]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else "".join(quoted)


def mapping(value: object, key: str) -> Mapping[str, Any]:
    """Return a part that is a group of settings, empty where it is none."""
    part = value.get(key) if isinstance(value, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def items(document: object, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield path and content of the well-formed entries of a list."""
    entries = document.get(key) if isinstance(document, Mapping) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, Mapping):
            yield f"{key}[{index}]", entry


def words(value: object) -> str | None:
    """Return the value where it is text."""
    return value if isinstance(value, str) else None


def confidence(value: object) -> float | None:
    """Return the value where it is a number from 0 to 1."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return value
    return None
