"""See that the database still keeps the record: the triggers that chain events and refuse changes are there, and on."""

from collections.abc import Iterator
from typing import Any

import psycopg

from audit.inspection.faults import Fault

CHAINS, KEEPS = (
    "O",
    "A",
)  # how PostgreSQL calls a trigger that fires as usual, and one that fires in every mode
TRIGGERS = {
    "audit_seal": CHAINS,
    "audit_chain": CHAINS,
    "audit_event_update": KEEPS,
    "audit_event_delete": KEEPS,
    "audit_event_truncate": KEEPS,
    **{
        f"audit_{table}_{what}": KEEPS
        for table in ("link", "subtree", "checkpoint")
        for what in ("change", "truncate")
    },
}
QUERY = "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal AND tgname = ANY(%s)"


def faults(connection: psycopg.Connection[Any]) -> Iterator[Fault]:
    """Name each trigger that is gone or switched off."""
    found = {name: str(mode) for name, mode in connection.execute(QUERY, [list(TRIGGERS)])}
    for name, mode in TRIGGERS.items():
        if name not in found:
            yield Fault("guard", f"the trigger {name}, which keeps the record, is gone")
        elif found[name] != mode:
            yield Fault("guard", f"the trigger {name}, which keeps the record, is switched off")
