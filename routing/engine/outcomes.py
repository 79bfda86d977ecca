"""Every decision that a document can come to, made before the first request."""

from dataclasses import replace
from typing import NamedTuple

from routing.engine import reasons
from routing.engine.decision import Decision, Verdict
from routing.engine.schema import Action, Band, ConfigDocument, Rule


class Stamp(NamedTuple):
    """What every decision of a document carries. `state` is one of the states, or `holdout`."""

    version: int
    digest: str
    state: str


class Outcome(NamedTuple):
    """What a rule or a stretch of confidence leads to.

    `plain` where no audit is drawn. `sampled` where one is: the answer that was not picked, and the one that was.
    """

    plain: Verdict
    sampled: tuple[Verdict, Verdict] | None


class Stretch(NamedTuple):
    """Confidence from `floor` up to the next stretch. No band: a rule took the stretch from the answering one."""

    floor: float
    band: Band | None


class Outcomes:
    """Makes the decisions of one document. `turned` names the bands and rules whose action the state changed."""

    def __init__(self, document: ConfigDocument, stamp: Stamp, turned: frozenset[str]) -> None:
        self.stamp = stamp
        self.turned = turned
        self.models = frozenset(model.name for model in document.models)
        self.audit_share = document.thresholds.audit_share
        self.bands = sorted(document.bands, key=lambda band: band.floor)
        reviewing = [band.queue for band in document.bands if band.action == "review"]
        escalating = [band.queue for band in self.bands if band.action == "escalate"]
        self.desks: dict[Action, str | None] = {
            "answer": None,
            "review": _first([*reviewing, *escalating]),
            "escalate": _first([*escalating, *reviewing]),
        }

    def by_rule(self, rule: Rule, action: Action) -> Outcome:
        """Return what a rule that sets the whole action leads to."""
        detail = reasons.by_rule(rule.name, action)
        decision = self._person_or_answer(action, rule, reasons.TARGETING_MATCH, detail)
        return self._outcome(self._stamped(decision, f"rule {rule.id}"))

    def by_threshold(self, rule: Rule | None, detail: str) -> Verdict:
        """Return what a crossed threshold leads to: a person answers."""
        decision = self._person_or_answer("escalate", rule, reasons.TARGETING_MATCH, detail)
        return Verdict(self._stamped(decision), self.models)

    def by_band(self, rule: Rule | None, stretch: Stretch, ceiling: float | None) -> Outcome:
        """Return what a stretch of confidence leads to."""
        moved = rule is not None and rule.then.answer_from is not None
        detail = reasons.NO_BAND
        if stretch.band:
            detail = reasons.by_band(stretch.band.name, stretch.floor, ceiling)
        if rule and rule.then.answer_from is not None:
            detail = reasons.by_rules_threshold(rule.name, rule.then.answer_from, detail)
        reason = reasons.TARGETING_MATCH if moved else reasons.DEFAULT
        return self._banded(rule, stretch.band, reason, detail)

    def unsure(self, rule: Rule | None, lowest: Stretch) -> Outcome:
        """Return what a missing or unreadable confidence leads to: the lowest band, never a rule's lowered answer."""
        band = self.bands[0] if self.bands[0].action != "answer" else lowest.band
        detail = reasons.unsure(band.name) if band else reasons.NO_BAND
        return self._banded(rule, band, reasons.DEFAULT, detail)

    def failed(self, rule: Rule | None) -> Decision:
        """Return what a request without any answer leads to: the lowest band, or a person where that one answers."""
        band = self.bands[0] if self.bands[0].action != "answer" else None
        outcome = self._banded(rule, band, reasons.ERROR, reasons.NO_ANSWER)
        return replace(outcome.plain[None], reason=reasons.ERROR)

    def _banded(self, rule: Rule | None, band: Band | None, reason: str, detail: str) -> Outcome:
        """Make the decision of a band; without a band a person answers."""
        if band is None:
            return self._outcome(self._stamped(self._person_or_answer("escalate", rule, reason, detail)))
        queue = (rule.then.queue if rule else None) or band.queue
        decision = self._decision(band.action, rule, queue, reason, detail)
        return self._outcome(self._stamped(replace(decision, band=band.name), f"band {band.name}"))

    def _person_or_answer(self, action: Action, rule: Rule | None, reason: str, detail: str) -> Decision:
        """Make a decision that no band was asked for, with the rule's queue or the desk for such cases."""
        queue = (rule.then.queue if rule else None) or self.desks[action]
        return self._decision(action, rule, queue, reason, detail)

    def _decision(
        self, action: Action, rule: Rule | None, queue: str | None, reason: str, detail: str
    ) -> Decision:
        return Decision(
            action=action,
            model=None,
            band=None,
            rule=rule.id if rule else None,
            queue=None if action == "answer" else queue,
            reason=reason,
            detail=detail,
            version=self.stamp.version,
            digest=self.stamp.digest,
        )

    def _stamped(self, decision: Decision, part: str = "") -> Decision:
        """Say what the state has to do with it."""
        if self.stamp.state == "baseline":
            detail = f"{reasons.ON_BASELINE} {decision.detail}"
            return replace(decision, reason=reasons.DISABLED, detail=detail)
        if self.stamp.state == "holdout":
            return replace(decision, reason=reasons.SPLIT, detail=reasons.HELD_OUT, holdout=True)
        if part in self.turned:
            return replace(
                decision, reason=reasons.DISABLED, detail=f"{reasons.ALL_REVIEWED} {decision.detail}"
            )
        return decision

    def _outcome(self, decision: Decision) -> Outcome:
        plain = Verdict(decision, self.models)
        if decision.action != "answer" or not self.audit_share:
            return Outcome(plain, None)
        passed = replace(decision, audit_share=self.audit_share)
        audited = replace(passed, audited=True)
        return Outcome(plain, (Verdict(passed, self.models), Verdict(audited, self.models)))


def _first(queues: list[str | None]) -> str | None:
    """Return the first queue that is named."""
    return next((queue for queue in queues if queue), None)
