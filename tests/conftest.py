"""One PostgreSQL and one Redis for the whole run, real and empty; nothing of the caller's environment is touched."""

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from console.embedded import Postgres, Redis, socket_folder
from console.processes import Process, stop, wait_ready
from tests.stack import Stack, forget_template

_RUNNING: list[Process] = []
_FOLDERS: list[Path] = []


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers before Django's settings are read: they look for addresses in the environment."""
    if config.option.help or config.option.version or _hands_out(config):
        return
    # How long an example takes says how busy the machine is, nothing about the product.
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")
    data, sockets = Path(tempfile.mkdtemp(prefix="console-tests-")), socket_folder()
    (data / "static").mkdir()  # tests serve files from their sources; an absent folder is warned about
    data.chmod(0o711)  # for PostgreSQL's account, when root runs the tests
    _FOLDERS.extend((data, sockets))
    postgres, redis = Postgres(data / "postgres", sockets, durable=False), Redis(data / "redis", sockets)
    for program in (redis.program(data / "redis.log"), postgres.program(data / "postgres.log")):
        process = Process(program)
        process.start()
        _RUNNING.append(process)
    wait_ready(_RUNNING, 60)
    for name in (
        "ALLOWED_HOSTS",
        "ASSISTANTS",
        "PORT",
        "SAMPLES",
        "GATEWAY_API_KEYS",
        "CONSOLE_TOKEN",
        "OPENAI_API_KEY",
    ):
        os.environ.pop(name, None)
    os.environ |= {
        "DATA_DIR": str(data),
        "DATABASE_URL": postgres.url,
        "REDIS_URL": redis.url,
        "SECRET_KEY": "only-for-tests-" + "0" * 40,
        "DJANGO_SETTINGS_MODULE": "console.settings",
    }
    from django.conf import settings as django

    assert django.DATABASES


def _hands_out(config: pytest.Config) -> bool:
    """Tell whether this process only hands tests out: each worker has servers of its own."""
    return bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave no process and no folder behind."""
    stop(_RUNNING)
    forget_template()
    for folder in _FOLDERS:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the real processes said beside a failure, and let fixtures know of it."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
        stack = getattr(item, "funcargs", {}).get("stack")
        if isinstance(stack, Stack):
            report.sections.append(("what the processes said last", stack.tails()))
    return report


FAILED: pytest.StashKey[bool] = pytest.StashKey()
