"""Use cases, their guardrails, their versions, and what somebody is working on."""

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
TIERS = ("low", "medium", "high")  # of risk


class UseCase(models.Model):
    """One bounded job that assistants do for a business."""

    slug = models.CharField(max_length=80, unique=True, validators=[SLUG])
    name = models.CharField(max_length=120)
    owner = models.CharField(max_length=120, help_text="The desk or unit that owns the outcome.")
    risk = models.CharField(max_length=16, default="medium", choices=[(tier, tier) for tier in TIERS])
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
            ("manage_access", "Say who may do what"),
        ]

    def __str__(self) -> str:
        return self.name


class Guardrail(models.Model):
    """The limits that risk set for one use case.

    `knobs`: `{path: {"lane": [low, high] | null, "limit": [low, high] | null, "reason": str}}`, paths as in
    `routing.engine.knobs`. Inside the lane a change applies by itself; outside the limit it is refused for everyone.
    `approved_models`: LiteLLM names that may be used; empty means any. `terms`: what changes past the lane need, as in
    `usecases.terms`; only what differs from the usual is kept. `lanes`: slugs of the shared lanes that hold here too;
    what holds in all is `usecases.lanes.effective`.
    """

    use_case = models.OneToOneField(UseCase, on_delete=models.CASCADE, related_name="guardrail")
    knobs = models.JSONField(default=dict)
    approved_models = models.JSONField(default=list)
    terms = models.JSONField(default=dict)
    lanes = models.JSONField(default=list)
    set_by = models.CharField(max_length=150, blank=True)
    set_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    def __str__(self) -> str:
        return f"Guardrails of {self.use_case}"

    def own_words(self) -> dict[str, Any]:
        """Return what is said of this use case alone."""
        return {"knobs": self.knobs, "models": self.approved_models, **self.terms}

    def as_dict(self) -> dict[str, Any]:
        """Return what config files and the API carry."""
        return {**self.own_words(), **({"lanes": self.lanes} if self.lanes else {})}

    def full(self) -> dict[str, Any]:
        """Return all that is said here, the usual terms spelled out."""
        words = {"knobs": self.knobs, "models": self.approved_models, **terms.complete(self.terms)}
        return {**words, "lanes": self.lanes}


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
