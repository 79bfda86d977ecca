"""`/healthz`: this process lives. `/readyz`: its parts answer, and which one does not.

Only the database and the listener decide whether the console is ready: with these two it publishes, and a kill
reaches every assistant. Redis and the worker are named when they are away, and delay follow-up alone; so is the record
when nobody signs it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from audit import checkpoints
from console import presence

ANSWER_SECONDS = 0.5
UNSIGNED = timedelta(minutes=5)  # a checkpoint is made each minute
_migrated = False


@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer while the process lives, whatever else does not."""
    return JsonResponse({"status": "ok"})


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 once pages and the kill switch work, with what is degraded; else 503 with what is missing."""
    needed = {name: _fault(check) for name, check in NEEDED.items()}
    useful = {name: _fault(check) for name, check in USEFUL.items()}
    parts = {name: fault or "ok" for name, fault in {**needed, **useful}.items()}
    failing = [name for name, fault in needed.items() if fault]
    degraded = [name for name, fault in useful.items() if fault]
    status = "unavailable" if failing else ("degraded" if degraded else "ok")
    body = {"status": status, "failing": failing, "degraded": degraded, "parts": parts}
    return JsonResponse(body, status=503 if failing else 200)


def _fault(check: Callable[[], None]) -> str:
    """Return why a part does not answer, or nothing."""
    try:
        check()
    except Exception as error:
        return str(error).strip().partition("\n")[0][:200] or type(error).__name__
    return ""


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _migrations() -> None:
    """Look once: a migrated database stays migrated for as long as this code runs."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise RuntimeError("migrations are missing; run manage.py migrate")
        _migrated = True


def _listener() -> None:
    """The listener belongs to the web process; where there is none (tests, commands) there is nothing to ask."""
    if presence.listener is not None and not presence.listener.connected:
        raise RuntimeError("not connected to the database; streams stay open and catch up once it is")


def _redis() -> None:
    address = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://", 1)  # Celery's word for it
    client: Any = redis.Redis.from_url(
        address, socket_connect_timeout=ANSWER_SECONDS, socket_timeout=ANSWER_SECONDS
    )
    with client:
        client.ping()


def _worker() -> None:
    if presence.listener is not None and presence.worker_silent():
        raise RuntimeError("no worker has reconciled lately; kills work, follow-up waits")


def _record() -> None:
    """A key that cannot be read, or a record that is not the one signed last, would else stand in a log alone."""
    since = checkpoints.unsigned_since()
    if since is not None and since < timezone.now() - UNSIGNED:
        raise RuntimeError(f"not signed since {since:%Y-%m-%d %H:%M %Z}; the worker's log says why")


NEEDED = {"database": _database, "migrations": _migrations, "listener": _listener}
USEFUL = {"redis": _redis, "worker": _worker, "record": _record}
