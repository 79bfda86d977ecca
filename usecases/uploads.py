"""Uploaded decision logs as files: where they lie, how large one may be, their first lines.

`UUID` is the file as it came, `UUID.head` its first lines unpacked, `UUID.RUN.refused` the rows that a run refused. The
folder is the operator's own (0700), each file 0600: a log holds what customers wrote.
"""

import os
import shutil
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO, Final
from uuid import UUID

from django.conf import settings

from routing.imports.faults import Unusable
from routing.imports.files import LONGEST_LINE, Survey, form_of, opened
from usecases.models import Upload

KEPT: Final = timedelta(days=1)
REFUSED_KEPT: Final = timedelta(days=30)
# A body is spooled, then its file is written out of it; and a full disk would stop the database too.
COPIES: Final = 2
LEFT_FREE: Final = 1 << 30


def folder() -> Path:
    """Return the folder of uploads, made where there is none."""
    found = Path(settings.UPLOADS)
    found.mkdir(parents=True, exist_ok=True, mode=0o700)
    return found


def log_of(pk: UUID) -> Path:
    return folder() / str(pk)


def head_of(pk: UUID) -> Path:
    return folder() / f"{pk}.head"


def refused_of(upload: Upload) -> Path:
    return folder() / f"{upload.pk}.{upload.run}.refused"


def limit() -> int:
    """Return how many bytes a file may have now: what the settings allow, less where the disk is nearly full."""
    free = shutil.disk_usage(folder()).free
    return max(0, min(int(settings.UPLOAD_MAX_BYTES), (free - LEFT_FREE) // COPIES))


def too_large(most: int) -> str:
    """Say how large a file may be."""
    words = f"A file may be {size_words(most)} at most here."
    if most < settings.UPLOAD_MAX_BYTES:
        words += " The disk is nearly full."
    return f"{words} Pack it with gzip, send it in parts, or use manage.py import_decisions."


def size_words(size: int) -> str:
    """1536 → 1.5 KiB."""
    if size < 1024:
        return f"{size} bytes"
    power = min(3, (size.bit_length() - 1) // 10)
    return f"{size / 1024**power:.1f}".removesuffix(".0") + f" {('KiB', 'MiB', 'GiB')[power - 1]}"


def take(source: Path, pk: UUID) -> None:
    """Move a file that has just come to its place; a rename where it is on the same disk."""
    os.chmod(source, 0o600)  # noqa: PTH101 - a temporary file's wrapper has no chmod
    shutil.move(source, log_of(pk))


def take_head(source: Path, pk: UUID, name: str) -> None:
    """Write a file's first lines beside it, so that a look at its columns never reads gigabytes.

    Raises `Unusable` where there is no line to look at.
    """
    try:
        with opened(source) as stream:
            head = stream.read(LONGEST_LINE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Unusable(f"{name} cannot be read: {error}") from None
    if not head.strip():
        raise Unusable("The file is empty.")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head[:4]:
        raise Unusable("The file is not UTF-8 text.")
    if len(head) > LONGEST_LINE:
        end = head.rfind(b"\n")
        if end < 0:
            raise Unusable(f"Line 1 is longer than {LONGEST_LINE >> 20} MiB.")
        head = head[: end + 1]
    with private(head_of(pk)) as file:
        file.write(head)


def private(path: Path) -> IO[bytes]:
    """Open a file to write that only this account can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def head_survey(upload: Upload) -> Survey:
    """Return the first lines of an upload as something to read; `Unusable` where they are gone."""
    path = head_of(upload.pk)
    if not path.exists():
        raise Unusable("The file is not there any more. Upload it again.")
    return Survey(path, form_of(upload.name), "", upload.lines)


def is_there(upload: Upload) -> bool:
    """Say whether the file itself is still kept."""
    return log_of(upload.pk).exists()


def remove(pk: UUID) -> None:
    """Delete an upload's file; what was refused of it stays."""
    for path in (log_of(pk), head_of(pk)):
        path.unlink(missing_ok=True)


def remove_refused(pk: UUID, *, but: UUID | None = None) -> None:
    """Delete what runs refused, except one run's."""
    for path in folder().glob(f"{pk}.*.refused"):
        if but is None or path.name != f"{pk}.{but}.refused":
            path.unlink(missing_ok=True)


def all_files() -> Iterator[Path]:
    """Yield everything in the folder, leftovers of cut-off requests included."""
    yield from (path for path in folder().iterdir() if path.is_file())
