"""Reads acks and heartbeats from bodies, and says what assistants are answered. Shared by the views and the batches."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.utils import timezone
from ninja.errors import HttpError
from pydantic import TypeAdapter, ValidationError

from console.api import bodies
from console.api.problems import Invalid, errors_of
from console.api.schemas_assistants import AckIn, HeartbeatIn
from console.tokens import Grant
from routing.actions.acks import Ack
from routing.actions.heartbeats import Heartbeat, Held

MOST_RECORDS = 5_000
ACKS = TypeAdapter(list[AckIn])
HEARTBEAT = TypeAdapter(HeartbeatIn)


def valid(adapter: TypeAdapter[Any], value: Any) -> Any:
    """Check a body against its shape. Raises `Invalid` with every fault."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise Invalid(errors_of(error.errors(include_url=False, include_input=False))) from error


def several(body: bytes, content_type: str) -> list[Any]:
    """Return the records of a body; of too many, none."""
    found = bodies.read_many(body, content_type)
    if len(found) > MOST_RECORDS:
        raise Invalid([{"path": "", "message": f"Send {MOST_RECORDS} records at most at a time."}])
    return found


def check_slugs(grant: Grant, slugs: Iterable[str]) -> None:
    """Refuse (403) unless the token may serve all of these use cases."""
    foreign = sorted(set(slugs) - grant.use_cases)
    if foreign:
        raise HttpError(403, f"This token may not serve {', '.join(foreign[:5])}.")


def acks_in(grant: Grant, body: bytes, content_type: str) -> list[Ack]:
    """Read acks, one or a list, all or none of them."""
    given: list[AckIn] = valid(ACKS, several(body, content_type))
    check_slugs(grant, (one.use_case for one in given))
    return [
        Ack(
            instance=one.instance,
            use_case=one.use_case,
            version=one.version,
            digest=one.digest,
            applied=one.status == "applied",
            error=one.error,
        )
        for one in given
    ]


def recorded(given: Sequence[Ack], news: Collection[tuple[str, str]]) -> dict[str, int]:
    """Say how many of these acks told something new."""
    told = len({(ack.instance, ack.use_case) for ack in given} & set(news))
    return {"recorded": told, "unchanged": len(given) - told}


def heartbeat_in(grant: Grant, body: bytes) -> Heartbeat:
    """Read a heartbeat; what is enforced is what is held, unless it says otherwise."""
    given: HeartbeatIn = valid(HEARTBEAT, bodies.read(body))
    check_slugs(grant, (one.use_case for one in given.use_cases))
    held = [
        Held(
            use_case=one.use_case,
            version=one.version,
            digest=one.digest,
            enforced=one.digest if one.enforced is None else one.enforced,
            source=one.source,
        )
        for one in given.use_cases
    ]
    return Heartbeat(
        instance=given.instance,
        use_cases=held,
        started_at=given.started_at,
        software=given.software,
        spool=given.spool,
        stopping=given.stopping,
    )


def told(given: Heartbeat, desired: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Answer a heartbeat with what its use cases should be at."""
    own = {held.use_case for held in given.use_cases}
    wanted = [row for row in desired if row["use_case"] in own]
    return {"use_cases": wanted, "server_time": timezone.now().isoformat()}
