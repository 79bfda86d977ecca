"""What an assistant is told at its start: command line and environment, read here only."""

import argparse
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """One assistant's settings; times in seconds."""

    console: str
    token: str = field(repr=False)
    use_cases: tuple[str, ...]
    cache: Path
    instance: str
    host: str = "127.0.0.1"
    port: int = 0
    log_level: str = "warning"
    gateway_keys: tuple[str, ...] = field(default=(), repr=False)
    public_keys: str = ""
    poll_seconds: float = 10.0
    heartbeat_seconds: float = 5.0


def read(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the command line and the environment; exits with a sentence where something is missing."""
    parser = _parser()
    given = parser.parse_args(arguments)
    token = given.token or environment.get("CONSOLE_TOKEN", "")
    if not token:
        parser.error("a token is needed: --token, or CONSOLE_TOKEN in the environment")
    instance = given.instance or f"{socket.gethostname()}-{given.port or os.getpid()}"
    if len(instance) > 120:
        parser.error("--instance is to be at most 120 characters long")
    cache = given.cache or Path.home() / ".cache" / "operator-console" / instance
    return Settings(
        console=given.console.rstrip("/"),
        token=token,
        use_cases=tuple(dict.fromkeys(given.use_case)),
        cache=cache,
        instance=instance,
        host=given.host,
        port=given.port,
        log_level=given.log_level,
        gateway_keys=_listed(environment.get("GATEWAY_API_KEYS", "")),
        public_keys=environment.get("CONSOLE_PUBLIC_KEY", ""),
        poll_seconds=_seconds(parser, environment, "POLL_SECONDS", 10.0),
        heartbeat_seconds=_seconds(parser, environment, "HEARTBEAT_SECONDS", 5.0),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m routing.runtime", description="Run one assistant of the operator console."
    )
    parser.add_argument("--console", required=True, metavar="URL", help="address of the console")
    parser.add_argument("--token", metavar="TOKEN", help="assistant token; else CONSOLE_TOKEN")
    parser.add_argument(
        "--use-case", required=True, action="append", metavar="SLUG", help="may be given again"
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (loopback)")
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="last good config, pinned keys, undelivered decisions"
    )
    parser.add_argument("--instance", metavar="ID", help="name the console knows this process by")
    parser.add_argument(
        "--log-level", default="warning", choices=["debug", "info", "warning", "error"], help="to stderr"
    )
    return parser


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _seconds(
    parser: argparse.ArgumentParser, environment: Mapping[str, str], name: str, default: float
) -> float:
    try:
        seconds = float(environment.get(name, default))
    except ValueError:
        parser.error(f"{name} is to be a number of seconds")
    if not 0.01 <= seconds <= 3600:
        parser.error(f"{name} is to lie between 0.01 and 3600 seconds")
    return seconds
