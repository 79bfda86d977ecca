"""Real processes for a test: the same programs that `make up` starts, each under the test's own hand.

A `Stack` has its own data folder, database, Redis and ports. `with Stack() as stack:` starts and ends it.
"""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import psycopg

from console.embedded import Postgres, Redis, socket_folder
from console.processes import Process, Program, stop, wait_ready
from console.stack import HOST, ROOT, Installation, models_env
from tests.ports import own_port

START_SECONDS = 90.0
CLEAN = (
    "DATABASE_URL",
    "REDIS_URL",
    "DATA_DIR",
    "PORT",
    "DJANGO_SETTINGS_MODULE",
    "OPENAI_API_KEY",
    "OPENAI_API_BASE",
)


class Stack:
    """One installation, real in every part.

    `assistants` start with it where `samples` gives them use cases; else start each with `start_assistant`.
    `extra` goes into every process's environment.
    """

    def __init__(
        self,
        *,
        assistants: int = 2,
        worker: bool = True,
        samples: bool = False,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self.assistants = assistants
        self.with_worker = worker
        self.samples = samples
        self.data_dir = Path(tempfile.mkdtemp(prefix="console-stack-"))
        self.processes: dict[str, Process] = {}
        self._sockets = socket_folder()
        self._ports: dict[str, int] = {}
        self._postgres = Postgres(self.data_dir / "postgres", self._sockets, durable=False)
        self._redis = Redis(self.data_dir / "redis", self._sockets)
        environ = {name: value for name, value in os.environ.items() if name not in CLEAN} | dict(extra or {})
        environ.setdefault("SECRET_KEY", "only-for-tests-" + "0" * 40)
        self.here = Installation(
            self.data_dir,
            own_port(),
            self._postgres.url,
            self._redis.url,
            {"HOME": str(self.data_dir)} | environ,
        )

    # From start to end

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *caught: object) -> None:
        self.close()

    def start(self) -> None:
        """Start everything that was asked for; return once all of it answers."""
        shutil.rmtree(self.data_dir)
        subprocess.run(["cp", "-a", str(template()), str(self.data_dir)], check=True)
        self.start_postgres()
        self.start_redis()
        if self.samples:
            self.start_models()
            self.manage("prepare", "--samples", "--assistants", str(self.assistants))
        self.start_web()
        waiting = [self._start(program) for program in self._rest()]
        wait_ready(waiting, START_SECONDS)

    def close(self) -> None:
        """End every process, callers first, and remove the data."""
        last = [process for name, process in self.processes.items() if name in ("postgres", "redis")]
        stop(process for process in self.processes.values() if process not in last)
        stop(last)
        shutil.rmtree(self.data_dir, ignore_errors=True)
        shutil.rmtree(self._sockets, ignore_errors=True)

    def _rest(self) -> list[Program]:
        programs = [self.here.worker(), self.here.beat()] if self.with_worker else []
        if self.samples:
            slugs = json.loads((self.data_dir / "tokens" / "use_cases.json").read_text())
            for number in range(1, self.assistants + 1):
                token = (self.data_dir / "tokens" / f"assistant-{number}").read_text().strip()
                programs.append(self._assistant(f"assistant-{number}", slugs, token, self.models_env()))
        return programs

    # Parts, one by one

    @property
    def web_url(self) -> str:
        return self.here.url

    @property
    def database_url(self) -> str:
        return self.here.database_url

    def start_postgres(self) -> None:
        self._start(self._postgres.program(self.here.log("postgres"))).wait_ready(START_SECONDS)

    def stop_postgres(self, number: int = signal.SIGINT) -> None:
        """Stop the database: SIGINT cuts its sessions and writes everything, SIGQUIT is a crash."""
        self.kill("postgres", number)

    def start_redis(self) -> None:
        self._start(self._redis.program(self.here.log("redis"))).wait_ready(START_SECONDS)

    def stop_redis(self, number: int = signal.SIGTERM) -> None:
        self.kill("redis", number)

    def start_web(self) -> None:
        self._start(self.here.web()).wait_ready(START_SECONDS)

    def kill_web(self, number: int = signal.SIGKILL) -> None:
        self.kill("web", number)

    def start_worker(self, name: str = "worker") -> None:
        self._start(self.here.worker(name)).wait_ready(START_SECONDS)

    def start_beat(self) -> None:
        self._start(self.here.beat())

    def start_models(self) -> str:
        """Start the sample models; return their address."""
        self._start(self.here.model_server(self._port("models"))).wait_ready(START_SECONDS)
        return f"http://{HOST}:{self._port('models')}"

    def models_env(self) -> dict[str, str]:
        """What points an assistant at the sample models."""
        return models_env({}, f"http://{HOST}:{self._port('models')}")

    def start_assistant(
        self,
        name: str,
        use_cases: Sequence[str],
        *,
        token: str = "",
        extra: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> str:
        """Start an assistant, or start it again with the cache it had; return its address.

        `token`: one of `create_token`; without, one is made for these use cases, and kept for the next start.
        """
        kept = self.data_dir / "tokens" / name
        if not token and kept.exists():
            token = kept.read_text().strip()
        token = token or self.assistant_token(name, use_cases)
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(token)
        process = self._start(self._assistant(name, use_cases, token, extra or {}))
        if wait:
            process.wait_ready(START_SECONDS)
        return self.assistant_url(name)

    def assistant_url(self, name: str) -> str:
        return f"http://{HOST}:{self._port(name)}"

    def run(self, name: str, *arguments: str, env: Mapping[str, str] | None = None) -> Process:
        """Start any other Python program of the test's own (a model server, say) and end it with the rest."""
        environ = {**self.here.environ, **(env or {})}
        return self._start(Program(name, (sys.executable, *arguments), environ, ROOT, self.here.log(name)))

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a process and wait until it is gone."""
        self.processes[name].kill(number)

    def alive(self, name: str) -> bool:
        return name in self.processes and self.processes[name].alive()

    # Asking

    def manage(self, *arguments: str, check: bool = True, stdin: str = "") -> str:
        """Run one of Django's commands; return its stdout without the closing newline."""
        program = self.here.manage(*arguments)
        done = subprocess.run(
            program.argv,
            env=program.env,
            cwd=program.cwd,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout.rstrip("\n")

    def password(self, username: str) -> str:
        """Password of `ops`, `risk` or `admin`."""
        return str(json.loads((self.data_dir / "keys" / "passwords.json").read_text())[username])

    @functools.cache  # noqa: B019 - a stack lives as long as its tests
    def token(self, username: str = "admin") -> str:
        """A person's API token."""
        return self.manage("create_token", f"test-{username}", "--user", username).strip()

    def assistant_token(self, name: str, use_cases: Sequence[str]) -> str:
        """A new assistant's token for these use cases."""
        slugs = [part for slug in use_cases for part in ("--use-case", slug)]
        return self.manage("create_token", name, "--assistant", *slugs).strip()

    def api(
        self, method: str, path: str, *, by: str = "admin", token: str = "", **request: Any
    ) -> httpx.Response:
        """Ask the console's HTTP API, as the person `by` or with a token; `json=` and the rest as httpx takes it."""
        headers = {"Authorization": f"Bearer {token or self.token(by)}", **request.pop("headers", {})}
        return httpx.request(method, self.web_url + path, headers=headers, timeout=30, **request)

    def chat(self, assistant: str, use_case: str, text: str, **metadata: Any) -> httpx.Response:
        """Ask an assistant's gateway, as a customer's program would."""
        body = {"model": use_case, "messages": [{"role": "user", "content": text}], "metadata": metadata}
        return httpx.post(f"{self.assistant_url(assistant)}/v1/chat/completions", json=body, timeout=30)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def log(self, name: str) -> str:
        """All that a process has said."""
        path = self.here.log(name)
        return path.read_text(errors="replace") if path.exists() else ""

    def tails(self) -> str:
        """What each process said last."""
        parts = [f"--- {name}\n{process.tail(12)}" for name, process in self.processes.items()]
        return "\n".join(parts)

    def _assistant(
        self, name: str, use_cases: Sequence[str], token: str, extra: Mapping[str, str]
    ) -> Program:
        return self.here.assistant(
            name,
            port=self._port(name),
            token=token,
            use_cases=use_cases,
            extra={"POLL_SECONDS": "2", **extra},
        )

    def _port(self, name: str) -> int:
        return self._ports.setdefault(name, own_port())

    def _start(self, program: Program) -> Process:
        process = self.processes[program.name] = Process(program)
        process.start()
        return process


@functools.cache
def template() -> Path:
    """A data folder with a migrated database, accounts and static files: made once, copied for each stack."""
    folder = Path(tempfile.mkdtemp(prefix="console-template-")) / "data"
    for private in (folder.parent, folder):
        private.mkdir(exist_ok=True)
        private.chmod(0o711)  # for PostgreSQL's account, when root runs the tests
    sockets = socket_folder()
    postgres = Postgres(folder / "postgres", sockets, durable=False)
    environ = {name: value for name, value in os.environ.items() if name not in CLEAN}
    environ.setdefault("SECRET_KEY", "only-for-tests-" + "0" * 40)
    here = Installation(folder, own_port(), postgres.url, "", environ)
    server, prepare = Process(postgres.program(here.log("postgres"))), Process(here.manage("prepare"))
    try:
        server.start()
        server.wait_ready(START_SECONDS)
        prepare.start()
        assert prepare.wait(START_SECONDS) == 0, prepare.tail(40)
    finally:
        stop([prepare, server])
        shutil.rmtree(sockets, ignore_errors=True)
    shutil.rmtree(folder / "logs")
    return folder


def forget_template() -> None:
    """Remove the folder that stacks are copied from."""
    if template.cache_info().currsize:
        shutil.rmtree(template().parent, ignore_errors=True)
        template.cache_clear()
