"""The zip as a container: opened only where it holds nothing that could deceive or overwhelm whoever reads it."""

import json
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from audit.pack.faults import Faults, Wrong

MOST_FILES: Final = 20_000
MOST_BYTES: Final = 1 << 30  # unpacked, all files together
MOST_READ_WHOLE: Final = 64 << 20
MOST_OF_A_LINE: Final = 16 << 20
RATIO: Final = 200  # what is packed tighter, from this size on, was made to overwhelm
FROM: Final = 1 << 20
BLOCK: Final = 1 << 20
ENCRYPTED: Final = 0x1
LOCAL: Final = struct.Struct("<4s22xHH")  # signature, length of name and extra field of a local header
END: Final = 22  # bytes of the end record, which has no comment
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
BROKEN: Final = (
    zipfile.BadZipFile,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
    zlib.error,
    struct.error,
)


class Container:
    """The files of an opened pack. Reading raises Wrong where a file is missing, broken or too large."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self.names = sorted(info.filename for info in file.infolist())

    def blocks(self, name: str) -> Iterator[bytes]:
        """Return a file in pieces."""
        try:
            with self._file.open(name) as stream:
                while block := stream.read(BLOCK):
                    yield block
        except KeyError:
            raise Wrong("is missing") from None
        except BROKEN as error:
            raise Wrong(f"cannot be unpacked: {error}") from error

    def measure(self, name: str) -> tuple[int, str]:
        """Return size and SHA-256 of a file."""
        size, found = 0, sha256()
        for block in self.blocks(name):
            size += len(block)
            found.update(block)
        return size, found.hexdigest()

    def read(self, name: str) -> bytes:
        """Return a file as a whole."""
        if name in self.names and self._file.getinfo(name).file_size > MOST_READ_WHOLE:
            raise Wrong("is too large to be read")
        return b"".join(self.blocks(name))

    def json(self, name: str) -> Any:
        """Return what a JSON file says."""
        return loads(self.read(name))

    def lines(self, name: str) -> Iterator[bytes]:
        """Return the lines of a file; the last one has to end as well."""
        rest = b""
        for block in self.blocks(name):
            *whole, rest = (rest + block).split(b"\n")
            yield from whole
            if len(rest) > MOST_OF_A_LINE:
                raise Wrong("has a line that is too long")
        if rest:
            raise Wrong("its last line does not end")


def loads(text: bytes) -> Any:
    """Read JSON in which every key stands once: else two readers could read two things."""
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Wrong("a key stands twice")
    return found


def _no_number(text: str) -> Any:
    raise Wrong(f"{text} is no JSON")


def opened(file: Path, faults: Faults) -> zipfile.ZipFile | None:
    """Open a pack; None where it is no zip that may be looked into, and then the faults say why."""
    try:
        found = zipfile.ZipFile(file)
        before = len(faults.found)
        _check_whole(found, faults)
        for info in found.infolist()[:MOST_FILES]:
            _check_entry(info, faults)
        if len(faults.found) == before:
            _check_nothing_between(file, found, faults)
    except BROKEN as error:
        faults.add("", f"the zip cannot be read: {error}")
        return None
    if len(faults.found) > before:
        found.close()
        return None
    return found


def _check_whole(found: zipfile.ZipFile, faults: Faults) -> None:
    entries = found.infolist()
    if found.comment:
        faults.add("", "the zip carries a comment, which nothing signs")
    if len(entries) > MOST_FILES:
        faults.add("", f"the zip holds {len(entries)} files; a pack holds {MOST_FILES} at most")
    if (size := sum(info.file_size for info in entries)) > MOST_BYTES:
        faults.add("", f"the zip would unpack to {size} bytes; a pack has {MOST_BYTES} at most")
    seen: set[str] = set()
    for info in entries:
        if (name := info.filename.lower()) in seen:
            faults.add(info.filename, "stands in the zip twice")
        seen.add(name)


def _check_entry(info: zipfile.ZipInfo, faults: Faults) -> None:
    name = info.filename
    if info.orig_filename != name or not _NAME.fullmatch(name):
        faults.add(info.orig_filename, "is no name of a file in a pack: it could be written elsewhere")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        faults.add(name, "is no plain file: unpacked, it could lead elsewhere")
    if info.flag_bits & ENCRYPTED:
        faults.add(name, "is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        faults.add(name, f"is packed in a way that packs are not ({info.compress_type})")
    if info.file_size > FROM and info.file_size > RATIO * max(info.compress_size, 1):
        faults.add(name, f"unpacks {info.compress_size} bytes to {info.file_size}: made to overwhelm")


def _check_nothing_between(file: Path, found: zipfile.ZipFile, faults: Faults) -> None:
    """Account for every byte: entries one after the other, the directory, the end. Local names are the directory's."""
    at = 0
    with file.open("rb") as raw:
        for info in sorted(found.infolist(), key=lambda one: one.header_offset):
            raw.seek(info.header_offset)
            signature, named, extra = LOCAL.unpack(raw.read(LOCAL.size))
            if info.header_offset != at or signature != b"PK\x03\x04" or extra or info.extra or info.comment:
                faults.add(info.filename, "the zip holds bytes beside its files, which nothing signs")
                return
            if raw.read(named) != info.filename.encode():
                faults.add(
                    info.filename, "has another name in front of its bytes than in the zip's directory"
                )
                return
            at += LOCAL.size + named + info.compress_size
        if found.start_dir != at or raw.seek(0, 2) != found.start_dir + _directory(found) + END:
            faults.add("", "the zip holds bytes beside its files, which nothing signs")


def _directory(found: zipfile.ZipFile) -> int:
    """Return the bytes of the zip's directory, whose entries have neither extra field nor comment."""
    return sum(46 + len(info.filename.encode()) for info in found.infolist())
