"""Events and their proof: the chain, subtrees, checkpoints. Rows are text, refer to nothing by key, trigger nothing.

The database seals an event as its transaction commits (migration 0002), and refuses every later change but an erasure.
"""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from audit import leaves, words


class Event(models.Model):
    """One thing that somebody did. Its sentence is stored as it read when it was written.

    `salts` and `digests`: of the erasable fields, in the order of `leaves.ERASABLE`.
    """

    uid = models.UUIDField(unique=True, editable=False)
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=64)
    sentence = models.TextField()
    actor = models.CharField(max_length=150)
    actor_kind = models.CharField(max_length=16)
    entry_point = models.CharField(max_length=16)
    request_id = models.CharField(max_length=64, blank=True)
    use_case = models.CharField(max_length=80, blank=True)
    version = models.PositiveIntegerField(null=True)
    reason = models.TextField(blank=True)
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    salts = models.BinaryField()
    digests = models.BinaryField()
    erased_at = models.DateTimeField(null=True)
    erased_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["use_case", "-id"], name="event_use_case"),
            models.Index(fields=["actor", "use_case", "-id"], name="event_actor"),
            models.Index(fields=["kind", "use_case"], name="event_kind"),
            models.Index(fields=["-at"], name="event_at"),
            models.Index(fields=["request_id"], name="event_request", condition=~models.Q(request_id="")),
        ]

    def __str__(self) -> str:
        return self.sentence

    @property
    def erased(self) -> tuple[str, ...]:
        """The fields whose values are gone."""
        return leaves.erased(bytes(self.salts))

    @property
    def erased_words(self) -> str:
        """Names what is gone, as a sentence begins."""
        return words.of_fields(self.erased).capitalize()

    @property
    def plain(self) -> leaves.Plain:
        """What of the event is sealed as it is."""
        return leaves.Plain(
            uid=str(self.uid),
            at=leaves.moment(self.at),
            kind=self.kind,
            actor_kind=self.actor_kind,
            entry_point=self.entry_point,
            request_id=self.request_id,
            use_case=self.use_case,
            version=self.version,
        )


class Link(models.Model):
    """An event's place in the chain: written by the database at commit, in order of commit, from 1 without gaps."""

    seq = models.BigIntegerField(primary_key=True)
    event_id = models.BigIntegerField(unique=True)
    leaf = models.BinaryField()
    head = models.BinaryField()

    def __str__(self) -> str:
        return f"link {self.seq}"


class Subtree(models.Model):
    """Root of 1,024 leaves in a row, counted from 0: proofs read these instead of the leaves."""

    number = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()

    def __str__(self) -> str:
        return f"subtree {self.number}"


class Checkpoint(models.Model):
    """What the record was at a moment, signed. `previous`: SHA-256 of the signed words of the checkpoint before."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    head = models.BinaryField()
    previous = models.BinaryField()
    at = models.DateTimeField()
    key_id = models.CharField(max_length=16)
    signature = models.BinaryField()

    class Meta:
        get_latest_by: ClassVar = "size"

    def __str__(self) -> str:
        return f"checkpoint at {self.size}"
