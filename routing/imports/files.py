"""Files of a log: plain or gzip, surveyed once before anything is taken, then read line by line."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, Final, cast

from routing.imports.faults import Unusable

LONGEST_LINE: Final = 4 << 20
# A few megabytes of gzip may hold terabytes: nobody should wait behind the reading of those.
MOST_UNPACKED: Final = 64 << 30
MOST_LINES: Final = 100_000_000
_CHUNK: Final = 1 << 20
_FORMS = (".csv", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Survey:
    """A file that can be read to its end: `csv` or `jsonl`, its SHA-256 as it lies on disk, and its lines."""

    path: Path
    form: str
    digest: str
    lines: int


def form_of(name: str) -> str:
    """Return `csv` or `jsonl` by a file's name. Raises `Unusable` for any other."""
    plain = name.lower().removesuffix(".gz")
    for ending in _FORMS:
        if plain.endswith(ending):
            return "csv" if ending == ".csv" else "jsonl"
    raise Unusable(f"“{name}” is neither .csv nor .jsonl, plain or with .gz at the end.")


def survey(path: Path, name: str = "") -> Survey:
    """Read a file once to its end: nothing of it is taken if it is cut off, not text, or has no end to a line.

    `name` is the name it was given under, where it lies under another one.
    """
    form = form_of(name or path.name)
    try:
        with path.open("rb") as raw:
            digest = hashlib.file_digest(raw, "sha256").hexdigest()
        with opened(path) as stream:
            lines = _count(stream)
    except (OSError, EOFError, zlib.error) as error:
        raise Unusable(f"{name or path.name} cannot be read: {error}") from None
    return Survey(path, form, digest, lines)


def opened(path: Path) -> IO[bytes]:
    """Open a file for its text's bytes; gzip is told by its first bytes, whatever the name says."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def _count(stream: IO[bytes]) -> int:
    lines, length, size, last = 0, 0, 0, b"\n"
    first, packed = True, isinstance(stream, gzip.GzipFile)
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if packed and size > MOST_UNPACKED:
            raise Unusable(f"Unpacked, the file is larger than {MOST_UNPACKED >> 30} GiB. Give it in parts.")
        if first and (chunk[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in chunk[:4]):
            raise Unusable("The file is not UTF-8 text.")
        first = False
        lines += chunk.count(b"\n")
        end = chunk.rfind(b"\n")
        length = length + len(chunk) if end < 0 else len(chunk) - end - 1
        if lines > MOST_LINES:
            raise Unusable(f"The file has more than {MOST_LINES:,} lines. Give it in parts.")
        if length > LONGEST_LINE:
            raise Unusable(f"Line {lines + 1} is longer than {LONGEST_LINE >> 20} MiB.")
        last = chunk[-1:]
    return lines + (last != b"\n")


def byte_lines(path: Path) -> Iterator[bytes]:
    """Yield a file's lines; a byte-order mark is left out."""
    with opened(path) as stream:
        for number, line in enumerate(stream):
            yield line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line


class TextLines(Iterator[str]):
    """A file's lines for a CSV reader, which joins those of a quoted cell.

    Bytes that are not UTF-8 pass through as lone surrogates, so that one of them costs its row and not the file;
    `foreign` says that the present row has some. `number` is the line that was read last.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        wrapped: Any = TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._lines: Iterator[str] = wrapped
        self._again: list[str] = []
        self._row: list[str] = []
        self.number = 0
        self.foreign = False

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._lines)
        self._row.append(line)
        self.number += 1
        if not line.isascii() and not self.foreign:
            self.foreign = _has_surrogates(line)
        return line

    def begin(self) -> int:
        """Forget the row before; return the line on which the next one starts."""
        self._row.clear()
        self.foreign = False
        return self.number + 1

    def give_back(self) -> None:
        """Read all lines of the present row but its first once more: its quotes were not to be trusted."""
        self._again.extend(reversed(self._row[1:]))
        self.number -= max(0, len(self._row) - 1)


def _has_surrogates(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return True
    return False
