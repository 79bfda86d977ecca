"""Starts every process of one installation, keeps them running, ends them all: what `manage.py up` becomes.

Loads no Django: it stays small, and lives on when the code it starts does not load.

1. take the data folder's lock, refuse a port in use, end what a killed supervisor has left
2. PostgreSQL, Redis, models; then one Django process that prepares the database
3. web, worker, beat and assistants, all at once; `ready` once each has answered
4. watch: start again what ends; on SIGINT, SIGTERM or the end of `make`, stop everything
"""

import argparse
import fcntl
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import NoReturn

from console.embedded import Postgres, Redis, socket_folder
from console.processes import Process, Program, StartFailed, ending, stop, wait_ready
from console.stack import HOST, Installation, StackFile, free_port, models_env

START_SECONDS = 120.0
SETTLED_SECONDS = 60.0
SLOWEST_RESTART = 30.0


class Refused(Exception):
    """It cannot start here. The text is one sentence for the operator."""


class Interrupted(Exception):
    """The operator wants it to end."""


@dataclass(frozen=True)
class Plan:
    """What the operator asked for."""

    data_dir: Path
    port: int
    assistants: int
    samples: bool
    traffic: bool
    embedded_database: bool
    embedded_redis: bool


@dataclass
class Restart:
    """When a process that ended starts again."""

    delay: float = 1.0
    at: float = 0.0


class Wake:
    """Signals, as something to wait for: the loop sleeps without polling and still reacts at once."""

    def __init__(self) -> None:
        self.asked_to_stop = False
        self._parent = os.getppid() if _is_make(os.getppid()) else 0
        self._reader, writer = socket.socketpair()
        for end in (self._reader, writer):
            end.setblocking(False)
        self._writer = writer
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def sleep(self, seconds: float) -> None:
        """Sleep until a signal comes; raise `Interrupted` when it is time to end."""
        if select.select([self._reader], [], [], seconds)[0]:
            self._reader.recv(4096)
        if self.asked_to_stop or (self._parent and _make_gave_up(self._parent)):
            raise Interrupted

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.asked_to_stop = True


