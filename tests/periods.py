"""The real log of two periods, dated: the earlier one in January, the later one in June."""

import csv
import gzip
from pathlib import Path
from typing import TYPE_CHECKING

from tests.history import ladder, log

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from usecases.models import UseCase

BOTH = ladder("small", "large")
# Between the two periods, as they are dated here.
SPRING = "2026-03-01T00:00:00Z"


def dated(folder: Path) -> Path:
    """Write the whole log into a file, each request dated by its period; skips the test where there is no log."""
    source = folder / "log.csv"
    with (
        gzip.open(log("clinc150"), "rt", encoding="utf-8", newline="") as stream,
        source.open("w", encoding="utf-8", newline="") as out,
    ):
        rows = csv.DictReader(stream)
        writer = csv.DictWriter(out, [*(rows.fieldnames or ()), "at"])
        writer.writeheader()
        for row in rows:
            month = "01" if row["split"] == "val" else "06"
            writer.writerow(row | {"at": f"2026-{month}-01T12:00:00Z"})
    return source


def imported(use_case: "UseCase", folder: Path, by: "User") -> None:
    """Take both periods into a use case, as one log."""
    from usecases.actions import imports

    imports.run(imports.plan(use_case=use_case, source=dated(folder), by=by))
