#!/usr/bin/env python
"""Run one of the console's commands."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db import OperationalError

AWAY = "Start it with `make up`, or say where it is: DATA_DIR of a running console, or DATABASE_URL."

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        # Nothing is wrong with the command: twenty frames of other people's code would hide what to do.
        sys.exit(f"The database does not answer: {error}\n{AWAY}")
