"""Events. Rows are text, refer to nothing by key, and trigger nothing."""

from typing import ClassVar

from django.db import models


class Event(models.Model):
    """One thing that somebody did. Its sentence is stored as it read when it was written."""

    at = models.DateTimeField(auto_now_add=True)
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

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["use_case", "-id"], name="event_use_case"),
            models.Index(fields=["actor", "-id"], name="event_actor"),
            models.Index(fields=["kind", "-id"], name="event_kind"),
            models.Index(fields=["-at"], name="event_at"),
        ]

    def __str__(self) -> str:
        return self.sentence
