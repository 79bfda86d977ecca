"""What can be wrong with a log: with the whole file, or with one of its rows."""

from collections.abc import Sequence
from dataclasses import dataclass


class Unusable(Exception):
    """A file that cannot be taken at all; `faults` says everything that is wrong, one sentence each."""

    def __init__(self, message: str, faults: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.faults = list(faults) or [message]


class BadCell(ValueError):
    """A value that does not fit its field; the message says what is wrong and what would be right."""


class BadRow(ValueError):
    """A row that cannot be taken, by the field that is at fault."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused row: the line of the file where it starts, the field at fault (empty: the row as a whole), why."""

    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        where = f"line {self.line}, {self.field}" if self.field else f"line {self.line}"
        return f"{where}: {self.reason}"
