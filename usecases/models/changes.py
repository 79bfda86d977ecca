"""Changes that wait for somebody, what reviewers said of them, and overrides that went live without."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords

from usecases.models.use_cases import UseCase


class Change(models.Model):
    """A change that somebody proposed: what it would publish, why, on what evidence, and what became of it.

    `number` counts within the use case. `leaves_to`: the state that a use case on its safe state would return to; empty
    for a change of the document. `evidence` is frozen with its digests. Whether an open change has its approvals is
    worked out when it is read: guardrails and what is live may change under it. `held_up` says why it did not go live
    when it was due.
    """

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CHANGES_REQUESTED = "changes_requested", "Changes asked for"
        APPLIED = "applied", "Applied"
        VETOED = "vetoed", "Vetoed"
        WITHDRAWN = "withdrawn", "Withdrawn"
        EXPIRED = "expired", "Expired"

    LIVING: ClassVar = ("open", "changes_requested")

    use_case = models.ForeignKey(UseCase, on_delete=models.PROTECT, related_name="changes")
    number = models.PositiveIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="changes")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.OPEN)
    leaves_to = models.CharField(max_length=16, blank=True)
    document = models.JSONField()
    baseline = models.JSONField(null=True)
    message = models.TextField(null=True)  # noqa: DJ001 (None leaves it, empty text empties it)
    base_version = models.PositiveIntegerField()
    sentence = models.TextField()
    reason = models.TextField(blank=True)
    evidence = models.JSONField(default=dict)
    submitted_at = models.DateTimeField(auto_now_add=True)
    amended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    scheduled_for = models.DateTimeField(null=True)
    held_up = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=150, blank=True)
    closing_words = models.TextField(blank=True)
    version = models.PositiveIntegerField(null=True)
    history = HistoricalRecords()

    class Meta:
        ordering: ClassVar = ["-submitted_at", "-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["use_case", "number"], name="change_number")]
        indexes: ClassVar = [
            models.Index(fields=["status", "expires_at"], name="change_by_status"),
        ]

    def __str__(self) -> str:
        return f"Change {self.number} of {self.use_case}"

    @property
    def living(self) -> bool:
        return self.status in self.LIVING


class Approval(models.Model):
    """What one reviewer said of a change. Never edited: whether it still counts is worked out when it is read.

    `content` is the digest of what it was given for, `parts` the digests that this is made of, to say what changed.
    """

    VERDICTS: ClassVar = [
        ("approve", "Approved"),
        ("request_changes", "Asked for changes"),
        ("veto", "Vetoed"),
    ]

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="approvals")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="approvals")
    verdict = models.CharField(max_length=16, choices=VERDICTS)
    content = models.CharField(max_length=64)
    parts = models.JSONField(default=dict)
    comment = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} by {self.person}"


class Remark(models.Model):
    """What somebody said about one line of a change; `path` as in its diff, empty for the whole of it."""

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="remarks")
    path = models.CharField(max_length=300, blank=True)
    text = models.TextField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="remarks")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.person} on {self.path or 'the whole change'}"


class Override(models.Model):
    """A document that went live past the lane without approvals, for a time. It ends by itself.

    `returns_to` is the version whose document comes back, `version` the one that was published. `ended_version`: what
    was published when it ended; None where something newer was live by then, and `outcome` says which.
    """

    use_case = models.ForeignKey(UseCase, on_delete=models.PROTECT, related_name="overrides")
    version = models.PositiveIntegerField()
    returns_to = models.PositiveIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="overrides")
    reason = models.TextField()
    began_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_version = models.PositiveIntegerField(null=True)
    outcome = models.TextField(blank=True)
    reviewed_by = models.CharField(max_length=150, blank=True)
    reviewed_at = models.DateTimeField(null=True)
    review = models.TextField(blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering: ClassVar = ["-began_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["use_case"], condition=models.Q(ended_at=None), name="override_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"Override of {self.use_case} by {self.person}"
