"""How long a click takes to the last of 50, 1,000 and 5,000 connected assistants, beside a bare loop of sockets.

From right before the COMMIT of a click on the kill switch until the last client has parsed the new version. Console,
clients, clicks and the bare loop are processes of their own. Aims on 2 cores: p99 under 150 ms at 1,000 and under
300 ms at 5,000; 500 connects a second or more.
"""

import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
import psycopg

from console.stack import HOST, ROOT
from tests.documents import claims
from tests.stack import Stack

COUNTS = (50, 1_000, 5_000)
ROUNDS = 20
AIMS = {1_000: 150.0, 5_000: 300.0}
CONNECTS_AIM = 500
SLUG = "claims-summary"
PAUSE = 0.25


@dataclass
class Result:
    """Milliseconds of each round; connects a second; memory of the serving process for each connection."""

    rounds: list[float] = field(default_factory=list)
    connects: float = 0.0
    kib: float = 0.0

    @property
    def p50(self) -> float:
        return statistics.median(self.rounds)

    @property
    def p99(self) -> float:
        """With 20 rounds, the slowest of them."""
        return sorted(self.rounds)[min(len(self.rounds) - 1, int(len(self.rounds) * 0.99))]


def run() -> None:
    """Print a line for each number of connections, and the ratio to the bare loop."""
    with Stack(assistants=0, worker=False) as stack:
        document = claims()
        body = {"slug": SLUG, "name": "Claims summary", "owner": "Claims", "document": document}
        assert stack.api("POST", "/api/v1/use-cases", json=body).status_code == 201
        token = stack.assistant_token("propagation", [SLUG])
        event = _event(stack, token)
        print(f"{len(event):,} bytes an event; {ROUNDS} rounds of kill and restore; times in ms\n")
        print(f"{'connections':>11} {'':<8}{'p50':>8}{'p99':>8}{'aim':>8}{'connects/s':>12}{'KiB each':>10}")
        for count in COUNTS:
            ours, bare = measure(stack, token, count), measure_bare(stack, event, count)
            _row(count, "console", ours)
            _row(count, "bare", bare)
            print(f"{'':>11} {'ratio':<8}{ours.p50 / bare.p50:>8.2f}{ours.p99 / bare.p99:>8.2f}")


def _row(count: int, name: str, result: Result) -> None:
    aim = f"< {AIMS[count]:.0f}" if name == "console" and count in AIMS else ""
    times = f"{result.p50:>8.1f}{result.p99:>8.1f}{aim:>8}"
    print(f"{count:>11,} {name:<8}{times}{result.connects:>12,.0f}{result.kib:>10.1f}", flush=True)


def _event(stack: Stack, token: str) -> bytes:
    """Return an event as the console sends it, `VERSION` in place of its number."""
    address = f"{stack.web_url}/api/v1/stream"
    query = {"instance": "sample", "use_case": SLUG}
    with httpx.stream("GET", address, params=query, headers={"Authorization": f"Bearer {token}"}) as answer:
        received = b""
        for part in answer.iter_bytes():
            received += part
            if received.endswith(b"\n\n") and b"event: config" in received:
                return re.sub(rb'"version":\d+', b'"version":VERSION', received, count=1)
    raise AssertionError("the stream ended before its first event")


def measure(stack: Stack, token: str, count: int) -> Result:
    """Measure the console with so many streams open."""
    head = (
        f"GET /api/v1/stream?instance=assistant-{{number}}&use_case={SLUG} HTTP/1.1\r\n"
        f"Host: {HOST}\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    serving = psutil.Process(stack.processes["web"].pid)
    program = stack.here.manage("check")  # any of Django's: for the environment
    clicks = _start([sys.executable, "-m", "tests.benchmarks._clicks", SLUG], dict(program.env))
    try:
        return _measure((HOST, stack.here.port), head, count, serving, lambda _: _click(clicks))
    finally:
        _end(clicks)


def measure_bare(stack: Stack, event: bytes, count: int) -> Result:
    """Measure the same bytes to as many sockets with nothing around them."""
    bare = _start([sys.executable, "-m", "tests.benchmarks._bare_loop", stack.database_url])
    assert bare.stdin is not None
    assert bare.stdout is not None
    bare.stdin.write(event.decode())
    bare.stdin.close()
    port = int(bare.stdout.readline())
    with psycopg.connect(stack.database_url, autocommit=True) as connection:

        def notify(number: int) -> dict[str, int]:
            at = time.monotonic_ns()
            connection.execute("SELECT pg_notify('bare', %s)", [str(number)])
            return {"version": number, "at": at}

        try:
            return _measure((HOST, port), "go\n", count, psutil.Process(bare.pid), notify)
        finally:
            bare.kill()
            bare.wait()


def _measure(
    address: tuple[str, int],
    head: str,
    count: int,
    serving: psutil.Process,
    click: Callable[[int], dict[str, int]],
) -> Result:
    before = serving.memory_info().rss
    with _subscribers(address, head, count) as words:
        connected = next(words)
        time.sleep(1.0)
        result = Result(connects=count / connected["seconds"])
        result.kib = (serving.memory_info().rss - before) / 1024 / count
        for number in range(ROUNDS):
            clicked = click(number + 2)
            reached = next(words)
            assert reached.get("version") == clicked["version"], (reached, clicked)
            result.rounds.append((reached["at"] - clicked["at"]) / 1e6)
            time.sleep(PAUSE)
    time.sleep(1.0)
    return result


@contextmanager
def _subscribers(address: tuple[str, int], head: str, count: int) -> Iterator[Iterator[dict[str, Any]]]:
    process = _start([sys.executable, "-m", "tests.benchmarks._subscribers"])
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"address": address, "head": head, "count": count}) + "\n")
    process.stdin.flush()
    try:
        yield (json.loads(line) for line in process.stdout)
    finally:
        process.kill()
        process.wait()


def _click(clicks: "subprocess.Popen[str]") -> dict[str, int]:
    assert clicks.stdin is not None
    assert clicks.stdout is not None
    clicks.stdin.write("\n")
    clicks.stdin.flush()
    answer: dict[str, int] = json.loads(clicks.stdout.readline())
    return answer


def _start(command: list[str], env: dict[str, str] | None = None) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _end(process: "subprocess.Popen[str]") -> None:
    process.communicate(timeout=20)
