"""How a use case stands, put in words: what assistants hold and enforce, who is missing, what the day brought. Pure."""

import textwrap
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from routing.actions.rollouts import SILENT_AFTER, heard_since
from routing.models import State
from usecases.models import UseCase, Version

SETTLING = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Held:
    """What one assistant holds and enforces for one use case, against what it should."""

    instance: str
    version: int
    enforced: str
    source: str
    status: str
    error: str
    refused_version: int | None
    acked_at: datetime | None
    last_seen: datetime
    started_at: datetime | None
    software: str
    wanted: str
    wanted_version: int
    wanted_state: str
    lease_seconds: int = 300
    stopped_at: datetime | None = None

    @property
    def silent(self) -> bool:
        return timezone.now() - self.last_seen > SILENT_AFTER

    @property
    def refused(self) -> bool:
        return self.status == "refused" and (self.refused_version or 0) >= self.wanted_version

    @property
    def gone(self) -> bool:
        """Silent for longer than its lease: by then it enforces its own fallback, and nobody waits for it."""
        return self.last_seen <= heard_since(self.lease_seconds, timezone.now())

    @property
    def matches(self) -> bool:
        """Its own last word is that it enforces what is desired."""
        return self.enforced == self.wanted and self.version == self.wanted_version

    @property
    def confirmed(self) -> bool:
        """It says so, and was heard of just now."""
        return self.matches and not self.silent

    @property
    def alone(self) -> bool:
        """It ran out of its lease, or never had a document: it enforces the baseline on its own."""
        return self.source in ("lease", "built_in")

    @property
    def enforces(self) -> str:
        """Say in words what it decides with now."""
        if self.alone:
            return (
                "the baseline, by itself: its lease ran out"
                if self.source == "lease"
                else "the built-in baseline"
            )
        if not self.enforced:
            return "not said yet"
        if not self.matches:
            return f"r{self.version}, not what is desired"
        return {
            "live": f"r{self.version}",
            "review_all": f"r{self.version}, all reviewed",
            "baseline": "the baseline",
        }[self.wanted_state]

    @property
    def pill(self) -> str:
        if self.stopped_at or self.gone:
            return "idle"
        if self.refused:
            return "stop"
        return "live" if self.confirmed else "wait"

    @property
    def words(self) -> str:
        """Say how this assistant stands, worst thing first."""
        if self.stopped_at:
            return "Stopped"
        if self.gone:
            return "Gone"
        if self.refused:
            return f"Refused r{self.refused_version}"
        if self.silent:
            return "Silent"
        if self.confirmed:
            return "Confirmed"
        return f"Still on r{self.version}" if self.version else "Nothing held yet"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Desired against enforced for one use case, with the newest rollout's time.

    `assistants` count; `apart` are those that stopped or were silent for longer than their lease: shown, not counted.
    """

    slug: str
    version: int
    state: str
    digest: str
    desired_at: datetime
    assistants: tuple[Held, ...] = ()
    apart: tuple[Held, ...] = ()
    rollout_seconds: float | None = None

    @property
    def shown(self) -> list[Held]:
        return [*self.assistants, *self.apart]

    @property
    def expected(self) -> int:
        return len(self.assistants)

    @property
    def confirmed(self) -> int:
        return sum(held.confirmed for held in self.assistants)

    @property
    def silent(self) -> int:
        return sum(held.silent for held in self.assistants)

    @property
    def complete(self) -> bool:
        """The last word of everybody who counts is that the desired one is enforced."""
        return self.expected > 0 and all(held.matches for held in self.assistants)

    @property
    def laggards(self) -> list[Held]:
        return [held for held in self.assistants if not held.matches]

    @property
    def silent_names(self) -> str:
        return ", ".join(held.instance for held in self.assistants if held.silent)

    @property
    def refusals(self) -> list[Held]:
        return [held for held in self.assistants if held.refused]

    @property
    def seconds(self) -> float | None:
        """Seconds from the publication to the last confirmation; None while somebody is missing."""
        if self.rollout_seconds is not None:
            return self.rollout_seconds
        acks = [
            held.acked_at for held in self.assistants if held.acked_at and held.acked_at >= self.desired_at
        ]
        if not self.complete or not acks:
            return None
        return max((max(acks) - self.desired_at).total_seconds(), 0.0)

    @property
    def waited(self) -> float:
        return max((timezone.now() - self.desired_at).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a use case's assistants decided in a stretch of time.

    `labels` are people's verdicts on answers that were audited at random. Each stands for 1 / audit share answers:
    `labelled` is for how many in all, `wrong` for how many wrong ones.
    """

    decisions: int = 0
    answered: int = 0
    reviewed: int = 0
    escalated: int = 0
    cost_usd: float = 0.0
    latency_ms: float | None = None
    labels: int = 0
    labelled: float = 0.0
    wrong: float = 0.0

    def __add__(self, other: "Traffic") -> "Traffic":
        counts = ("decisions", "answered", "reviewed", "escalated", "cost_usd", "labels", "labelled", "wrong")
        return Traffic(**{name: getattr(self, name) + getattr(other, name) for name in counts})

    def share(self, count: int) -> float | None:
        return count / self.decisions if self.decisions else None

    @property
    def answered_share(self) -> float | None:
        return self.share(self.answered)

    @property
    def to_people(self) -> int:
        return self.reviewed + self.escalated

    @property
    def wrong_share(self) -> float | None:
        return self.wrong / self.labelled if self.labelled else None

    @property
    def cost_per_task(self) -> float | None:
        return self.cost_usd / self.decisions if self.decisions else None

    @property
    def mix(self) -> list[dict[str, Any]]:
        """Return the three parts of the bar: css letter, left edge and width in percent."""
        left, parts = 0.0, []
        for letter, count in (("a", self.answered), ("r", self.reviewed), ("e", self.escalated)):
            width = 100 * count / self.decisions if self.decisions else 0.0
            parts.append({"letter": letter, "left": f"{left:.2f}", "width": f"{width:.2f}"})
            left += width
        return [part for part in parts if part["width"] != "0.00"]

    @property
    def mix_words(self) -> str:
        """68 / 22 / 10, in whole percent."""
        return " / ".join(
            f"{100 * (self.share(n) or 0):.0f}" for n in (self.answered, self.reviewed, self.escalated)
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """A use case as it stands: newest version, since when in a safe state, what assistants confirm."""

    use_case: UseCase
    version: Version
    delivery: Delivery
    switch: Version | None = None
    traffic: Traffic = field(default_factory=Traffic)

    @property
    def safe(self) -> bool:
        return self.version.state != State.LIVE

    @property
    def live_number(self) -> int:
        """The number whose document is live, or would be after restoring."""
        return self.version.number if not self.safe else self.version.returns_to or self.version.number

    @property
    def change(self) -> str:
        """Name the newest change in a few words; a step of the switch by its name alone."""
        if self.version.kind in ("change", "revert", "baseline"):
            return textwrap.shorten(self.version.sentence.rstrip("."), 72, placeholder="…")
        return "Sent to baseline" if self.version.kind == "kill" else str(self.version.get_kind_display())

    @property
    def settling(self) -> bool:
        """A publication so young that nobody is late yet."""
        return timezone.now() - self.delivery.desired_at < SETTLING

    @property
    def pill(self) -> str:
        """Return the pill's class: the colour and the shape of what `words` say."""
        if self.version.state == State.BASELINE:
            return "stop"
        if self.delivery.refusals:
            return "stop"
        if not self.delivery.expected:
            return "idle"
        return "live" if self.delivery.complete and not self.delivery.silent and not self.safe else "wait"

    @property
    def words(self) -> str:
        """Say in a few words how the use case stands; never better than what assistants confirmed."""
        delivery, number = self.delivery, self.version.number
        counted = f"{delivery.confirmed} of {delivery.expected}"
        if delivery.refusals:
            return f"Refused by {len(delivery.refusals)} of {delivery.expected} · r{number}"
        if self.safe:
            return (
                f"{self._safe_words} since {self._since}"
                if delivery.complete or not delivery.expected
                else f"{self._going_words} · {counted}"
            )
        if not delivery.expected:
            return f"r{number} · no assistant connected"
        if delivery.complete:
            return (
                f"r{number} · {delivery.silent} of {delivery.expected} silent"
                if delivery.silent
                else f"Live · r{number}"
            )
        return f"Rolling out · r{number}, {counted}" if self.settling else f"{counted} confirmed"

    @property
    def long_words(self) -> str:
        """Say the same with the count, for a head that has room."""
        live = self.pill == "live"
        return (
            f"{self.words} on {self.delivery.confirmed} of {self.delivery.expected}" if live else self.words
        )

    @property
    def _safe_words(self) -> str:
        return "On baseline" if self.version.state == State.BASELINE else "Everything reviewed"

    @property
    def _going_words(self) -> str:
        return "Going to baseline" if self.version.state == State.BASELINE else "Going to review"

    @property
    def _since(self) -> str:
        since = timezone.localtime((self.switch or self.version).created_at)
        return since.strftime("%H:%M" if since.date() == timezone.localtime().date() else "%a %-d %b %H:%M")
