"""Who belongs together, who stands in for whom and until when, and what was found when rights were gone through."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from simple_history.models import HistoricalRecords

from usecases.models.use_cases import SLUG, UseCase


class BusinessUnit(models.Model):
    """A part of the company that owns use cases, with its own groups of people. A use case is in one, or in none."""

    slug = models.CharField(max_length=80, unique=True, validators=[SLUG])
    name = models.CharField(max_length=120, unique=True)
    use_cases = models.ManyToManyField(UseCase, through="UnitUseCase", related_name="units")
    history = HistoricalRecords()

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class UnitUseCase(models.Model):
    """Which business unit a use case is in; at most one."""

    unit = models.ForeignKey(BusinessUnit, on_delete=models.PROTECT, related_name="places")
    use_case = models.OneToOneField(UseCase, on_delete=models.CASCADE, related_name="place")
    history = HistoricalRecords()

    def __str__(self) -> str:
        return f"{self.use_case} in {self.unit}"


class UnitGroup(models.Model):
    """The group of people who hold a role (`operations`, `risk`, `admin`) on every use case of a business unit."""

    unit = models.ForeignKey(BusinessUnit, on_delete=models.CASCADE, related_name="groups")
    role = models.CharField(max_length=16)
    group = models.OneToOneField(Group, on_delete=models.PROTECT, related_name="unit")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["unit", "role"], name="unit_role_once")]

    def __str__(self) -> str:
        return f"{self.role} of {self.unit}"


class Delegation(models.Model):
    """Rights that one person lends another on one use case, until a moment; never more than the giver holds then.

    `verbs`: which (`tune approve kill review`). It ends by itself at `ends_at`, or earlier, at `ended_at`.
    """

    use_case = models.ForeignKey(UseCase, on_delete=models.CASCADE, related_name="delegations")
    giver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="lent")
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="borrowed")
    verbs = models.JSONField(default=list)
    reason = models.TextField()
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering: ClassVar = ["-begins_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["holder", "use_case", "ends_at"], name="delegation_by_holder")
        ]

    def __str__(self) -> str:
        return f"{self.giver} lends {self.holder} rights on {self.use_case}"


class AccessReview(models.Model):
    """One going-through of who may do what: each right is confirmed or revoked by somebody, and that is recorded.

    `scope`: what is gone through, in words; one review over the same is open at a time.
    """

    number = models.PositiveIntegerField(unique=True)
    scope = models.CharField(max_length=200, default="every use case")
    reason = models.TextField(blank=True)
    started_by = models.CharField(max_length=150)
    started_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=150, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering: ClassVar = ["-number"]

    def __str__(self) -> str:
        return f"Access review {self.number}"


class AccessReviewLine(models.Model):
    """One holder's rights on one use case as they stood when the review began, and what was said of them.

    `holder_kind`: `person`, `group` or `delegation`; `holder` its name, `holder_id` its key.
    """

    VERDICTS: ClassVar = [("", "Open"), ("confirmed", "Confirmed"), ("revoked", "Revoked"), ("gone", "Gone")]

    review = models.ForeignKey(AccessReview, on_delete=models.CASCADE, related_name="lines")
    use_case = models.ForeignKey(UseCase, on_delete=models.CASCADE, related_name="access_lines")
    holder_kind = models.CharField(max_length=16)
    holder = models.CharField(max_length=320)
    holder_id = models.BigIntegerField()
    verbs = models.JSONField(default=list)
    verdict = models.CharField(max_length=16, choices=VERDICTS, blank=True)
    comment = models.TextField(blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)
    history = HistoricalRecords()

    class Meta:
        ordering: ClassVar = ["use_case__name", "holder_kind", "holder"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["review", "use_case", "holder_kind", "holder_id"], name="access_line_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.holder} on {self.use_case}"