class Supervisor:
    """Runs one plan. Every process is started from the main thread, whose end would end them."""

    def __init__(self, plan: Plan, environ: Mapping[str, str]) -> None:
        self.plan = plan
        self.file = StackFile(plan.data_dir)
        self.processes: list[Process] = []
        self.restarts: dict[str, Restart] = {}
        self.here = Installation(plan.data_dir, plan.port, "", "", environ)
        self.wake = Wake()
        self._sockets: Path | None = None
        self._lock: TextIOWrapper | None = None

    def run(self) -> int:
        """Return the exit code: 0 after a wished end, 1 when the start failed, 2 when it was refused."""
        try:
            self._claim()
        except Refused as refused:
            say(str(refused))
            return 2
        try:
            self._start()
            self._watch()
        except Interrupted:
            say("\nStopping.")
            return 0
        except StartFailed as failed:
            say(f"Did not start: {failed}\nLogs are in {self.here.log('web').parent}")
            return 1
        finally:
            self._stop_all()

    # Start

    def _claim(self) -> None:
        """Make sure that this data folder and this port are ours alone."""
        self.plan.data_dir.mkdir(parents=True, exist_ok=True)
        self._lock = (self.plan.data_dir / "supervisor.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            other = self.file.read().get("port", "its port")
            raise Refused(
                f"Already running on {self.plan.data_dir}, at http://{HOST}:{other}. "
                "Stop it first, or give this one its own DATA_DIR and PORT."
            ) from None
        end_leftovers(self.file)
        if free_port(self.plan.port) != self.plan.port:
            raise Refused(
                f"Port {self.plan.port} is in use on {HOST}. Free it, or choose one: PORT=8080 make up"
            )

    def _start(self) -> None:
        raise_file_limit()
        self._start_services()
        models = f"http://{HOST}:{self._start_models()}" if self.plan.samples else ""
        self._wait(self.processes)
        self._prepare()
        urls = self._start_console(models)
        if self.plan.samples and self.plan.traffic and urls:
            self._run(self.here.traffic(urls, self._token("assistant-1")))
        self._write_file()
        self._say_ready(urls)

    def _start_services(self) -> None:
        """PostgreSQL and Redis, where no address of a real one was given."""
        data, environ = self.plan.data_dir, self.here.environ
        self._sockets = socket_folder()
        redis, postgres = Redis(data / "redis", self._sockets), Postgres(data / "postgres", self._sockets)
        self.here = replace(
            self.here,
            database_url=postgres.url if self.plan.embedded_database else environ.get("DATABASE_URL", ""),
            redis_url=redis.url if self.plan.embedded_redis else environ.get("REDIS_URL", ""),
        )
        if self.plan.embedded_redis:
            self._run(redis.program(self.here.log("redis")))
        if self.plan.embedded_database:
            self._run(postgres.program(self.here.log("postgres")))
        self._write_file()

    def _start_models(self) -> int:
        port = free_port(self.plan.port + 99)
        self._run(self.here.model_server(port))
        return port

    def _prepare(self) -> None:
        """Migrations, static files, accounts, samples and tokens: all in one Django process, started once."""
        options = ("--assistants", str(self.plan.assistants), *(("--samples",) if self.plan.samples else ()))
        process = Process(self.here.manage("prepare", *options))
        process.start()
        self.processes.append(process)
        while process.alive():
            self.wake.sleep(1.0)
        self.processes.remove(process)
        if process.exit_code():
            raise StartFailed(f"preparing the database {ending(process)}.\n{process.tail()}")

    def _start_console(self, models: str) -> list[str]:
        """Start what needs the database ready; return the assistants' addresses."""
        programs = [self.here.web(), *self._assistants(models), self.here.worker(), self.here.beat()]
        self._wait([self._run(program) for program in programs])
        return [
            f"http://{HOST}:{_port(program)}" for program in programs if program.name.startswith("assistant-")
        ]

    def _assistants(self, models: str) -> list[Program]:
        use_cases = json.loads((self.plan.data_dir / "tokens" / "use_cases.json").read_text())
        if not use_cases:
            return []
        environ = models_env(self.here.environ, models) if models else {}
        programs = []
        for number in range(1, self.plan.assistants + 1):
            name, port = f"assistant-{number}", free_port(self.plan.port + number)
            token = (self.plan.data_dir / "tokens" / name).read_text().strip()
            programs.append(
                self.here.assistant(name, port=port, token=token, use_cases=use_cases, extra=environ)
            )
        return programs

    def _token(self, name: str) -> str:
        return (self.plan.data_dir / "tokens" / name).read_text().strip()

    def _run(self, program: Program) -> Process:
        process = Process(program)
        self.processes.append(process)
        process.start()
        return process

    def _wait(self, processes: Sequence[Process]) -> None:
        wait_ready(processes, START_SECONDS, self.wake.sleep)

    def _write_file(self) -> None:
        self.file.write(
            {
                "database_url": self.here.database_url,
                "redis_url": self.here.redis_url,
                "port": self.plan.port,
                "pids": {process.name: process.pid for process in self.processes},
                "commands": {process.name: list(process.program.argv) for process in self.processes},
                "sockets": str(self._sockets),
                "supervisor": os.getpid(),
            }
        )

    def _say_ready(self, assistants: Sequence[str]) -> None:
        say(f"ready {self.here.url}")
        say("\nSign in as:")
        passwords = json.loads((self.plan.data_dir / "keys" / "passwords.json").read_text())
        for name, password in passwords.items():
            say(f"  {name:<6} {password}")
        if assistants:
            say(f"\nAssistants (OpenAI API): {'  '.join(f'{url}/v1' for url in assistants)}")
        else:
            say(
                "\nNo assistants: there is no use case yet. Create one, then start again, or run one by hand."
            )
        say(f"Logs: {self.here.log('web').parent}    Stop: Ctrl-C")

    # Watch

    def _watch(self) -> NoReturn:
        """Start again what ends, later each time it ends soon; keep logs within bounds."""
        rotate_at = 0.0
        while True:
            now = time.monotonic()
            for process in self.processes:
                if not process.alive():
                    self._restart(process, now)
            if now >= rotate_at:
                rotate_at = now + 10.0
                for process in self.processes:
                    process.rotate_log()
            self.wake.sleep(1.0)

    def _restart(self, process: Process, now: float) -> None:
        state = self.restarts.setdefault(process.name, Restart())
        if not state.at:
            settled = now - process.started_at > SETTLED_SECONDS
            state.delay = 1.0 if settled else min(state.delay, SLOWEST_RESTART)
            state.at = now + state.delay
            say(
                f"{process.name} {ending(process)}; it starts again in {state.delay:.0f} s. Log: {process.program.log}"
            )
        elif now >= state.at:
            state.at, state.delay = 0.0, state.delay * 2
            try:
                process.start()
            except (OSError, StartFailed) as failed:
                say(f"{process.name} did not start: {failed}")
            self._write_file()

    # Stop

    def _stop_all(self) -> None:
        """Callers first, then the console, then what it stands on: nobody loses what it still has to say."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        last = [process for process in self.processes if process.name in ("postgres", "redis")]
        web = [process for process in self.processes if process.name == "web"]
        stop(process for process in self.processes if process not in last and process not in web)
        stop(web)
        stop(last)
        if self._sockets:
            shutil.rmtree(self._sockets, ignore_errors=True)
        self.file.remove()


def end_leftovers(file: StackFile) -> None:
    """End processes that outlived a killed supervisor: same number, and still the same command line."""
    found = file.read()
    commands = found.get("commands", {})
    leftovers = {name: pid for name, pid in found.get("pids", {}).items() if pid and name in commands}
    if leftovers:
        _end(leftovers, commands)
    sockets = Path(found.get("sockets", "/"))
    if sockets.name.startswith("console-"):
        shutil.rmtree(sockets, ignore_errors=True)


def _end(leftovers: Mapping[str, int], commands: Mapping[str, list[str]]) -> None:
    import psutil  # only here: most starts have nothing to clear up

    ended = []
    for name, pid in leftovers.items():
        try:
            process = psutil.Process(pid)
            if process.cmdline() == commands[name]:
                process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
                ended.append(process)
        except psutil.Error:
            continue
    for process in psutil.wait_procs(ended, timeout=10)[1]:
        process.kill()
    if ended:
        say(f"Ended {len(ended)} processes that an earlier start had left.")


def raise_file_limit() -> None:
    """Allow as many open files as the system lets us: every assistant's event stream is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def say(text: str) -> None:
    """Tell the operator; a terminal that is gone must not stop anything from being stopped."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115


def _port(program: Program) -> str:
    return program.argv[program.argv.index("--port") + 1]


def _is_make(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() in ("make", "gmake")
    except OSError:
        return False


def _make_gave_up(pid: int) -> bool:
    """Tell whether the `make` that started us is gone, or waits for us to end.

    `make` passes SIGTERM on, but not a SIGINT sent to it alone: then it drops its handler for the signal and waits.
    """
    if os.getppid() != pid:
        return True
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    masks = dict(
        line.split(":\t", 1) for line in status.splitlines() if line.startswith(("SigCgt", "SigIgn"))
    )
    bit = 1 << (signal.SIGINT - 1)
    return len(masks) == 2 and not any(int(mask, 16) & bit for mask in masks.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the plan off the command line. Addresses with passwords come by the environment alone."""
    parser = argparse.ArgumentParser(prog="python -m console.supervisor", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--assistants", type=int, default=2)
    parser.add_argument("--samples", action="store_true")
    parser.add_argument("--traffic", action="store_true")
    parser.add_argument("--embedded-database", action="store_true")
    parser.add_argument("--embedded-redis", action="store_true")
    return Supervisor(Plan(**vars(parser.parse_args(arguments))), os.environ).run()


if __name__ == "__main__":
    sys.exit(main())
