"""Decision logs as a company might have them: made up, as long as a test wants, with the rows that always go wrong."""

import csv
import gzip
import io
import random
from collections.abc import Sequence
from pathlib import Path

# Line and field of each bad row, and how its reason begins; a log with a header has its first row on line 2.
REFUSED = [
    (12, "small__confidence", "“high” is not a number."),
    (22, "request_id", "is missing."),
    (32, "request_id", "is on line 7 already"),
    (42, "at", "“yesterday” is not a time"),
]


def written(
    path: Path,
    rows: int = 60,
    *,
    bad: bool = True,
    models: Sequence[str] = ("small", "large"),
    text: str = "text",
) -> Path:
    """Write a log of so many requests; `bad`: four of its rows cannot be taken. Packed where its name says so."""
    chance = random.Random(7)
    measures = ("confidence", "correct", "cost_usd", "latency_ms")
    file = io.StringIO(newline="")
    out = csv.writer(file)
    out.writerow(
        ["request_id", text, "at", "topic", *(f"{model}__{m}" for model in models for m in measures)]
    )
    for number in range(rows):
        row: list[object] = [f"r-{number:06d}", f"A pipe burst in my kitchen, claim {number}"]
        row += [f"2026-11-{1 + number % 20:02d}T{number % 24:02d}:00:00Z", chance.choice(["water", "fire"])]
        for place, _ in enumerate(models):
            sure = round(chance.betavariate(5, 1.5 - 0.3 * place), 4)
            row += [sure, int(chance.random() < sure), 0.001 * 10**place, 300 + 500 * place]
        if bad:
            _spoil(number, row)
        out.writerow(row)
    content = file.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def _spoil(number: int, row: list[object]) -> None:
    if number == 10:
        row[4] = "high"
    elif number == 20:
        row[0] = ""
    elif number == 30:
        row[0] = "r-000005"
    elif number == 40:
        row[2] = "yesterday"
