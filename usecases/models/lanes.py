"""What risk agrees on once for several use cases, and the cases that a document has to decide as expected."""

from typing import Any, ClassVar

from django.db import models
from simple_history.models import HistoricalRecords

from usecases.models.use_cases import SLUG, UseCase


class Lane(models.Model):
    """Guardrails that several use cases share, agreed on once: “customer-facing, EU data, approved small models”.

    `knobs`, `approved_models` and `terms` are spelled as in a `Guardrail`, which names its lanes by slug. Where several
    say something of the same setting, the strictest holds. Terms that a lane does not say it does not ask for.
    """

    slug = models.CharField(max_length=80, unique=True, validators=[SLUG])
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    knobs = models.JSONField(default=dict)
    approved_models = models.JSONField(default=list)
    terms = models.JSONField(default=dict)
    set_by = models.CharField(max_length=150, blank=True)
    set_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    class Meta:
        ordering: ClassVar = ["name"]
        default_permissions: ClassVar = ()
        permissions: ClassVar = [("set_lane", "Make and set shared lanes")]

    def __str__(self) -> str:
        return self.name

    def as_dict(self) -> dict[str, Any]:
        """Return what config files and the API carry."""
        return {"knobs": self.knobs, "models": self.approved_models, **self.terms}


class GoldenSet(models.Model):
    """Cases that a document of one use case has to decide as expected.

    `cases`: `[{id, attributes, signals, expected: {action, queue?, rule?, model?}}]`; `pins` and
    `recorded_models` say under which prompt, index, source of confidence and models the signals were recorded: under
    others the score is not knowable from them.
    """

    use_case = models.ForeignKey(UseCase, on_delete=models.CASCADE, related_name="golden_sets")
    name = models.CharField(max_length=120)
    cases = models.JSONField(default=list)
    digest = models.CharField(max_length=64)
    pins = models.JSONField(default=dict)
    recorded_models = models.JSONField(default=list)
    set_by = models.CharField(max_length=150, blank=True)
    set_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["use_case", "name"], name="golden_set_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.use_case}"
