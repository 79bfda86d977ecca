"""What owners and risk reviewers work on. The machines' side of a use case is `routing.Target`, by slug."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from simple_history.models import HistoricalRecords

from routing.models import State
from usecases import terms

SLUG = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?$",
    "Use lower-case letters, digits and hyphens, such as “claims-summary”.",
)


class UseCase(models.Model):
    """One bounded job that assistants do for a business."""

    slug = models.CharField(max_length=80, unique=True, validators=[SLUG])
    name = models.CharField(max_length=120)
    owner = models.CharField(max_length=120, help_text="The desk or unit that owns the outcome.")
    risk = models.CharField(
        max_length=16, default="medium", choices=[(r, r) for r in ("low", "medium", "high")]
    )
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        ordering: ClassVar = ["name"]
        default_permissions: ClassVar = ()
        permissions: ClassVar = [
            ("view_usecase", "See the use case"),
            ("tune_usecase", "Turn its knobs"),
            ("approve_usecase", "Approve its changes and set its guardrails"),
            ("kill_usecase", "Send it to baseline and restore it"),
            ("review_usecase", "Review its cases"),
            ("add_usecase", "Create use cases"),
        ]

    def __str__(self) -> str:
        return self.name


class Guardrail(models.Model):
    """The limits that risk set for one use case.

    `knobs`: `{path: {"lane": [low, high] | null, "limit": [low, high] | null, "reason": str}}`, paths as in
    `routing.engine.knobs`. Inside the lane a change applies by itself; outside the limit it is refused for everyone.
    `approved_models`: LiteLLM names that may be used; empty means any. `terms`: what changes past the lane need, as in
    `usecases.terms`; only what differs from the usual is kept.
    """

    use_case = models.OneToOneField(UseCase, on_delete=models.CASCADE, related_name="guardrail")
    knobs = models.JSONField(default=dict)
    approved_models = models.JSONField(default=list)
    terms = models.JSONField(default=dict)
    set_by = models.CharField(max_length=150, blank=True)
    set_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    def __str__(self) -> str:
        return f"Guardrails of {self.use_case}"

    def as_dict(self) -> dict[str, Any]:
        """Return what config files and the API carry."""
        return {"knobs": self.knobs, "models": self.approved_models, **self.terms}

    def full(self) -> dict[str, Any]:
        """Return all that is said here, the usual terms spelled out."""
        return {"knobs": self.knobs, "models": self.approved_models, **terms.complete(self.terms)}


class Version(models.Model):
    """One publication of a use case. Never edited; numbers only rise.

    `document` is what a live use case enforces, also while the state is a safe one: what restoring returns to.
    """

    KINDS: ClassVar = [
        ("created", "Created"),
        ("change", "Changed"),
        ("kill", "To baseline"),
        ("review_all", "Everything reviewed"),
        ("restore", "Restored"),
        ("revert", "Reverted"),
        ("message", "Message edited"),
        ("baseline", "Baseline edited"),
        ("override", "Override"),
        ("override_end", "Override ended"),
    ]

    use_case = models.ForeignKey(UseCase, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=KINDS)
    state = models.CharField(max_length=16, choices=State.choices)
    digest = models.CharField(max_length=64)
    document = models.JSONField()
    baseline = models.JSONField()
    message = models.TextField(blank=True)
    sentence = models.TextField()
    reason = models.TextField(blank=True)
    returns_to = models.PositiveIntegerField(null=True)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["use_case", "number"], name="version_number")
        ]

    def __str__(self) -> str:
        return f"{self.use_case} r{self.number}"


class Draft(models.Model):
    """What one person is working on for one use case, kept until it is applied or discarded.

    `position` points into the steps: undo and redo move it. `document` is the step it points at. `amends`: the change
    that its author is working over; else submitting makes a new one.
    """

    use_case = models.ForeignKey(UseCase, on_delete=models.CASCADE, related_name="drafts")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    base_version = models.PositiveIntegerField()
    document = models.JSONField()
    reason = models.TextField(blank=True)
    amends = models.ForeignKey("Change", on_delete=models.SET_NULL, null=True, related_name="drafts")
    position = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["use_case", "author"], name="draft_once")]

    def __str__(self) -> str:
        return f"Draft of {self.use_case} by {self.author}"


class DraftStep(models.Model):
    """One step of a draft, for undo and redo; step 0 is the document it started from."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField()
    document = models.JSONField()
    sentence = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["draft", "position"], name="draft_step_position")
        ]

    def __str__(self) -> str:
        return f"{self.draft}, step {self.position}"


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


