"""A month of a use case, made through the product's own actions by a clock that is moved: March 2026 of “claims”.

Two people approve, a third is vetoed, an override ends, assistants confirm a stop, limits are tightened, a name is
erased; other use cases live their own lives in between, and something happens before and after.
"""

from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from audit import checkpoints, erasure, log
from audit.models import Event
from routing.actions import heartbeats
from routing.actions.heartbeats import Heartbeat, Held
from routing.models import Target
from tests.documents import claims
from tests.integration.audit.records import seal
from tests.integration.conftest import GUARDRAILS
from usecases.actions import (
    approvals,
    changes,
    guardrails,
    kill_switches,
    overrides,
    promises,
    use_cases,
    versions,
)
from usecases.models import Change, UseCase

SINCE, UNTIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
ERASED_NAME = "second-reviewer"


class Clock:
    """The time, which only moves when it is told to; each look at it takes a millisecond."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.at = SINCE
        # What Django's own `now` asks: some hold on to that function itself.
        patch.setattr(timezone, "datetime", type("Moved", (datetime,), {"now": self.now}))

    def now(self, tz: Any = None) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def move(self, month: int, day: int, hour: int = 9) -> None:
        """Move on to a day; what happened until then is chained, and signed."""
        seal()
        checkpoints.make()
        self.at = datetime(2026, month, day, hour, tzinfo=UTC)


class Month:
    """The people, the use cases, and what they do."""

    def __init__(self, clock: Clock, people: dict[str, User]) -> None:
        self.clock = clock
        self.ops, self.risk, self.admin = people["ops"], people["risk"], people["admin"]
        self.second = User.objects.create_user(ERASED_NAME)
        self.second.groups.set(self.risk.groups.all())

    def live(self) -> UseCase:
        """Live it through, and return its use case."""
        self.clock.move(2, 20)
        self.claims, self.other = self.created("claims"), self.created("refunds")
        self.before()
        self.changes()
        self.stops()
        self.limits_and_erasure()
        self.after()
        return self.claims

    def created(self, slug: str) -> UseCase:
        return use_cases.create(
            slug=slug, name=slug.capitalize(), owner="claims-ops", document=claims(), by=self.admin,
            message="A colleague is checking your claim.", guardrails=GUARDRAILS,
        ).use_case  # fmt: skip

    def elsewhere(self, edge: float) -> None:
        """Let something happen that is no business of whoever reads about “claims”."""
        versions.apply(use_case=self.other, document=claims(edge), by=self.ops, reason="Not for your eyes")

    def before(self) -> None:
        self.clock.move(2, 25)
        versions.apply(use_case=self.claims, document=claims(0.8), by=self.ops, reason="Backlog")
        self.clock.move(2, 27)
        self.first = changes.submit(
            use_case=self.claims, document=claims(0.72), by=self.ops, reason="Peak season"
        )
        self.limits(approvals=2)
        self.elsewhere(0.81)

    def limits(self, floor: float = 0.6, **terms: Any) -> None:
        given: Any = GUARDRAILS
        edge = {"lane": [0.75, 0.95], "limit": [floor, 1.0], "reason": "Spring review."}
        knobs, models = given["knobs"] | {"bands.answer.from": edge}, given["models"]
        guardrails.set_limits(
            use_case=self.claims, knobs=knobs, approved_models=models, by=self.risk, terms=terms
        )

    def changes(self) -> None:
        self.clock.move(3, 2)
        approvals.approve(change=self.first, by=self.risk, reason="Bound is fine")
        self.elsewhere(0.82)
        self.clock.move(3, 3)
        approvals.approve(change=self.first, by=self.admin, reason="Seen the replay")
        changes.apply(change=self.fresh(self.first), by=self.ops)
        self.clock.move(3, 5)
        vetoed = changes.submit(use_case=self.claims, document=claims(0.62), by=self.ops, reason="More")
        approvals.approve(change=vetoed, by=self.second, reason="My desk can take it")
        approvals.request_changes(change=vetoed, by=self.risk, reason="Why so low?")
        changes.comment(
            change=self.fresh(vetoed), by=self.risk, text="This is the knob", path="bands.answer.from"
        )
        approvals.veto(change=self.fresh(vetoed), by=self.admin, reason="Not this quarter")
        self.elsewhere(0.83)
        self.clock.move(3, 8)
        given = overrides.override(
            use_case=self.claims, document=claims(0.66), by=self.admin, reason="Storm: too many claims"
        )
        self.clock.move(3, 8, 11)
        overrides.end_due(override=given)
        overrides.review(override=given, by=self.risk, reason="Was right")

    def fresh(self, change: Change) -> Change:
        return Change.objects.select_related("use_case", "author").get(pk=change.pk)

    def stops(self) -> None:
        self.clock.move(3, 10)
        self.assistants_confirm()
        kill_switches.engage(use_case=self.claims, by=self.risk, reason="Wrong answers about storms")
        self.assistants_confirm()
        self.elsewhere(0.84)
        self.clock.move(3, 10, 12)
        kill_switches.restore(use_case=self.claims, by=self.ops, reason="Index repaired")
        self.assistants_confirm()
        self.clock.move(3, 12)
        kill_switches.engage(use_case=self.claims, by=self.ops, to="review_all")
        kill_switches.engage(use_case=self.claims, by=self.ops, message="Please call us.")
        kill_switches.restore(use_case=self.claims, by=self.admin)

    def assistants_confirm(self) -> None:
        target = Target.objects.get(use_case="claims")
        held = Held("claims", target.version, target.digest, target.digest)
        heartbeats.record([Heartbeat(name, [held]) for name in ("assistant-1", "assistant-2")])

    def limits_and_erasure(self) -> None:
        self.clock.move(3, 15)
        promises.state(use_case=self.claims, promise={"wrong_at_most": 0.03}, by=self.ops)
        self.limits(floor=0.65, approvals=2)
        self.clock.move(3, 20)
        event = Event.objects.get(kind="change.approved", actor=ERASED_NAME)
        erasure.erase(
            event=event, fields=["actor", "reason"], by=log.System("admin"), reason="Left the company"
        )
        self.elsewhere(0.86)
        versions.apply(use_case=self.claims, document=claims(0.9), by=self.ops, reason="Quiet weeks")

    def after(self) -> None:
        self.clock.move(4, 2)
        changes.submit(use_case=self.claims, document=claims(0.7), by=self.ops, reason="April")
        versions.apply(use_case=self.claims, document=claims(0.88), by=self.ops)
        self.elsewhere(0.87)
        self.clock.move(4, 3)


@contextmanager
def lived(people: Callable[[], dict[str, User]]) -> Any:
    """Live the month, and go back to the present time."""
    with pytest.MonkeyPatch.context() as patch:
        month = Month(Clock(patch), people())
        month.live()
        yield month
