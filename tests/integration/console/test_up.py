"""`manage.py up`, as a person starts and ends it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from console.stack import HOST, ROOT
from tests.ports import own_port

pytestmark = pytest.mark.timeout(180)


class Console:
    """A `manage.py up` of the test's own."""

    def __init__(self, data_dir: Path, **environ: str) -> None:
        self.data_dir = data_dir
        self.port = int(environ.pop("PORT", own_port()))
        inherited = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
        }
        self.env = inherited | {"DATA_DIR": str(data_dir), "PORT": str(self.port), **environ}
        self.output = ""
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def stack(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data_dir / "stack.json").read_text())
        return found

    def start(self, command: Sequence[str] = (sys.executable, "manage.py", "up")) -> float:
        """Start it; return the seconds until it printed its last line of welcome."""
        begun = time.monotonic()
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output += line
            if "Stop: " in line:
                self._reader = threading.Thread(target=self._drain, daemon=True)
                self._reader.start()
                return time.monotonic() - begun
        raise AssertionError(f"it ended with {self._process.wait()}:\n{self.output}")

    def run_to_its_end(self) -> int:
        """Start it where it cannot; return its exit code."""
        done = subprocess.run(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.output = done.stdout + done.stderr
        return done.returncode

    def descendants(self) -> list[psutil.Process]:
        assert self._process is not None
        return psutil.Process(self._process.pid).children(recursive=True)

    def end(self, number: int) -> int:
        """Send a signal to the process we started, and to it alone; return its exit code."""
        assert self._process is not None
        assert self._reader is not None
        self._process.send_signal(number)
        code = self._process.wait(timeout=60)
        self._reader.join(timeout=10)
        return code

    def _drain(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.output += line


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="console-up-", ignore_cleanup_errors=True) as folder:
        # Deep enough that no socket could live below it.
        deep = Path(folder) / ("a-folder-with-a-long-name-" * 3) / "data"
        yield deep


def still_there(processes: list[psutil.Process], seconds: float = 0.0) -> list[str]:
    """What is left of some processes after so many seconds; the dead that nobody has fetched do not count."""
    gone_by = time.monotonic() + seconds
    while left := [process for process in processes if _lives(process)]:
        if time.monotonic() >= gone_by:
            return [" ".join(process.cmdline()) for process in left]
        time.sleep(0.1)
    return []


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def passwords(output: str) -> dict[str, str]:
    return dict(re.findall(r"^  (ops|risk|admin) +(\S+)$", output, re.MULTILINE))


def test_first_start_says_where_it_is_and_how_to_sign_in(data_dir: Path) -> None:
    console = Console(data_dir, SAMPLES="1", ASSISTANTS="1")
    console.start()
    family = console.descendants()
    try:
        assert f"ready {console.url}\n" in console.output
        assert set(passwords(console.output)) == {"ops", "risk", "admin"}
        assert httpx.get(f"{console.url}/readyz").status_code == 200
        assert httpx.get(f"{console.url}/healthz").status_code == 200
        pids = console.stack["pids"]
        assert {"postgres", "redis", "web", "worker", "beat", "models", "assistant-1", "traffic"} == set(pids)
        secret_files = [
            *(data_dir / "tokens").iterdir(),
            data_dir / "keys" / "passwords.json",
            data_dir / "stack.json",
        ]
        assert {
            oct(path.stat().st_mode & 0o077) for path in secret_files if path.name != "use_cases.json"
        } == {"0o0"}
        _nothing_secret_in_logs(data_dir, console.output)

        again = Console(data_dir)
        assert again.run_to_its_end() == 2
        assert f"Already running on {data_dir}, at {console.url}." in again.output
    finally:
        assert console.end(signal.SIGINT) == 0
    assert still_there(family) == []
    (data_dir / "first.json").write_text(json.dumps(passwords(console.output)))


def test_second_start_finds_everything_as_it_was_and_ends_with_sigterm(data_dir: Path) -> None:
    console = Console(data_dir, SAMPLES="1", ASSISTANTS="1")
    seconds = console.start()
    family = console.descendants()
    try:
        assert seconds < 20, console.output
        assert passwords(console.output) == json.loads((data_dir / "first.json").read_text())

        worker = psutil.Process(console.stack["pids"]["worker"])
        worker.kill()
        worker.wait(timeout=10)
        _wait_for(lambda: console.stack["pids"]["worker"] != worker.pid, 15)
        assert "worker ended by SIGKILL; it starts again in 1 s" in console.output
        family += console.descendants()
    finally:
        assert console.end(signal.SIGTERM) == 0
    assert still_there(family) == []


def test_a_killed_supervisor_leaves_no_process_behind_and_the_next_start_recovers(data_dir: Path) -> None:
    console = Console(data_dir, SAMPLES="0")
    console.start()
    family = console.descendants()
    console.end(signal.SIGKILL)
    assert still_there(family, seconds=15) == []

    # The next start goes through make, which passes SIGTERM on but not a SIGINT that is sent to it alone.
    makefile = data_dir / "Makefile"
    makefile.write_text(f"up:\n\t@exec {sys.executable} manage.py up\n")
    console = Console(data_dir, SAMPLES="0", ASSISTANTS="0")
    console.start(command=["make", "-f", str(makefile), "up"])
    family = console.descendants()
    console.end(signal.SIGINT)
    assert still_there(family) == []


def test_a_port_in_use_is_named(data_dir: Path) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        console = Console(data_dir / "other", PORT=str(port))
        assert console.run_to_its_end() == 2
    assert f"Port {port} is in use on {HOST}." in console.output


def test_real_servers_take_the_place_of_the_embedded_ones(data_dir: Path) -> None:
    given = os.environ["DATABASE_URL"]
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute("CREATE DATABASE given_to_up")
    database = given.replace("/postgres?", "/given_to_up?")
    here = data_dir / "given"
    console = Console(here, SAMPLES="0", DATABASE_URL=database, REDIS_URL=os.environ["REDIS_URL"])
    console.start()
    try:
        assert set(console.stack["pids"]) == {"web", "worker", "beat"}
        assert console.stack["database_url"] == database
        assert not (here / "postgres").exists()
    finally:
        assert console.end(signal.SIGTERM) == 0


def test_a_database_that_does_not_answer_is_said_to_be_so(data_dir: Path) -> None:
    nowhere = f"postgresql://console:hush@{HOST}:{own_port()}/console"
    console = Console(
        data_dir / "nowhere", DATABASE_URL=nowhere, REDIS_URL=os.environ["REDIS_URL"], SAMPLES="0"
    )
    assert console.run_to_its_end() == 1
    assert "PostgreSQL does not answer; check DATABASE_URL." in console.output
    assert "hush" not in console.output


def _nothing_secret_in_logs(data_dir: Path, output: str) -> None:
    tokens = [path.read_text().strip() for path in (data_dir / "tokens").glob("assistant-*")]
    logs = "".join(path.read_text(errors="replace") for path in (data_dir / "logs").iterdir())
    assert not [secret for secret in [*tokens, *passwords(output).values()] if secret in logs]


def _wait_for(holds: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.1)
