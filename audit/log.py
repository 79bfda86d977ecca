"""Write events. Called by actions, inside their transaction: if the event cannot be written, nothing is.

The chain is not written here: the database does it, as the transaction commits.
"""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from django.utils import timezone
from uuid6 import uuid7

from audit import context, leaves
from audit.models import Event


class Person(Protocol):
    """Whoever signed in: the record needs the name alone."""

    def get_username(self) -> str: ...


@dataclass(frozen=True, slots=True)
class System:
    """A part of the product acting by itself, such as the reconciler."""

    name: str

    def get_username(self) -> str:
        return self.name


def record(
    *,
    kind: str,
    sentence: str,
    by: Person,
    use_case: str = "",
    version: int | None = None,
    reason: str = "",
    old: Any = None,
    new: Any = None,
) -> Event:
    """Write one event with old and new values (JSON) and the sentence that people will read.

    Raises NotCanonical for values that have no one spelling, such as whole numbers that no double stands for.
    """
    door = context.current()
    erasable = {
        "actor": by.get_username(),
        "sentence": str(sentence),
        "reason": str(reason),
        "old": _as_stored(old),
        "new": _as_stored(new),
    }
    salts = leaves.new_salts()
    return Event.objects.create(
        uid=uuid7(),
        at=timezone.now(),
        kind=kind,
        actor_kind="system" if isinstance(by, System) else "person",
        entry_point=door.entry_point,
        request_id=door.request_id,
        use_case=use_case,
        version=version,
        salts=salts,
        digests=leaves.commitments(erasable, salts),
        **erasable,
    )


def _as_stored(value: Any) -> Any:
    """Return a value as JSON returns it: tuples have become lists, and keys text."""
    return value if value is None else json.loads(json.dumps(value))
