"""What a change stands on: the promise, certificates, kept what-ifs, decision logs that were brought in."""

from typing import ClassVar

from django.db import models
from simple_history.models import HistoricalRecords

from usecases.models.use_cases import UseCase


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
