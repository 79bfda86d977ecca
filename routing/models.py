"""What assistants should run, what they say they run, and what they decided. Use cases are named by slug."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone


class State(models.TextChoices):
    """The steps of the kill switch."""

    LIVE = "live", "Live"
    REVIEW_ALL = "review_all", "Everything reviewed"
    BASELINE = "baseline", "On baseline"


class Target(models.Model):
    """What every assistant of one use case should enforce now: one row a use case, written with its version.

    `envelope` is the signed envelope of DESIGN §7, serialised once, exactly as it goes over the wire.
    """

    use_case = models.CharField(max_length=80, primary_key=True)
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.LIVE)
    digest = models.CharField(max_length=64)
    document = models.JSONField()
    baseline = models.JSONField()
    message = models.TextField(blank=True)
    lease_seconds = models.PositiveIntegerField(default=300)
    issued_at = models.DateTimeField()
    envelope = models.TextField()

    def __str__(self) -> str:
        return f"{self.use_case} version {self.version}, {self.state}"


class Rollout(models.Model):
    """How one version reached the assistants: when it was desired and when the last of them confirmed it."""

    use_case = models.CharField(max_length=80)
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=State.choices)
    digest = models.CharField(max_length=64)
    desired_at = models.DateTimeField()
    converged_at = models.DateTimeField(null=True)
    confirmed = models.PositiveIntegerField(default=0)
    expected = models.PositiveIntegerField(default=0)
    last_instance = models.CharField(max_length=120, blank=True)
    followed_up_at = models.DateTimeField(null=True)
    resent = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["use_case", "version"], name="rollout_version")
        ]

    def __str__(self) -> str:
        return f"{self.use_case} version {self.version}: {self.confirmed} of {self.expected}"

    @property
    def seconds(self) -> float | None:
        """Seconds from the publication to the last confirmation; None while it is under way."""
        return (self.converged_at - self.desired_at).total_seconds() if self.converged_at else None


class Assistant(models.Model):
    """A process that serves use cases. It reports itself; silence is shown as silence."""

    instance = models.CharField(max_length=120, primary_key=True)
    software = models.CharField(max_length=120, blank=True)
    started_at = models.DateTimeField(null=True)
    last_seen = models.DateTimeField(default=timezone.now)
    stopped_at = models.DateTimeField(null=True)
    spool = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.instance


class Holding(models.Model):
    """What one assistant holds and enforces for one use case, by its own last word."""

    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="holdings")
    use_case = models.CharField(max_length=80)
    version = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    enforced = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=16, blank=True)
    status = models.CharField(max_length=16, default="applied")
    error = models.TextField(blank=True)
    refused_version = models.PositiveIntegerField(null=True)
    acked_at = models.DateTimeField(null=True)
    last_seen = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["assistant", "use_case"], name="holding_once")
        ]
        indexes: ClassVar = [models.Index(fields=["use_case", "last_seen"], name="holding_use_case")]

    def __str__(self) -> str:
        return f"{self.assistant_id} holds {self.use_case} version {self.version}"


class Decision(models.Model):
    """One decision of an assistant. Partitioned by id: a UUIDv7 carries its time, so each id has one home.

    The table is made by hand-written SQL (Django knows no partitions); see the first migration.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    request_id = models.CharField(max_length=200)
    use_case = models.CharField(max_length=80)
    version = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=16, default=State.LIVE)
    instance = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    attributes = models.JSONField(default=dict)
    text = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    model = models.CharField(max_length=120, blank=True)
    tried = models.JSONField(default=list)
    confidence = models.FloatField(null=True)
    signal = models.CharField(max_length=16, blank=True)
    band = models.CharField(max_length=80, blank=True)
    action = models.CharField(max_length=16)
    rule = models.CharField(max_length=80, blank=True)
    queue = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=32, blank=True)
    detail = models.TextField(blank=True)
    audited = models.BooleanField(default=False)
    audit_share = models.FloatField(default=0.0)
    holdout = models.BooleanField(default=False)
    cost_usd = models.FloatField(default=0.0)
    latency_ms = models.FloatField(default=0.0)
    tokens_in = models.PositiveIntegerField(default=0)
    tokens_out = models.PositiveIntegerField(default=0)
    prompt = models.CharField(max_length=200, blank=True)
    retrieval_index = models.CharField(max_length=200, blank=True)
    sources = models.JSONField(default=list)
    input_digest = models.CharField(max_length=64, blank=True)
    trace_id = models.CharField(max_length=64, blank=True)
    signals = models.JSONField(default=dict)

    class Meta:
        managed = False
        db_table = "routing_decision"

    def __str__(self) -> str:
        return f"{self.use_case}: {self.action} {self.request_id}"


class Outcome(models.Model):
    """Whether a decision's answer turned out right, by one source. A later word of the same source replaces it."""

    decision_id = models.UUIDField(null=True)
    request_id = models.CharField(max_length=200, blank=True)
    use_case = models.CharField(max_length=80, blank=True)
    correct = models.BooleanField()
    source = models.CharField(max_length=80)
    corrected_answer = models.TextField(blank=True)
    bucket = models.CharField(max_length=80, blank=True)
    at = models.DateTimeField(default=timezone.now)
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["decision_id", "source"],
                name="outcome_decision",
                condition=models.Q(decision_id__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["use_case", "request_id", "source"],
                name="outcome_request",
                condition=models.Q(decision_id__isnull=True),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["use_case", "received_at"], name="outcome_received")]

    def __str__(self) -> str:
        return f"{self.decision_id or self.request_id}: {'right' if self.correct else 'wrong'}"


class Block(models.Model):
    """Decisions that the console received in an interval, once more as columns; see `routing.replay.blocks`.

    The blocks of one interval were made together and count together. `memory` is what their columns take, in bytes.
    """

    use_case = models.CharField(max_length=80)
    received_from = models.DateTimeField()
    received_until = models.DateTimeField()
    at_min = models.DateTimeField()
    at_max = models.DateTimeField()
    count = models.PositiveIntegerField()
    memory = models.PositiveBigIntegerField()
    format = models.PositiveSmallIntegerField()
    data = models.BinaryField()
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["use_case", "received_from"], name="block_use_case")]

    def __str__(self) -> str:
        return f"{self.use_case}: {self.count} decisions received until {self.received_until}"
