"""Decisions as columns in memory: everything that a replay needs, a few bytes a row, never changed once made.

Rows are in the order in which they were given. A model that was never asked, a confidence that nobody reported and a
verdict that nobody gave are three different things, and stay apart. Columns are made in `building`; what is worked out
from them (masks of rules, hash places, replays of the live document) is kept with them in `memory`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from routing.engine.sampling import share
from routing.replay.memory import Memory

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Codes = NDArray[np.unsignedinteger[Any]]

NEVER: Final = 0
ANSWERED: Final = 1
FAILED: Final = 2
UNKNOWN: Final = -1

CENSUS: Final = "census"
AUDIT: Final = "audit"
DESK: Final = "desk"
NO_LABEL: Final = "none"

# A log with more answers than these unjudged is none in which every answer has a verdict.
MOST_UNJUDGED: Final = 0.01

# A byte numbers them, with some room.
MAX_MODELS: Final = 200

# The draws that are worked out when first needed, and kept when rows are added.
DRAWS: Final = ("audit_place", "holdout_place")

_TAKEN_AT_ONCE: Final = 50_000

SIGNALS: Final = ("sensitivity", "retrieval_score", "spent_today_usd", "confidence")
# Those that a threshold looks at.
THRESHOLDS: Final = SIGNALS[:3]
# What an absent signal is stored as: inside of any threshold, since it is not part of the request, and nothing that
# anybody reports. The confidence is different: there is always a band, so an absent one is an unreadable one.
ABSENT: Final[Mapping[str, float]] = {
    "sensitivity": -float(np.finfo(np.float64).max),
    "retrieval_score": float(np.finfo(np.float64).max),
    "spent_today_usd": -1.0,
    "confidence": float("nan"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Many short texts as one run of UTF-8 bytes and the place where each ends."""

    bytes: NDArray[np.uint8]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Texts":
        """Keep texts; lone surrogates are passed through."""
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), dtype=np.int64)
        return cls(np.frombuffer(b"".join(encoded), np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> str:
        start = int(self.ends[index - 1]) if index else 0
        return self.bytes[start : int(self.ends[index])].tobytes().decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        start = 0
        whole = self.bytes.tobytes()
        for end in self.ends.tolist():
            yield whole[start:end].decode("utf-8", "surrogatepass")
            start = end

    def last(self, count: int) -> "Texts":
        """Return the last `count` texts, in memory of their own."""
        cut = len(self.ends) - count
        start = int(self.ends[cut - 1]) if cut else 0
        return Texts(self.bytes[start:].copy(), self.ends[cut:] - start)

    def take(self, rows: NDArray[np.intp]) -> "Texts":
        """Return the texts at these places, in this order, in memory of their own."""
        count = len(self.ends)
        width = int(self.ends[0]) if count else 0
        if np.array_equal(self.ends, np.arange(width, width * count + width, width) if width else []):
            ends = np.arange(width, width * len(rows) + width, width, dtype=np.int64)
            return Texts(self.bytes.reshape(count, width)[rows].reshape(-1), ends)
        starts = np.concatenate([[0], self.ends[:-1]])[rows]
        lengths = self.ends[rows] - starts
        ends = np.cumsum(lengths, dtype=np.int64)
        taken = np.empty(int(ends[-1]) if len(rows) else 0, np.uint8)
        # A place for each byte takes eight times the text, so not for all texts at once.
        for first in range(0, len(rows), _TAKEN_AT_ONCE):
            part = slice(first, first + _TAKEN_AT_ONCE)
            begin = int(ends[first] - lengths[first])
            shift = np.repeat(starts[part] - (ends[part] - lengths[part]), lengths[part])
            taken[begin : begin + len(shift)] = self.bytes[shift + np.arange(begin, begin + len(shift))]
        return Texts(taken, ends)


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A column of few distinct values. `values[0]` is None, a missing one; `codes` point into `values`."""

    codes: Codes
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Numeric:
    """A column of many distinct numbers; NaN is a missing one (a given NaN makes the column a `Coded` one)."""

    values: Floats


Attribute = Coded | Numeric


@dataclass(frozen=True, eq=False)
class ModelColumn:
    """What one model did with each request.

    `asked` is NEVER, ANSWERED or FAILED. `confidence` is NaN where none was usable, `cost_usd` and `latency_ms` are 0
    where it was never asked and NaN where they were not recorded. `correct` is 1, 0 or UNKNOWN.
    """

    asked: NDArray[np.uint8]
    confidence: Floats
    cost_usd: Floats
    latency_ms: NDArray[np.float32]
    correct: NDArray[np.int8]

    @cached_property
    def always(self) -> bool:
        """Tell whether the model answered every request."""
        return bool((self.asked == ANSWERED).all())

    @cached_property
    def failed(self) -> bool:
        """Tell whether the model ever gave no answer."""
        return bool((self.asked == FAILED).any())

    @cached_property
    def sure(self) -> bool:
        """Tell whether a confidence is there for every request."""
        return not bool(np.isnan(self.confidence).any())

    @cached_property
    def priced(self) -> bool:
        """Tell whether every cost was recorded."""
        return not bool(np.isnan(self.cost_usd).any())

    @cached_property
    def timed(self) -> bool:
        """Tell whether every latency was recorded."""
        return not bool(np.isnan(self.latency_ms).any())

    @cached_property
    def highest_cost(self) -> float:
        """Return the highest known cost, in dollars."""
        return float(np.nanmax(self.cost_usd, initial=0.0))

    @cached_property
    def highest_latency(self) -> float:
        """Return the longest known latency, in milliseconds."""
        return float(np.nanmax(self.latency_ms, initial=0.0))


@dataclass(frozen=True, slots=True)
class Stratum:
    """Rows whose labels came about in one way.

    `census`: every model's verdict is known. `audit`: answered, and audited with probability `share`. `desk`: sent to
    people, whose verdicts are labels of such rows only. `none`: answered and never audited; no label counts.
    """

    kind: str
    share: float = 0.0


@dataclass(frozen=True, eq=False)
class Columns:
    """Decisions as columns. `at` is in milliseconds since 1970; all arrays have one entry a decision.

    `recorded` points into `names`, one more than the model whose answer stood (0: none). `audited` is whether the
    answer went to a person at random. `source` is where the recorded confidence came from. `closed` where only some
    attributes were wanted, so that newer rows bring no others.
    """

    ids: Texts
    request_ids: Texts
    at: NDArray[np.int64]
    names: tuple[str, ...]
    models: Mapping[str, ModelColumn]
    attributes: Mapping[str, Attribute]
    signals: Mapping[str, Floats]
    source: Coded
    recorded: NDArray[np.uint8]
    audited: Mask
    stratum: NDArray[np.uint16]
    strata: tuple[Stratum, ...]
    closed: bool = False
    memory: Memory = field(default_factory=Memory)

    def __len__(self) -> int:
        return len(self.at)

    @cached_property
    def audit_place(self) -> Floats:
        """Return each request's place in the audit draw; NaN where its id allows none."""
        return self._places("audit")

    @cached_property
    def holdout_place(self) -> Floats:
        """Return each request's place in the holdout draw; NaN where its id allows none."""
        return self._places("holdout")

    def _places(self, salt: str) -> Floats:
        nothing = float("nan")
        places = (share(text, salt) if text else nothing for text in self.request_ids)
        return np.fromiter(places, np.float64, len(self))

    @cached_property
    def strata_counts(self) -> Mapping[Stratum, int]:
        """Return how many decisions each stratum has; those that are in none are left out."""
        counts = np.bincount(self.stratum, minlength=len(self.strata)).tolist()
        return {stratum: count for stratum, count in zip(self.strata, counts, strict=True) if count}

    @cached_property
    def ids_digest(self) -> str:
        """Return the SHA-256 of all decision ids, in order: what a stored result was computed from."""
        digest = sha256(self.ids.ends.astype("<i8").tobytes())
        digest.update(self.ids.bytes.tobytes())
        return digest.hexdigest()

    @cached_property
    def hours(self) -> NDArray[np.uint8]:
        """Return the hour of the day (UTC) of each decision."""
        return ((self.at // 3_600_000) % 24).astype(np.uint8)

    @property
    def days(self) -> float:
        """Return how many days the decisions span, at least one hour of one."""
        if not len(self):
            return 0.0
        return max(float(self.at.max() - self.at.min()) / 86_400_000, 1 / 24)

    @property
    def bytes(self) -> int:
        """Return the size of all arrays, without what is kept in `memory`."""
        return sum(array.nbytes for array in _arrays(self))

    def signal_share(self, name: str) -> float:
        """Return for which share of decisions it is known what was reported as one of `THRESHOLDS`; 1 for no decision.

        Where what was spent on the day is recorded, an assistant recorded all that it was given: what is missing
        there was not reported. For the others a threshold on this signal is not knowable from history.
        """
        known = np.zeros(len(self), np.bool_)
        for signal in (name, "spent_today_usd"):
            if signal in self.signals:
                known |= self.signals[signal] != ABSENT[signal]
        return float(np.count_nonzero(known)) / len(self) if len(self) else 1.0

    def last(self, count: int) -> "Columns":
        """Return the last `count` decisions as columns of their own."""
        if count >= len(self):
            return self
        cut = slice(len(self) - count, None)
        kept = replace(
            self,
            ids=self.ids.last(count),
            request_ids=self.request_ids.last(count),
            at=self.at[cut].copy(),
            models={name: _cut_model(model, cut) for name, model in self.models.items()},
            attributes={name: _cut(column, cut) for name, column in self.attributes.items()},
            signals={name: values[cut].copy() for name, values in self.signals.items()},
            source=Coded(self.source.codes[cut].copy(), self.source.values),
            recorded=self.recorded[cut].copy(),
            audited=self.audited[cut].copy(),
            stratum=self.stratum[cut].copy(),
            memory=Memory(),
        )
        for name, places in self.drawn().items():
            kept.keep_drawn(name, places[cut].copy())
        return kept

    def drawn(self) -> dict[str, Floats]:
        """Return the draws that were already worked out, by name."""
        return {name: self.__dict__[name] for name in DRAWS if name in self.__dict__}

    def keep_drawn(self, name: str, places: Floats) -> None:
        """Keep a draw that was worked out elsewhere: a million hashes take a second."""
        self.__dict__[name] = places


def throughout(chosen: Mask, among: Mask) -> bool:
    """Tell whether, from the first chosen row to the last, nearly all of `among` are chosen.

    Where only some answers of a log have a verdict, somebody picked them: the doubtful ones, or the complaints.
    """
    places = np.flatnonzero(chosen)
    if not len(places):
        return True
    inside = int(np.count_nonzero(among[places[0] : places[-1] + 1]))
    return inside - len(places) <= MOST_UNJUDGED * inside


def _cut(column: Attribute, cut: slice) -> Attribute:
    if isinstance(column, Numeric):
        return Numeric(column.values[cut].copy())
    return Coded(column.codes[cut].copy(), column.values)


def _cut_model(model: ModelColumn, cut: slice) -> ModelColumn:
    return ModelColumn(*(getattr(model, part.name)[cut].copy() for part in fields(ModelColumn)))


def _arrays(columns: Columns) -> Iterator[NDArray[Any]]:
    """Yield every array that a decision takes space in."""
    for texts in {id(t): t for t in (columns.ids, columns.request_ids)}.values():
        yield from (texts.bytes, texts.ends)
    for model in columns.models.values():
        yield from (getattr(model, part.name) for part in fields(ModelColumn))
    for column in columns.attributes.values():
        yield column.values if isinstance(column, Numeric) else column.codes
    yield from columns.signals.values()
    yield from (columns.at, columns.source.codes, columns.recorded, columns.audited, columns.stratum)


def select(columns: Columns, rows: NDArray[np.intp]) -> Columns:
    """Return the decisions at these places, in this order, as columns of their own."""

    def attribute(column: Attribute) -> Attribute:
        if isinstance(column, Numeric):
            return Numeric(column.values[rows])
        return Coded(column.codes[rows], column.values)

    return replace(
        columns,
        ids=columns.ids.take(rows),
        request_ids=columns.request_ids.take(rows),
        at=columns.at[rows],
        models={
            name: ModelColumn(*(getattr(model, part.name)[rows] for part in fields(ModelColumn)))
            for name, model in columns.models.items()
        },
        attributes={name: attribute(column) for name, column in columns.attributes.items()},
        signals={name: values[rows] for name, values in columns.signals.items()},
        source=Coded(columns.source.codes[rows], columns.source.values),
        recorded=columns.recorded[rows],
        audited=columns.audited[rows],
        stratum=columns.stratum[rows],
        memory=Memory(),
    )
