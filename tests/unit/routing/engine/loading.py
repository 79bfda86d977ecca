"""Documents and golden cases, read from the files beside this module."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def document(name: str, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a shared document, with changes merged into its groups; lists are replaced whole."""
    loaded: dict[str, Any] = json.loads((HERE / "documents" / f"{name}.json").read_text("utf-8"))
    return merged(loaded, changes or {})


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of `base` with `changes` laid over it."""
    result = dict(base)
    for key, value in changes.items():
        inside = base.get(key)
        result[key] = merged(inside, value) if isinstance(value, dict) and isinstance(inside, dict) else value
    return result


def cases() -> dict[str, dict[str, Any]]:
    """Return every golden case by the name of its file."""
    return {
        path.stem: json.loads(path.read_text("utf-8")) for path in sorted((HERE / "cases").glob("*.json"))
    }
