"""Whatever people do in whatever order: nothing goes live that a limit forbids, or that others did not agree to.

The machine keeps its own book of who approved what, by whole content and not by digest, and judges every version that
comes to be by that book alone.
"""

from collections.abc import Callable
from dataclasses import astuple
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
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
from tests.integration.usecases.allowances import BETWEEN, KNOB, PLAIN, Bounds, Past, edge, text
from usecases import change_tasks
from usecases.actions import (
    approvals,
    changes,
    delegations,
    drafts,
    guardrails,
    kill_switches,
    lanes,
    overrides,
    use_cases,
    versions,
)
from usecases.models import Change, Delegation, Guardrail, Lane, Override, UseCase, Version
from usecases.publishing import Refused, Stale, latest

EDGES = st.sampled_from([0.62, 0.66, 0.7, 0.72, 0.8, 0.9])
PEOPLE = st.sampled_from(["ops", "risk", "admin", "second"])
NUMBERS = st.integers(1, 4)
JUDGES = st.sampled_from(["risk", "admin", "second"])
EXPECTED = (Refused, Stale, PermissionDenied, Http404)


class Console(RuleBasedStateMachine):
    """Two use cases with a lane in common, four people, and everything that they can do to them."""

    cases: list[UseCase]
    people: dict[str, User]

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.use_case = self.cases[0]
        self.book: set[tuple[int, int, str, int]] = (
            set()
        )  # who, of which use case, what exactly, which change
        self.past = {one.pk: Past(latest(one).number) for one in self.cases}
        self.judges = {"risk", "admin", "second"}  # who holds the right to approve
        self.away: set[str] = set()  # whose account is closed
        self.loans: set[tuple[str, str]] = set()  # who has lent whom that right

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def person(self, name: str) -> User:
        return User.objects.get(pk=self.people[name].pk)

    def act(self, call: Any) -> Any:
        """Try something, and judge at once what came of it: by what holds now, not by what the next act makes hold."""
        self.every_version_was_allowed()
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
        return self.person(who) if who == "second" else User.objects.get(pk=change.author_id)

    def content(self, change: Change) -> str:
        """Return all that an approval is for, in full."""
        live = latest(self.use_case)
        return self.exactly(change, live, live.number + 1)

    def exactly(self, change: Change, live: Version, before: int) -> str:
        """Return in full what an approval of a change is for, where `live` is what it would replace."""
        stop = 0
        if change.leaves_to:
            rows = Version.objects.filter(use_case=self.use_case, state="live", number__lt=before)
            stop = rows.order_by("-number")[0].number
        ground = [live.document, live.baseline, astuple(Bounds.of(self.use_case))]
        return text(change.document, change.leaves_to, ground, change.evidence, stop)

    def counts(self, who: str, author: str) -> bool:
        """Say whether somebody's approval of a change by this author may count now."""
        lenders = {giver for giver, holder in self.loans if holder == who} & self.judges - self.away - {
            author
        }
        name = self.person(who).get_username()
        return (
            who not in self.away
            and (who in self.judges or bool(lenders))
            and all(name in names for names in Bounds.of(self.use_case).named)
        )

    @rule(which=st.integers(0, 1))
    def people_turn_to_a_use_case(self, which: int) -> None:
        self.use_case = self.cases[which]

    @rule(people=st.sampled_from([[], ["risk", "admin"], ["second", "admin"], ["admin", "ops", "second"]]))
    def risk_names_who_may_approve(self, people: list[str]) -> None:
        held = Guardrail.objects.get(use_case=self.use_case)
        self.limits(held.knobs, {"approvers": {"groups": [], "people": people}})

    @rule(lane=st.sampled_from([0.0, 0.72, 0.82]), limit=st.sampled_from([0.0, 0.64, 0.71]))
    def a_shared_lane_is_set(self, lane: float, limit: float) -> None:
        knobs = {KNOB: {"lane": [lane, 1.0], "limit": [limit, 1.0], "reason": ""}}
        self.set_lane(knobs=knobs)

    @rule(needed=st.sampled_from([{}, {"approvals": 0}, {"approvals": 2}, {"approvals_to_restore": 1}]))
    def a_shared_lane_asks_for_approvals(self, needed: dict[str, int]) -> None:
        self.set_lane(terms=needed)

    def set_lane(self, **said: Any) -> None:
        lane = Lane.objects.get(slug="shared")
        self.act(lambda: lanes.set_lane(lane=lane, by=self.person("admin"), **said))

    @rule(giver=JUDGES, holder=st.sampled_from(["ops", "ops", "second"]))
    def lends_the_right_to_approve(self, giver: str, holder: str) -> None:
        until, by, to = timezone.now() + timedelta(days=1), self.person(giver), self.person(holder)
        wish: dict[str, Any] = {"verbs": ["approve"], "until": until, "by": by, "to": to, "reason": "Away"}
        for one in self.cases:
            if self.act(lambda one=one: delegations.lend(use_case=one, **wish)):
                self.loans.add((giver, holder))

    @rule()
    def loans_run_out(self) -> None:
        Delegation.objects.filter(ended_at=None).update(ends_at=timezone.now())
        self.loans.clear()

    @rule(who=st.sampled_from(["risk", "second"]), back=st.booleans())
    def an_account_is_closed_or_opened(self, who: str, back: bool) -> None:
        User.objects.filter(pk=self.people[who].pk).update(is_active=back)
        (self.away.discard if back else self.away.add)(who)

    @rule(back=st.booleans())
    def a_reviewer_loses_the_right_or_gets_it_back(self, back: bool) -> None:
        groups = self.people["admin"].groups.all() if back else self.people["ops"].groups.all()
        self.person("second").groups.set(groups)
        (self.judges.add if back else self.judges.discard)("second")

    @rule(name=st.sampled_from(["second", "another"]))
    def a_reviewer_is_renamed(self, name: str) -> None:
        User.objects.filter(pk=self.people["second"].pk).update(username=name)

    def everything_is_plain(self) -> None:
        """Take back what stands in the way of an approval, so that what follows is about one thing."""
        self.limits({KNOB: {"lane": [0.75, 0.95], "limit": [0.6, 1.0], "reason": ""}}, PLAIN)
        self.set_lane(knobs={}, terms={})
        self.an_account_is_closed_or_opened("risk", back=True)
        self.an_account_is_closed_or_opened("second", back=True)
        self.a_reviewer_loses_the_right_or_gets_it_back(back=True)
        self.a_reviewer_is_renamed("second")
        Override.objects.filter(ended_at=None).update(ends_at=timezone.now())
        change_tasks.keep_time()
        for number in range(Change.objects.filter(status__in=Change.LIVING).count()):
            self.objects("admin", number, "veto")
            self.objects("risk", number, "veto")
        self.restores("admin")
        self.applies_alone("admin", 0.9, 8.0)

    @rule(to=st.sampled_from([0.66, 0.7, 0.72]), between=st.sampled_from(BETWEEN))
    def something_happens_and_it_is_applied(self, to: float, between: str) -> None:
        """Move the ground under an approved change: at random the two rarely meet."""
        self.everything_is_plain()
        if between == "unnamed":
            self.risk_names_who_may_approve(["second", "admin"])
        self.submits("ops", to, 8.0)
        if between == "loans":
            self.lends_the_right_to_approve("risk", "second")
            self.a_reviewer_loses_the_right_or_gets_it_back(back=False)
        self.approves("second" if between in ("loans", "renamed") else "risk", 0)
        moves: dict[str, Callable[[], None]] = {
            "limits": lambda: self.risk_sets_limits(0.82, 0.74),
            "lane": lambda: self.a_shared_lane_is_set(0.82, 0.74),
            "approvers": lambda: self.risk_names_who_may_approve(["second", "admin"]),
            "loans": lambda: self.loans_run_out(),
            "leaves": lambda: self.an_account_is_closed_or_opened("risk", back=False),
            "more": lambda: self.a_shared_lane_asks_for_approvals({"approvals": 2}),
            "renamed": lambda: self.a_reviewer_is_renamed("another"),
            "evidence": lambda: self.works_over("ops", 0, "renew_evidence"),
        }
        moves.get(between, lambda: None)()
        self.applies_a_change("ops", 0)

    @rule(giver=st.sampled_from(["admin", "second"]), to=st.sampled_from([0.66, 0.7, 0.72]))
    def a_change_is_approved_by_a_loan_and_applied(self, giver: str, to: float) -> None:
        self.everything_is_plain()
        self.lends_the_right_to_approve(giver, "ops")
        self.submits("admin", to, 8.0)
        self.approves("ops", 0)
        if giver == "second":
            self.a_reviewer_loses_the_right_or_gets_it_back(back=False)
        self.applies_a_change("admin", 0)

    @rule(to=st.sampled_from([0.62, 0.66]), how=st.sampled_from(["change", "shared", "override"]))
    def somebody_goes_past_a_limit(self, to: float, how: str) -> None:
        self.everything_is_plain()
        if how == "shared":
            self.a_shared_lane_is_set(0.82, 0.71)
        else:
            self.risk_sets_limits(0.82, 0.7)
        if how == "override":
            self.overrides_for_an_hour(to)
        else:
            self.submits_and_two_agree("ops", to)
            self.applies_a_change("ops", 0)

    @rule(to=st.sampled_from([0.66, 0.7]))
    def somebody_keeps_what_an_override_loosened(self, to: float) -> None:
        self.everything_is_plain()
        self.overrides_for_an_hour(to)
        self.applies_alone("admin", to, 6.0)

    @rule(needed=st.sampled_from([1, 1, 2, 0]), back=st.integers(0, 1))
    def risk_sets_terms(self, needed: int, back: int) -> None:
        held = Guardrail.objects.get(use_case=self.use_case)
        terms = {"approvals": needed, "approvals_to_restore": back}
        self.limits(held.knobs, terms)

    @rule(lane=st.sampled_from([0.7, 0.75, 0.82]), limit=st.sampled_from([0.6, 0.65, 0.7]))
    def risk_sets_limits(self, lane: float, limit: float) -> None:
        self.limits({KNOB: {"lane": [lane, 0.95], "limit": [limit, 1.0], "reason": ""}}, {})

    def limits(self, knobs: dict[str, Any], terms: dict[str, Any]) -> None:
        wish: dict[str, Any] = {"knobs": knobs, "approved_models": [], "terms": terms}
        self.act(lambda: guardrails.set_limits(use_case=self.use_case, by=self.person("risk"), **wish))

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
            pk = self.people[who].pk
            self.book.add((pk, self.use_case.pk, self.content(change), change.number))

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

    @rule(who=PEOPLE, number=NUMBERS)
    def is_to_go_live_tomorrow(self, who: str, number: int) -> None:
        change, at = self.change(number), timezone.now() + timedelta(days=1)
        if change:
            self.act(lambda: changes.schedule(change=change, by=self.mostly_author(change, who), at=at))

    @rule()
    def tomorrow_comes(self) -> None:
        Change.objects.exclude(scheduled_for=None).update(scheduled_for=timezone.now())
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
        past = self.past[self.use_case.pk]
        if done and done.version > past.granted:
            past.before_override, past.granted = before, done.version

    @rule()
    def its_time_is_over(self) -> None:
        Override.objects.filter(ended_at=None).update(ends_at=timezone.now())
        change_tasks.keep_time()

    @invariant()
    def every_version_was_allowed(self) -> None:
        focus = self.use_case
        for one in self.cases:
            self.use_case = one
            past = self.past[self.use_case.pk]
            found = Version.objects.filter(use_case=self.use_case, number__gt=past.judged).order_by("number")
            for version in found:
                previous = Version.objects.get(use_case=self.use_case, number=version.number - 1)
                self.judge(version, previous)
                past.judged = version.number
            if not Override.objects.filter(use_case=self.use_case, ended_at=None).exists():
                past.before_override = None
        self.use_case = focus

    def judge(self, version: Version, previous: Version) -> None:
        bounds, past = Bounds.of(self.use_case), self.past[self.use_case.pk]
        new, ground = edge(version.document), past.before_override or previous.document
        # Having people look at what was live is a step away from it: no limit may be in its way.
        kept = new == edge(previous.document)
        stops = version.kind == "review_all" and previous.state == "live" and kept
        same = version.state == previous.state and kept
        if not stops and not same and version.kind not in ("kill", "message"):
            back = version.state in ("live", "review_all") or version.kind in ("change", "revert", "override")
            assert not back or new >= bounds.limit, "past a hard limit"
        needed = 0
        if version.kind in ("change", "revert") and new < bounds.lane and new < edge(ground):
            needed = bounds.approvals
        if previous.state == "baseline" and version.state != "baseline":
            needed = bounds.to_restore
        if previous.state == "review_all" and version.state == "live":
            needed = bounds.to_restore
        if needed:
            self.agreed(version, previous, needed)

    def agreed(self, version: Version, previous: Version, needed: int) -> None:
        """Check by the book that enough others have approved exactly what went live, and may approve now."""
        change = Change.objects.get(use_case=self.use_case, version=version.number)
        names = {user.pk: name for name, user in self.people.items()}
        author = names[change.author_id]
        where = (self.use_case.pk, self.exactly(change, previous, version.number), change.number)
        said = {names[who] for who, *rest in self.book if tuple(rest) == where}
        assert sum(self.counts(who, author) for who in said - {author}) >= needed, "without its approvals"


