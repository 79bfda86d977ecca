"""Real decision logs, where this machine has them: beside the repository, or where SHARED_DATA says."""

import csv
import gzip
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from routing.replay.columns import Coded, Columns, select
from routing.replay.wide import read_wide

ROOT = Path(__file__).resolve().parents[4]


def there(name: str) -> Path | None:
    """Return a file of the real data; None where it is missing."""
    found = Path(os.environ.get("SHARED_DATA") or ROOT.parent / "shared" / "data") / name
    return found if found.exists() else None


def path(name: str) -> Path:
    """Return a file of the real data; skips the test where it is missing."""
    found = there(name)
    if found is None:
        pytest.skip(f"no real data here: {name} is looked for beside the repository, or in SHARED_DATA")
    return found


@cache
def decisions(folder: str, *attributes: str) -> Columns:
    """Return a log as columns."""
    return read_wide(path(f"{folder}/decisions.csv.gz"), attributes=attributes or None)


def published(name: str) -> list[dict[str, str]]:
    """Return the rows of a published table."""
    with gzip.open(path(name), "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def where(columns: Columns, **wanted: object) -> Columns:
    """Return the decisions whose attributes have these values."""
    chosen = np.ones(len(columns), np.bool_)
    for name, value in wanted.items():
        column = columns.attributes[name]
        assert isinstance(column, Coded)
        chosen &= column.codes == column.values.index(value)
    return select(columns, np.flatnonzero(chosen))


def cascade(*rungs: tuple[str, float], source: str = "logprobs") -> dict[str, Any]:
    """Return a document that answers everything, with this ladder."""
    return {
        "schema": 1,
        "models": [{"name": name, "litellm": f"openai/{name}"} for name, _ in rungs],
        "confidence": {"source": source},
        "bands": [{"name": "answer", "from": 0.0, "action": "answer"}],
        "ladder": [{"model": name, "accept_from": accept_from} for name, accept_from in rungs],
        "messages": {"answer": "Here you are."},
    }
