"""Celery: carries the follow-up of what the database already holds. Losing every message loses nothing."""

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

app: Any = Celery("console")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,  # a killed worker's task runs again; every task is safe to run twice
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": 60,
        # A stopped Redis must cost the caller next to nothing: the reconciler finds the work in the database.
        "socket_connect_timeout": 0.5,
        "socket_timeout": 5,
    },
    task_publish_retry=False,
    beat_schedule={
        "reconcile": {"task": "routing.tasks.reconcile", "schedule": 5.0, "options": {"expires": 5}},
        "housekeeping": {"task": "routing.tasks.housekeeping", "schedule": 3600.0, "options": {"expires": 600}},
    },
)
app.autodiscover_tasks(["routing"])
