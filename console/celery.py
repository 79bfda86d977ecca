"""Celery: carries the follow-up of what the database already holds. Losing every message loses nothing."""

import os
from typing import Any

from celery import Celery
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

app: Any = Celery("console")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_ignore_result=True,
    # Messages are acknowledged as they are taken, and none is taken in advance: a worker that holds unacknowledged
    # ones when Redis goes away ends itself (Kombu 5.7 opens a client on the closed connection to give them back).
    # What a killed worker had in hand is found in the database by the reconciler, within seconds.
    task_acks_late=False,
    worker_disable_prefetch=True,
    worker_prefetch_multiplier=1,
    # The reconciler has a queue of its own, served in turn: a kill of everything must not keep it waiting.
    task_queues=[Queue("celery"), Queue("reconcile")],
    task_routes={"routing.tasks.reconcile": {"queue": "reconcile"}},
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        # A stopped Redis must cost the caller next to nothing: the reconciler finds the work in the database.
        "socket_connect_timeout": 0.5,
        "socket_timeout": 5,
    },
    task_publish_retry=False,
    beat_schedule={
        "reconcile": {"task": "routing.tasks.reconcile", "schedule": 5.0, "options": {"expires": 5}},
        "seal": {"task": "routing.tasks.seal", "schedule": 300.0, "options": {"expires": 300}},
        "housekeeping": {
            "task": "routing.tasks.housekeeping",
            "schedule": 3600.0,
            "options": {"expires": 600},
        },
        "checkpoint": {"task": "audit.tasks.sign_checkpoint", "schedule": 60.0, "options": {"expires": 60}},
        "changes": {"task": "usecases.change_tasks.keep_time", "schedule": 5.0, "options": {"expires": 5}},
        "uploads": {"task": "usecases.tasks.resend", "schedule": 10.0, "options": {"expires": 10}},
        "uploads-housekeeping": {
            "task": "usecases.tasks.housekeeping",
            "schedule": 3600.0,
            "options": {"expires": 600},
        },
    },
)
app.autodiscover_tasks(["audit", "routing", "usecases"])
app.autodiscover_tasks(["usecases"], related_name="change_tasks")
