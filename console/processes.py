"""One child process: how it starts, when it is ready, how it ends. Which ones there are is in `console.stack`.

Plain standard library, so that the supervisor stays small. Start processes from a thread that outlives them:
on Linux the kernel ends a child when the thread that started it ends.
"""

import ctypes
import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

LOG_BYTES = 5 * 1024 * 1024
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class StartFailed(Exception):
    """A process ended before it was ready, or was not ready in time. The text is meant for the operator."""


def nothing() -> None:
    """Need nothing first."""


def always() -> bool:
    """Ready as soon as it runs."""
    return True


@dataclass(frozen=True)
class Program:
    """What to run. `env` is the whole environment; `argv` holds no secret, since every account can read it."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    ready: Callable[[], bool] = always
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    user: int | None = None
    before: Callable[[], None] = nothing  # what each start needs first


class Process:
    """A program that was started, may have ended, and may be started again."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.started_at = 0.0
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def pid(self) -> int:
        """Its process id; 0 when it was never started."""
        return self._popen.pid if self._popen else 0

    def start(self) -> None:
        """Run the program in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        program = self.program
        program.before()
        program.log.parent.mkdir(parents=True, exist_ok=True)
        group = program.user if program.user is None else _group_of(program.user)
        with program.log.open("ab") as log:
            self._popen = subprocess.Popen(
                program.argv,
                env=dict(program.env),
                cwd=program.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=program.user,
                group=group,
                extra_groups=None if group is None else [],
                preexec_fn=_die_with(os.getpid(), program.stop_signal) if _LIBC else None,
            )
        self.started_at = time.monotonic()

    def exit_code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._popen.poll() if self._popen else -1

    def alive(self) -> bool:
        return self.exit_code() is None

    def send(self, number: int) -> None:
        """Send a signal; a process that has ended is left alone."""
        if self._popen and self.alive():
            self._popen.send_signal(number)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it with `number` and wait until it is gone."""
        self.send(number)
        if self._popen:
            self._popen.wait(timeout=30)

    def wait(self, seconds: float) -> int:
        """Wait until it has ended; return its exit code."""
        return self._popen.wait(timeout=seconds) if self._popen else -1

    def stop(self) -> None:
        """Ask it to end; after its grace, end it and whatever it started."""
        stop([self])

    def end_group(self) -> None:
        """Kill everything in its session."""
        if self._popen:
            try:
                os.killpg(self._popen.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                return
            self._popen.wait(timeout=30)

    def wait_ready(self, seconds: float = 60.0) -> None:
        """Return once it is ready; raise `StartFailed` when it ends before, or takes longer than `seconds`."""
        wait_ready([self], seconds)

    def tail(self, lines: int = 20) -> str:
        """The last lines of its log."""
        try:
            with self.program.log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 16_384))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def rotate_log(self) -> None:
        """Keep the log within bounds: one old file, one current.

        Copied and cut, not renamed: the child holds the file open in append mode and goes on at its new end.
        """
        log = self.program.log
        try:
            if log.stat().st_size > LOG_BYTES:
                shutil.copyfile(log, log.with_name(log.name + ".1"))
                os.truncate(log, 0)
        except OSError:
            return


def wait_ready(
    processes: Iterable[Process], seconds: float, idle: Callable[[float], None] = time.sleep
) -> None:
    """Wait until all are ready, whichever order they come in; `idle` is what to do between two looks."""
    waiting, deadline = list(processes), time.monotonic() + seconds
    while waiting:
        for process in list(waiting):
            if not process.alive():
                raise StartFailed(
                    f"{process.name} {ending(process)} while starting.\n{process.tail()}".rstrip()
                )
            if process.program.ready():
                waiting.remove(process)
        if waiting and time.monotonic() > deadline:
            names = ", ".join(process.name for process in waiting)
            raise StartFailed(f"Not ready after {seconds:.0f} s: {names}.\n{waiting[0].tail()}".rstrip())
        if waiting:
            idle(0.1)


def stop(processes: Iterable[Process]) -> None:
    """End all at the same time, each within its own grace."""
    running = [process for process in processes if process.alive()]
    for process in running:
        process.send(process.program.stop_signal)
    begun = time.monotonic()
    while any(process.alive() for process in running):
        for process in running:
            if time.monotonic() - begun > process.program.grace:
                process.end_group()
        time.sleep(0.02)


def ending(process: Process) -> str:
    """How it ended, in words."""
    code = process.exit_code()
    if code is None:
        return "still runs"
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def answers(host: str, port: int, path: str) -> bool:
    """Tell whether a GET of `path` is answered with 200 within a second."""
    connection = http.client.HTTPConnection(host, port, timeout=1.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _group_of(user: int) -> int:
    """The first group of a system account."""
    import pwd

    return pwd.getpwuid(user).pw_gid


def _die_with(parent: int, number: int) -> Callable[[], None]:
    """What a child does between fork and exec: arrange that it ends with its supervisor, kill -9 included."""

    def arrange() -> None:
        assert _LIBC is not None
        _LIBC.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # the supervisor died before the line above
            os._exit(1)

    return arrange
