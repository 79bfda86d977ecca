"""Tokens of people and assistants, where people sign in from, and the filters that somebody keeps."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from simple_history.models import HistoricalRecords


class Token(models.Model):
    """A bearer token. Only its SHA-256 is stored; the first characters help people tell tokens apart.

    A person's token acts as that person; one whose scope is `read` changes nothing. An assistant's token may serve the
    use cases it names, and nothing else. A rotated token has a new text; the text before works until `previous_until`.
    """

    name = models.CharField(max_length=120, unique=True)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="tokens"
    )
    use_cases = ArrayField(models.CharField(max_length=80), default=list)
    scope = models.CharField(
        max_length=8, default="full", choices=[("full", "May do what I may"), ("read", "May only read")]
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    rotated_at = models.DateTimeField(null=True)
    previous_digest = models.CharField(max_length=64, unique=True, null=True)  # noqa: DJ001 - unique
    previous_until = models.DateTimeField(null=True)
    history = HistoricalRecords(excluded_fields=["last_used_at"])

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=True) | models.Q(use_cases=[]),
                name="token_person_or_assistant",
            ),
            models.CheckConstraint(
                condition=models.Q(scope="full") | models.Q(scope="read", user__isnull=False),
                name="token_scope_of_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_assistant(self) -> bool:
        return self.user_id is None


class SignInPlace(models.Model):
    """A network address that somebody has signed in from, told by its keyed digest alone.

    Guesses from elsewhere must not keep a person out of their own account: see `console.lockout`.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_in_places"
    )
    place = models.CharField(max_length=64)
    last_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "place"], name="sign_in_place")]

    def __str__(self) -> str:
        return f"{self.user_id} from {self.place[:8]}…"


class SavedFilter(models.Model):
    """A filter of the Audit page that somebody keeps under a name. `query`: the address's query string."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters")
    name = models.CharField(max_length=80)
    query = models.TextField()
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "name"], name="saved_filter_name")]

    def __str__(self) -> str:
        return self.name
