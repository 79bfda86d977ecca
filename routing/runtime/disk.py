"""Writing so that a crash leaves the old file or the new one, never half of one."""

import contextlib
import fcntl
import os
import time
from pathlib import Path


class DirectoryInUse(Exception):
    """Another process works with this cache directory."""


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file's content as one step that survives a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_directory(path.parent)


def set_aside(path: Path) -> None:
    """Rename a file that cannot be used, so that a person can still look at it."""
    with contextlib.suppress(OSError):
        path.replace(path.with_name(f"{path.name}.corrupt-{time.time_ns()}"))


def claim(directory: Path) -> int | None:
    """Take a cache directory for this process until it ends, however it ends.

    Returns the lock's file descriptor, to be kept; None where the directory cannot be written.
    Raises DirectoryInUse: two processes on one spool would deliver under each other's name.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise DirectoryInUse(f"another assistant uses {directory}") from None
    return descriptor


def _sync_directory(directory: Path) -> None:
    # Without this the rename itself may be lost with the power.
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
