"""The processes of one installation: how each is started and how one knows that it is ready.

`console.supervisor` runs all of them; tests run those that they need.
"""

import json
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from console.processes import Program, always, answers

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
# An assistant gets none of these: it speaks to the console by HTTP, with a token.
CONSOLE_ONLY = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DATA_DIR", "DJANGO_SETTINGS_MODULE")


def free_port(preferred: int = 0) -> int:
    """Return `preferred` when nothing listens there, else any free port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, preferred if preferred < 65536 else 0))
        except OSError:
            probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Installation:
    """Where it lives and what it speaks to. `environ` is what its processes inherit."""

    data_dir: Path
    port: int
    database_url: str
    redis_url: str
    environ: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def log(self, name: str) -> Path:
        return self.data_dir / "logs" / f"{name}.log"

    def console_env(self) -> dict[str, str]:
        """Environment of every process that loads Django."""
        own = {
            "DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "console.settings",
        }
        addresses = {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}
        return self._env() | own | {name: url for name, url in addresses.items() if url}

    def manage(self, *arguments: str) -> Program:
        """One of Django's commands."""
        return self._console(arguments[0], (str(ROOT / "manage.py"), *arguments), always)

    def web(self) -> Program:
        """The console itself, event streams included: one process."""
        server = ("-m", "uvicorn", "console.asgi:application", "--host", HOST, "--port", str(self.port))
        # Open event streams never end by themselves: a stop waits for them no longer than this.
        tuning = (
            "--timeout-graceful-shutdown",
            "2",
            "--backlog",
            "4096",
            "--no-access-log",
            "--no-proxy-headers",  # `console.addresses` reads them, from proxies that were named
            "--log-level",
            "warning",
        )
        return self._console("web", (*server, *tuning), partial(answers, HOST, self.port, "/readyz"))

    def worker(self, name: str = "worker") -> Program:
        """Celery. Threads, since its tasks wait for the database and for assistants; one process instead of five."""
        pool = ("--pool", "threads", "--concurrency", "4", "--without-gossip", "--without-mingle")
        command = (
            "-m",
            "celery",
            "-A",
            "console",
            "worker",
            *pool,
            "--hostname",
            f"{name}@%h",
            "--loglevel",
            "INFO",
        )
        return self._console(name, command, _says(self.log(name), b" ready."))

    def beat(self) -> Program:
        """Celery's clock."""
        files = ("--schedule", str(self.data_dir / "beat"), "--pidfile", "")
        return self._console(
            "beat", ("-m", "celery", "-A", "console", "beat", *files, "--loglevel", "WARNING"), always
        )

    def model_server(self, port: int) -> Program:
        """The stand-in for model providers: real answers to the sample requests, no key and no network."""
        command = ("-m", "console.samples.model_server", "--port", str(port))
        return self._program("models", command, partial(answers, HOST, port, "/healthz"), self._bare_env())

    def assistant(
        self,
        name: str,
        *,
        port: int,
        token: str,
        use_cases: Sequence[str],
        extra: Mapping[str, str] | None = None,
    ) -> Program:
        """An assistant: holds no database connection, and keeps its last good config in a folder of its own."""
        own = self._bare_env() | {
            "CONSOLE_TOKEN": token,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            **(extra or {}),
        }
        served = tuple(part for slug in use_cases for part in ("--use-case", slug))
        place = ("--port", str(port), "--instance", name, "--cache", str(self.data_dir / "assistants" / name))
        command = ("-m", "routing.runtime", "--console", self.url, *place, *served)
        return self._program(name, command, partial(answers, HOST, port, "/healthz"), own)

    def traffic(self, assistants: Sequence[str], token: str) -> Program:
        """Steady sample requests to the assistants' gateways; some of their outcomes go to the console."""
        targets = tuple(part for url in assistants for part in ("--assistant", url))
        command = ("-m", "console.samples.traffic", "--console", self.url, *targets)
        return self._program("traffic", command, always, self._bare_env() | {"CONSOLE_TOKEN": token})

    def _bare_env(self) -> dict[str, str]:
        """Environment of what only speaks HTTP to the console: no database, no keys."""
        return {name: value for name, value in self._env().items() if name not in CONSOLE_ONLY}

    def _env(self) -> dict[str, str]:
        # Two arenas: threads otherwise take 64 MiB of address space each, and keep what they once used.
        return {**self.environ, "PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2"}

    def _console(self, name: str, arguments: tuple[str, ...], ready: Callable[[], bool]) -> Program:
        return self._program(name, arguments, ready, self.console_env())

    def _program(
        self, name: str, arguments: tuple[str, ...], ready: Callable[[], bool], env: Mapping[str, str]
    ) -> Program:
        return Program(name, (sys.executable, *arguments), env, ROOT, self.log(name), ready)


def models_env(environ: Mapping[str, str], models_url: str) -> dict[str, str]:
    """Point assistants at the stand-in, unless the operator gave a provider's key: then the provider answers."""
    if environ.get("OPENAI_API_KEY"):
        return {}
    return {"OPENAI_API_KEY": "sample", "OPENAI_API_BASE": f"{models_url}/v1"}


def _says(log: Path, words: bytes) -> Callable[[], bool]:
    """Ready once `words` are in what the log gains from now on."""
    begin = log.stat().st_size if log.exists() else 0

    def said() -> bool:
        if not log.exists():
            return False
        with log.open("rb") as lines:
            lines.seek(begin)
            return words in lines.read()

    return said


class StackFile:
    """`DATA_DIR/stack.json`: what runs, so that commands find the database and a next start finds leftovers."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "stack.json"

    def read(self) -> dict[str, Any]:
        """Return what it says; empty when there is none or it was cut short."""
        try:
            found = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, content: Mapping[str, Any]) -> None:
        """Replace it in one step. It may name a database's password: only this account reads it."""
        fresh = self.path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(content, file, indent=1)
        fresh.replace(self.path)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
