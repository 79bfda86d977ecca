"""Clicks the kill switch, then restores, once for each line on stdin; prints `{"version": V, "at": NS}` for each.

`at` is read right before COMMIT, on the monotonic clock that all processes share. Runs with the console's settings.
"""

import json
import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db import transaction  # noqa: E402

from usecases.actions import kill_switches  # noqa: E402
from usecases.models import UseCase  # noqa: E402
from usecases.publishing import latest  # noqa: E402


def main() -> None:
    """Click for each line."""
    use_case, by = UseCase.objects.get(slug=sys.argv[1]), User.objects.get(username="admin")
    for _ in sys.stdin:
        live = latest(use_case).state == "live"
        with transaction.atomic():
            click = kill_switches.engage if live else kill_switches.restore
            version = click(use_case=use_case, by=by, reason="benchmark")
            at = time.monotonic_ns()
        print(json.dumps({"version": version.number, "at": at}), flush=True)


if __name__ == "__main__":
    main()
