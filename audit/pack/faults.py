"""What is wrong with a pack: in which file, and why. So many of one file, then only how many more."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from audit.canonical import NotCanonical
from audit.merkle import ProofRefused

MOST_OF_ONE_FILE: Final = 20
# What reading a file that is not as it should be may raise.
UNREADABLE: Final = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    RecursionError,
    NotCanonical,
    ProofRefused,
)


class Wrong(ValueError):
    """A file of a pack is not as it should be; says why in words."""


class Fault(NamedTuple):
    """One thing that is wrong; `file` as in the zip, empty for the zip itself."""

    file: str
    reason: str


@dataclass
class Faults:
    """All that is wrong, in the order in which it was found, and what is merely to be known."""

    found: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _counted: Counter[str] = field(default_factory=Counter)

    def add(self, file: str, reason: str) -> None:
        if Fault(file, reason) in self.found:
            return
        self._counted[file] += 1
        if self._counted[file] <= MOST_OF_ONE_FILE:
            self.found.append(Fault(file, reason))

    def told(self) -> Iterator[Fault]:
        """Return what was found, and how much more there was."""
        yield from self.found
        for file, count in self._counted.items():
            if count > MOST_OF_ONE_FILE:
                yield Fault(file, f"and {count - MOST_OF_ONE_FILE} more")

    @contextmanager
    def reading(self, file: str) -> Iterator[None]:
        """Name a file that cannot be made sense of, and go on."""
        try:
            yield
        except Wrong as error:
            self.add(file, str(error)[:300])
        except UNREADABLE as error:
            self.add(file, f"is not as it should be: {type(error).__name__} {error}"[:300])
