"""What a use case is for and what could go wrong, on one page."""

from typing import ClassVar

from django.db import models
from simple_history.models import HistoricalRecords

from usecases.models.use_cases import UseCase


class OnePager(models.Model):
    """The one-pager of a use case and its data protection impact assessment. Questions: `usecases.one_pagers`.

    `answers` and `dpia` hold text by the key of the question; what is not there is not answered yet.
    """

    use_case = models.OneToOneField(UseCase, on_delete=models.CASCADE, related_name="one_pager")
    answers = models.JSONField(default=dict)
    dpia = models.JSONField(default=dict)
    written_by = models.CharField(max_length=150, blank=True)
    written_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    class Meta:
        ordering: ClassVar = ["use_case__name"]

    def __str__(self) -> str:
        return f"One-pager of {self.use_case}"