class Promise(models.Model):
    """What the owner of a use case promises, and what people cost: the ground of certificates and recommendations.

    Wrong among answered at most `wrong_at_most`, with this `confidence`; a task, people included, costs at most
    `cost_at_most_usd` (None: no promise). Prices and minutes are those of one review and of one escalation.
    """

    use_case = models.OneToOneField(UseCase, on_delete=models.CASCADE, related_name="promise")
    wrong_at_most = models.FloatField(default=0.02)
    confidence = models.FloatField(default=0.95)
    cost_at_most_usd = models.FloatField(null=True)
    review_usd = models.FloatField(default=2.0)
    escalation_usd = models.FloatField(default=6.0)
    review_minutes = models.FloatField(default=4.0)
    escalation_minutes = models.FloatField(default=12.0)
    stated_by = models.CharField(max_length=150, blank=True)
    stated_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    def __str__(self) -> str:
        return f"Promise of {self.use_case}"


class Certificate(models.Model):
    """What was certified, from which decisions. Never edited: whether it still holds is worked out when it is read.

    `subject` names models, prompt and index; `shares` how requests were spread over attribute values at the time, so
    that what has changed since can be told.
    """

    use_case = models.ForeignKey(UseCase, on_delete=models.CASCADE, related_name="certificates")
    version = models.PositiveIntegerField()
    document = models.JSONField()
    answer_from = models.FloatField()
    wrong_at_most = models.FloatField()
    confidence = models.FloatField()
    labels = models.PositiveIntegerField()
    wrong = models.PositiveIntegerField()
    bound = models.FloatField()
    subject = models.JSONField(default=dict)
    shares = models.JSONField(default=dict)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    ids_digest = models.CharField(max_length=64)
    code = models.CharField(max_length=32)
    sentence = models.TextField()
    issued_by = models.CharField(max_length=150)
    issued_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-issued_at"]

    def __str__(self) -> str:
        return self.sentence


class KeptImpact(models.Model):
    """The result of a what-if that somebody wants to show again. Never edited.

    What it was computed from stands beside it: both documents, the decisions (`window`, `as_of`, `ids_digest`), their
    verdicts (`verdicts_digest`), seed and code version. The same inputs give the same numbers again.
    """

    id = models.UUIDField(primary_key=True)
    use_case = models.ForeignKey(UseCase, on_delete=models.CASCADE, related_name="kept_impacts")
    live_version = models.PositiveIntegerField()
    document = models.JSONField()
    window = models.JSONField()
    as_of = models.DateTimeField()
    ids_digest = models.CharField(max_length=64)
    verdicts_digest = models.CharField(max_length=64, blank=True)
    code = models.CharField(max_length=32)
    seed = models.BigIntegerField(null=True)
    people = models.JSONField(default=dict)
    result = models.JSONField()
    note = models.TextField(blank=True)
    kept_by = models.CharField(max_length=150)
    kept_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-kept_at"]

    def __str__(self) -> str:
        return f"What would change in {self.use_case}, {self.kept_at:%Y-%m-%d %H:%M}"


class Upload(models.Model):
    """A decision log that somebody gave in the browser, and what became of it.

    `renames` are pairs of column and field. `tally` is how far the import has come; `refusals` are the first refused
    rows, the rest stands in a file of its own beside the upload. `checking`: the file is only looked through, and
    `checked` says what was found. `run` names the worker's present run: an older one that is still alive finds out
    that it was given up, and ends.
    """

    STATUSES: ClassVar = [
        ("uploaded", "Waiting for a look at its columns"),
        ("queued", "Waiting for a worker"),
        ("running", "Being imported"),
        ("done", "Imported"),
        ("failed", "Failed"),
        ("stopped", "Stopped"),
    ]

    id = models.UUIDField(primary_key=True)
    use_case = models.ForeignKey(UseCase, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    status = models.CharField(max_length=16, choices=STATUSES, default="uploaded")
    renames = models.JSONField(default=list)
    lines = models.BigIntegerField(default=0)
    tally = models.JSONField(default=dict)
    refusals = models.JSONField(default=list)
    error = models.TextField(blank=True)
    uploaded_by = models.CharField(max_length=150)
    uploaded_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    progressed_at = models.DateTimeField(null=True)
    checking = models.BooleanField(default=False)
    checked = models.JSONField(default=dict)
    stop_asked = models.BooleanField(default=False)
    run = models.UUIDField(null=True)
    started_by = models.CharField(max_length=150, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering: ClassVar = ["-uploaded_at"]

    def __str__(self) -> str:
        return f"{self.name} for {self.use_case}"