@pytest.fixture
def machine(use_case: UseCase, people: dict[str, User]) -> type[Console]:
    """Two use cases that share a lane, and a second admin."""
    second, admin = User.objects.create_user("second"), people["admin"]
    second.groups.set(admin.groups.all())
    refunds = use_cases.create(slug="refunds", name="Refunds", owner="ops", document=claims(), by=admin)
    lanes.create(slug="shared", by=admin, name="Shared")
    knobs = {KNOB: {"lane": [0.75, 0.95], "limit": [0.6, 1.0], "reason": ""}}
    for one in (use_case, refunds.use_case):
        wish: dict[str, Any] = {"knobs": knobs, "approved_models": [], "lanes": ["shared"]}
        guardrails.set_limits(use_case=one, by=admin, **wish)
    cases = [use_case, refunds.use_case]
    return type("Run", (Console,), {"cases": cases, "people": people | {"second": second}})


def test_nothing_goes_live_that_was_not_allowed(machine: type[Console]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("between", ["nothing", *BETWEEN])
def test_what_moves_between_approval_and_going_live_is_met_each_time(
    machine: type[Console], between: str
) -> None:
    """The order of acts above is drawn by lot: what each single one comes to is not left to that."""
    run = machine()
    try:
        run.something_happens_and_it_is_applied(0.7, between)
        run.every_version_was_allowed()
        live = edge(latest(run.use_case).document) == 0.7
        assert live == (between in ("nothing", "renamed")), "somebody is the same under another name"
    finally:
        run.teardown()


EXAMPLES = 14
