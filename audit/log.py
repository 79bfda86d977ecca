"""Write events. Called by actions, inside their transaction: if the event cannot be written, nothing is."""

from dataclasses import dataclass
from typing import Any, Protocol

from audit import context
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
    """Write one event with old and new values (JSON) and the sentence that people will read."""
    door = context.current()
    return Event.objects.create(
        kind=kind,
        sentence=sentence,
        actor=by.get_username(),
        actor_kind="system" if isinstance(by, System) else "person",
        entry_point=door.entry_point,
        request_id=door.request_id,
        use_case=use_case,
        version=version,
        reason=reason,
        old=old,
        new=new,
    )
