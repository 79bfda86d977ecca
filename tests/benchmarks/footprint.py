"""What `make up` costs: start time, memory and idle CPU of each process, sample traffic off."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from console.stack import ROOT, free_port

IDLE_SECONDS, MEASURED_SECONDS = 20.0, 15.0
MEMORY_AIMS = {"web": 160, "worker": 160, "assistant": 320}
CPU_AIM = 5.0


@dataclass(frozen=True)
class Footprint:
    """One process and its children. `started`: seconds from the supervisor's start to its own."""

    name: str
    started: float
    mib: float
    cpu: float


def run() -> None:
    """Start everything twice, and measure the second start at rest."""
    with tempfile.TemporaryDirectory(prefix="console-footprint-", ignore_cleanup_errors=True) as folder:
        first = _measure(Path(folder) / "data", at_rest=False)[0]
        ready, rows = _measure(Path(folder) / "data", at_rest=True)
    print(f"ready after {first:.1f} s the first time, {ready:.1f} s the second (aim: 20 s)\n")
    print(f"{'process':<14}{'starts at, s':>13}{'memory, MiB':>13}{'aim':>7}{'idle CPU, %':>13}{'aim':>6}")
    for row in rows:
        aim = next((limit for name, limit in MEMORY_AIMS.items() if row.name.startswith(name)), None)
        limit = f"< {aim}" if aim else "–"
        print(
            f"{row.name:<14}{row.started:>13.1f}{row.mib:>13.0f}{limit:>7}{row.cpu:>13.1f}{f'< {CPU_AIM:.0f}':>6}"
        )
    print(
        f"{'all':<14}{'':>13}{sum(row.mib for row in rows):>13.0f}{'':>7}{sum(row.cpu for row in rows):>13.1f}"
    )


def _measure(data_dir: Path, *, at_rest: bool) -> tuple[float, list[Footprint]]:
    """Start everything on `data_dir`; return the seconds until `ready`, and the processes where asked for."""
    environ = os.environ | {
        "DATA_DIR": str(data_dir),
        "PORT": str(free_port()),
        "SAMPLES": "1",
        "TRAFFIC": "0",
    }
    begun = time.monotonic()
    command = [sys.executable, "manage.py", "up"]
    supervisor = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    try:
        for line in supervisor.stdout:
            if re.match(r"ready http://", line):
                break
        else:
            raise RuntimeError("it did not start; its messages are above")
        ready = time.monotonic() - begun
        return ready, _at_rest(data_dir, supervisor.pid) if at_rest else []
    finally:
        supervisor.terminate()
        supervisor.communicate(timeout=60)


def _at_rest(data_dir: Path, supervisor: int) -> list[Footprint]:
    time.sleep(IDLE_SECONDS)
    pids: dict[str, int] = json.loads((data_dir / "stack.json").read_text())["pids"]
    begun = psutil.Process(supervisor).create_time()
    families = {name: _family(pid) for name, pid in pids.items()} | {
        "supervisor": [psutil.Process(supervisor)]
    }
    before = {name: _cpu_seconds(family) for name, family in families.items()}
    time.sleep(MEASURED_SECONDS)
    return [
        Footprint(
            name,
            family[0].create_time() - begun,
            _mib(family),
            100 * (_cpu_seconds(family) - before[name]) / MEASURED_SECONDS,
        )
        for name, family in families.items()
    ]


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _mib(family: list[psutil.Process]) -> float:
    """Resident memory; of a process with children each one's own, since they share the rest."""
    if len(family) == 1:
        return float(family[0].memory_info().rss) / 2**20
    return sum(float(process.memory_full_info().pss) for process in family) / 2**20


def _cpu_seconds(family: list[psutil.Process]) -> float:
    return sum(times.user + times.system for times in (process.cpu_times() for process in family))
