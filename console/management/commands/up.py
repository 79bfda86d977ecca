"""`manage.py up`: everything on one machine."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand

from console.env import ROOT, env


class Command(BaseCommand):
    """Become the supervisor. Replaces this process, so that no Django stays loaded only to watch others."""

    help = (
        "Start everything on this machine: database, queue, console, worker, assistants and sample traffic."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Hand over what the environment says; addresses with passwords stay in the environment."""
        given = env()
        command = [sys.executable, "-m", "console.supervisor", "--data-dir", str(given.data.resolve())]
        command += ["--port", str(given.port), "--assistants", str(given.assistants)]
        command += ["--samples"] if given.samples else []
        command += ["--traffic"] if given.traffic else []
        command += [] if given.database_url else ["--embedded-database"]
        command += [] if given.redis_url else ["--embedded-redis"]
        self.stdout.write(f"starting on {given.data.resolve()}")
        self.stdout.flush()
        os.chdir(ROOT)
        os.execv(sys.executable, command)
