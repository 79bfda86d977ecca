"""Proofs to hand out: that one event is in the record, and that a record continues an earlier one."""

from typing import Any

from audit import checkpoints, leaves, merkle
from audit.keys import audit_key
from audit.models import Checkpoint, Event, Link
from audit.verify import public_key_text


class NotSigned(LookupError):
    """The event is not in a checkpoint yet; the next one is made within a minute."""


def inclusion(event: Event) -> dict[str, Any]:
    """Return what verifies one event without the record: `audit.verify.verify_inclusion` takes it.

    `content` is the leaf's; `shown` holds value and salt of each field that is not erased (leave one out to keep it to
    yourself); `path` leads from the leaf, at `seq` - 1 of `checkpoint.size`, to the signed root. Raises NotSigned.
    """
    link = Link.objects.filter(event_id=event.pk).first()
    signed = Checkpoint.objects.order_by("-size").first()
    if link is None or signed is None or signed.size < link.seq:
        raise NotSigned(f"event {event.pk} is not in a signed checkpoint yet")
    return {
        "v": leaves.VERSION,
        **told(event, link.seq),
        "path": path(link.seq, checkpoints.tree(signed.size), signed.size),
        "checkpoint": checkpoints.as_json(signed),
        "public_key": public_key_text(audit_key().public_key()),
    }


def path(seq: int, tree: merkle.Ranges, size: int) -> list[str]:
    """Return the audit path of the event with a number, in a tree of that size."""
    return [step.hex() for step in merkle.inclusion(seq - 1, size, tree)]


def told(event: Event, seq: int) -> dict[str, Any]:
    """Return an event as it is told to whoever checks it: what its leaf is made of, values and salts, its number."""
    salts, gone = leaves.split(bytes(event.salts)), event.erased
    return {
        "content": leaves.content(event.plain, bytes(event.digests)),
        "shown": {
            name: {"salt": salt.hex(), "value": getattr(event, name)}
            for name, salt in zip(leaves.ERASABLE, salts, strict=True)
            if name not in gone
        },
        "erased": list(gone),
        "seq": seq,
    }


def consistency(older: Checkpoint, newer: Checkpoint) -> list[str]:
    """Return the proof that the newer checkpoint's record begins with the older one's (`merkle.verify_consistency`)."""
    return [step.hex() for step in merkle.consistency(older.size, newer.size, checkpoints.ranges)]
