"""Whatever people do in whatever order: nothing goes live that a limit forbids, or that others did not agree to.

The machine keeps its own book of who approved what, by whole content and not by digest, and judges every version that
comes to be by that book alone.
"""

import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.documents import claims
from usecases import change_tasks
from usecases.actions import approvals, changes, drafts, guardrails, kill_switches, overrides, versions
from usecases.models import Change, Guardrail, Override, UseCase, Version
from usecases.publishing import Refused, Stale, latest

EDGES = st.sampled_from([0.62, 0.66, 0.7, 0.72, 0.8, 0.9])
PEOPLE = st.sampled_from(["ops", "risk", "admin", "second"])
NUMBERS = st.integers(1, 4)
EXPECTED = (Refused, Stale, PermissionDenied)


def edge(document: dict[str, Any]) -> float:
    return float(document["bands"][0]["from"])


def text(*parts: Any) -> str:
    return json.dumps(parts, sort_keys=True)


class Console(RuleBasedStateMachine):
    """A use case, four people, and everything that they can do to it."""

    use_case: UseCase
    people: dict[str, User]

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.book: set[tuple[str, str, int]] = set()  # who, what exactly, which change
        self.judged = latest(self.use_case).number
        self.before_override: dict[str, Any] | None = None
        self.granted = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def person(self, name: str) -> User:
        return User.objects.get(pk=self.people[name].pk)

    def act(self, call: Any) -> Any:
        try:
            with transaction.atomic():
                return call()
        except EXPECTED:
            return None

    def change(self, number: int) -> Change | None:
        """Return one of the changes that are open, else the newest there is: most acts should meet one."""
        rows = Change.objects.filter(use_case=self.use_case).select_related("use_case", "author")
        living = list(rows.filter(status__in=Change.LIVING).order_by("number"))
        return living[number % len(living)] if living else rows.order_by("-number").first()

    def mostly_author(self, change: Change, who: str) -> User:
        """Return the author, for who is named as nobody else: strangers' attempts are in the table of rights."""
        return self.person(who) if who == "second" else self.person(change.author.get_username())

    def content(self, change: Change) -> str:
        """Return all that an approval is for, in full."""
        live = latest(self.use_case)
        bounds = Guardrail.objects.get(use_case=self.use_case)
        stop = 0
        if change.leaves_to:
            last = Version.objects.filter(use_case=self.use_case, state="live").order_by("-number")[0]
            stop = last.number
        return text(
            change.document,
            change.leaves_to,
            live.document,
            live.baseline,
            bounds.full(),
            change.evidence,
            stop,
        )

    @rule(needed=st.sampled_from([1, 1, 2, 0]), back=st.integers(0, 1))
    def risk_sets_terms(self, needed: int, back: int) -> None:
        held = Guardrail.objects.get(use_case=self.use_case)
        terms = {"approvals": needed, "approvals_to_restore": back}
        self.limits(held.knobs, terms)

    @rule(lane=st.sampled_from([0.7, 0.75, 0.82]), limit=st.sampled_from([0.6, 0.65, 0.7]))
    def risk_sets_limits(self, lane: float, limit: float) -> None:
        self.limits({"bands.answer.from": {"lane": [lane, 0.95], "limit": [limit, 1.0], "reason": ""}}, {})

    def limits(self, knobs: dict[str, Any], terms: dict[str, Any]) -> None:
        guardrails.set_limits(
            use_case=self.use_case, knobs=knobs, approved_models=[], by=self.person("risk"), terms=terms
        )

    @rule(who=PEOPLE, to=EDGES, latency=st.sampled_from([8.0, 6.0]))
    def submits(self, who: str, to: float, latency: float) -> None:
        document = claims(to, latency_s=latency)
        self.act(lambda: changes.submit(use_case=self.use_case, document=document, by=self.person(who)))

    @initialize(who=st.sampled_from(["ops", "second"]), to=st.sampled_from([0.66, 0.7, 0.72]))
    def begins_with_an_approved_change(self, who: str, to: float) -> None:
        self.submits_and_two_agree(who, to)

    @rule(who=st.sampled_from(["ops", "second"]), to=st.sampled_from([0.66, 0.7, 0.72]))
    def submits_and_two_agree(self, who: str, to: float) -> None:
        """Bring a change to where one more act decides: at random that is rare."""
        self.submits(who, to, 8.0)
        for number in range(Change.objects.filter(status="open").count()):
            self.approves("risk", number)
            self.approves("admin", number)

    @rule(number=NUMBERS, to=st.sampled_from([0.66, 0.7, 0.72, 0.8]))
    def is_amended_and_applied(self, number: int, to: float) -> None:
        self.amends("ops", number, to)
        self.applies_a_change("ops", number)

    @rule(number=NUMBERS, to=EDGES)
    def is_overtaken_and_applied(self, number: int, to: float) -> None:
        self.applies_alone("admin", to, 6.0)
        self.works_over("ops", number, "rebase")
        self.applies_a_change("ops", number)

    @rule(who=PEOPLE, number=NUMBERS)
    def approves(self, who: str, number: int) -> None:
        change = self.change(number)
        if change and self.act(lambda: approvals.approve(change=change, by=self.person(who))):
            self.book.add((who, self.content(change), change.number))

    @rule(who=PEOPLE, number=NUMBERS, to=EDGES)
    def amends(self, who: str, number: int, to: float) -> None:
        change = self.change(number)
        if change:
            self.act(
                lambda: changes.amend(change=change, by=self.mostly_author(change, who), document=claims(to))
            )

    @rule(who=PEOPLE, number=NUMBERS, how=st.sampled_from(["request_changes", "request_changes", "veto"]))
    def objects(self, who: str, number: int, how: str) -> None:
        change = self.change(number)
        if change:
            self.act(lambda: getattr(approvals, how)(change=change, by=self.person(who), reason="No"))

    @rule(who=PEOPLE, number=NUMBERS, how=st.sampled_from(["rebase", "renew_evidence", "withdraw"]))
    def works_over(self, who: str, number: int, how: str) -> None:
        change = self.change(number)
        if change:
            self.act(lambda: getattr(changes, how)(change=change, by=self.mostly_author(change, who)))

    @rule(who=PEOPLE, number=NUMBERS)
    def applies_a_change(self, who: str, number: int) -> None:
        change = self.change(number)
        if change:
            self.act(lambda: changes.apply(change=change, by=self.mostly_author(change, who)))

    @rule(who=PEOPLE, number=NUMBERS)
    def has_it_go_live_by_itself(self, who: str, number: int) -> None:
        change, at = self.change(number), timezone.now() + timedelta(hours=1)
        if change and self.act(
            lambda: changes.schedule(change=change, by=self.mostly_author(change, who), at=at)
        ):
            Change.objects.filter(scheduled_for=at).update(scheduled_for=timezone.now())
            change_tasks.keep_time()

    @rule(who=PEOPLE, to=EDGES, latency=st.sampled_from([8.0, 6.0]))
    def applies_alone(self, who: str, to: float, latency: float) -> None:
        document = claims(to, latency_s=latency)
        self.act(lambda: versions.apply(use_case=self.use_case, document=document, by=self.person(who)))

    @rule(who=PEOPLE, to=EDGES)
    def tunes_and_applies(self, who: str, to: float) -> None:
        def tuned() -> None:
            draft = drafts.open_for(use_case=self.use_case, by=self.person(who))
            drafts.edit(draft=draft, document=claims(to), by=self.person(who))
            drafts.apply(draft=draft, by=self.person(who))

        self.act(tuned)

    @rule(who=PEOPLE, to=st.integers(1, 6))
    def reverts(self, who: str, to: int) -> None:
        self.act(lambda: versions.revert(use_case=self.use_case, to=to, by=self.person(who)))

    @rule(who=PEOPLE, to=st.sampled_from(["baseline", "review_all"]))
    def stops(self, who: str, to: str) -> None:
        self.act(lambda: kill_switches.engage(use_case=self.use_case, by=self.person(who), to=to))

    @rule(who=PEOPLE)
    def restores(self, who: str) -> None:
        by = self.person(who)
        if not self.act(lambda: kill_switches.restore(use_case=self.use_case, by=by)):
            self.act(lambda: changes.submit_restore(use_case=self.use_case, by=by))

    @rule(to=EDGES)
    def overrides_for_an_hour(self, to: float) -> None:
        before = latest(self.use_case).document
        by = self.person("admin")
        done = self.act(
            lambda: overrides.override(use_case=self.use_case, document=claims(to), by=by, reason="Now")
        )
        if done and done.version > self.granted:
            self.before_override, self.granted = before, done.version

    @rule()
    def its_time_is_over(self) -> None:
        Override.objects.filter(ended_at=None).update(ends_at=timezone.now())
        change_tasks.keep_time()

    @invariant()
    def every_version_was_allowed(self) -> None:
        found = Version.objects.filter(use_case=self.use_case, number__gt=self.judged).order_by("number")
        for version in found:
            previous = Version.objects.get(use_case=self.use_case, number=version.number - 1)
            self.judge(version, previous)
            self.judged = version.number
        if not Override.objects.filter(use_case=self.use_case, ended_at=None).exists():
            self.before_override = None

    def judge(self, version: Version, previous: Version) -> None:
        bounds = Guardrail.objects.get(use_case=self.use_case).full()
        bound = bounds["knobs"]["bands.answer.from"]
        new, ground = edge(version.document), self.before_override or previous.document
        if version.kind not in ("kill", "message") and (version.state, new) != (
            previous.state,
            edge(previous.document),
        ):
            back = version.state in ("live", "review_all") or version.kind in ("change", "revert", "override")
            assert not back or new >= bound["limit"][0], "past a hard limit"
        needed = 0
        if version.kind in ("change", "revert") and new < bound["lane"][0] and new < edge(ground):
            needed = bounds["approvals"]
        if previous.state == "baseline" and version.state != "baseline":
            needed = bounds["approvals_to_restore"]
        if previous.state == "review_all" and version.state == "live":
            needed = bounds["approvals_to_restore"]
        if not needed:
            return
        change = Change.objects.get(use_case=self.use_case, version=version.number)
        stop = 0
        if change.leaves_to:
            last = Version.objects.filter(use_case=self.use_case, state="live", number__lt=version.number)
            stop = last.order_by("-number")[0].number
        exactly = text(
            change.document,
            change.leaves_to,
            previous.document,
            previous.baseline,
            bounds,
            change.evidence,
            stop,
        )
        said = {who for who, what, number in self.book if what == exactly and number == change.number}
        assert len(said - {change.author.get_username()}) >= needed, "without its approvals"


def test_nothing_goes_live_that_was_not_allowed(use_case: UseCase, people: dict[str, User]) -> None:
    second = User.objects.create_user("second")
    second.groups.set(people["admin"].groups.all())
    machine = type("Run", (Console,), {"use_case": use_case, "people": people | {"second": second}})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


EXAMPLES = 12
