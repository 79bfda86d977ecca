"""The courses that a request can take through a document: one for each rule, one for no rule.

A course knows its possible outcomes beforehand, so that judging is looking up. Which course a request takes is
decided by the rules' conditions (`conditions`); the order of all of it is told in `decide`.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import NamedTuple

from routing.engine import reasons
from routing.engine.calibration import Map, calibrated
from routing.engine.conditions import Match, compile_match, number
from routing.engine.decision import Decision, Plan, Verdict
from routing.engine.outcomes import Outcome, Outcomes, Stamp, Stretch
from routing.engine.sampling import share
from routing.engine.schema import ConfigDocument, Rule

Signals = Mapping[str, object]
Judge = Callable[[Signals, object], Decision]
Stop = Callable[[Signals], Verdict | None]

_LOW = float("-inf")
_HIGH = float("inf")
# Less than any budget, even one of 0: nothing was reported, so the budget is not part of this request.
_LEAST = -1.0


class Course(NamedTuple):
    """One way through the document.

    `stops` tells what a threshold makes of the signals, None where there is none to check. `asking` is None where no
    model need be asked.
    """

    judge: Judge
    stops: Stop | None
    asking: Plan | None


class Courses:
    """All courses of one document; `all[match(context)]` is the one to take, the last one where no rule matches."""

    def __init__(self, document: ConfigDocument, stamp: Stamp, turned: frozenset[str] = frozenset()) -> None:
        self.document = document
        # On baseline no model is asked: whatever confidence is reported is no model's, and no model failed.
        self.trusts = stamp.state in ("live", "review_all")
        self.maps: dict[str, Map] = {
            model.name: model.calibration for model in document.models if model.calibration and self.trusts
        }
        self.holdout_share = document.thresholds.holdout_share
        self.outcomes = Outcomes(document, stamp, turned)
        rules = [rule for rule in document.rules if rule.enabled]
        self.match: Match = compile_match([rule.when for rule in rules])
        self.all: list[Course] = [self._course(rule) for rule in [*rules, None]]

    def _course(self, rule: Rule | None) -> Course:
        action = rule.then.action if rule else None
        if rule and action in ("review", "escalate"):
            decision = self.outcomes.by_rule(rule, action).plain[None]
            return Course(lambda signals, request_id: decision, None, None)
        stops = self._stops(rule)
        if rule and action == "answer":
            outcome = self.outcomes.by_rule(rule, action)
            judge = self._judge(rule, stops, [0.0], [outcome], outcome)
        else:
            judge = self._judge(rule, stops, *self._bands(rule))
        return Course(judge, stops, self._asking(rule))

    def _asking(self, rule: Rule | None) -> Plan | None:
        """Return the rungs to climb, from the rule's start on."""
        rungs = tuple((rung.model, rung.accept_from) for rung in self.document.ladder)
        if not rungs or not self.trusts:
            return None
        start = rule.then.start if rule else None
        first = next((i for i, (model, _) in enumerate(rungs) if model == start), 0)
        return Plan(None, rungs[first:])

    def _stops(self, rule: Rule | None) -> Stop | None:
        """Return the check of what was reported; what is reported but cannot be read counts as the worst."""
        limits = self.document.thresholds
        sensitive, match, budget = limits.sensitivity, limits.retrieval_score, limits.daily_budget_usd
        if sensitive is None and match is None and budget is None:
            return None
        too_sensitive = self.outcomes.by_threshold(rule, reasons.too_sensitive(sensitive or 0.0))
        nothing_to_cite = self.outcomes.by_threshold(rule, reasons.nothing_to_cite(match or 0.0))
        budget_spent = self.outcomes.by_threshold(rule, reasons.budget_spent(budget or 0.0))

        def stops(signals: Signals) -> Verdict | None:
            # Written as "unless it is inside", so that NaN, which compares with nothing, is outside.
            if sensitive is not None and not _LOW < number(signals.get("sensitivity", 0.0)) <= sensitive:
                return too_sensitive
            if match is not None and not match <= number(signals.get("retrieval_score", match)) < _HIGH:
                return nothing_to_cite
            if budget is not None and not _LOW < number(signals.get("spent_today_usd", _LEAST)) < budget:
                return budget_spent
            return None

        return stops

    def _bands(self, rule: Rule | None) -> tuple[list[float], list[Outcome], Outcome]:
        """Return the lower edges, what is above each of them, and what a missing confidence leads to."""
        stretches = self._stretches(rule.then.answer_from if rule else None)
        floors = [stretch.floor for stretch in stretches]
        pairs = zip(stretches, [*floors[1:], None], strict=True)
        outcomes = [self.outcomes.by_band(rule, stretch, ceiling) for stretch, ceiling in pairs]
        return floors, outcomes, self.outcomes.unsure(rule, stretches[0])

    def _stretches(self, answer_from: float | None) -> list[Stretch]:
        """Lay out the bands, lowest first, with the answering ones starting at a rule's `answer_from`.

        Answering bands lie on top (`cross_checks`). Moved down they cover the others; moved up, the highest of the
        others reaches up to them, and where there is none a person answers.
        """
        bands = self.outcomes.bands
        answering = [band for band in bands if band.action == "answer"]
        if answer_from is None or not answering:
            return [Stretch(band.floor, band) for band in bands]
        below = [Stretch(b.floor, b) for b in bands if b.action != "answer" and b.floor < answer_from]
        if not below and answer_from > 0:
            below = [Stretch(0.0, None)]
        reached = [band for band in answering if band.floor <= answer_from] or answering[:1]
        above = [
            Stretch(band.floor, band)
            for band in answering
            if band.floor > answer_from and band != reached[-1]
        ]
        return [*below, Stretch(answer_from, reached[-1]), *above]

    def _judge(
        self,
        rule: Rule | None,
        stops: Stop | None,
        floors: list[float],
        outcomes: list[Outcome],
        unsure: Outcome,
    ) -> Judge:
        """Return steps 4 to 7 of the order as one function."""
        audit_share = self.outcomes.audit_share
        trusts, maps = self.trusts, self.maps or None
        failed = self.outcomes.failed(rule)

        def judge(signals: Signals, request_id: object) -> Decision:
            model = signals.get("model") if trusts else None
            if type(model) is not str:
                model = None
            if stops is not None:
                stop = stops(signals)
                if stop is not None:
                    return stop[model]
            if trusts and signals.get("error"):
                return failed
            confidence = signals.get("confidence")
            if type(confidence) is not float:
                confidence = number(confidence)
            if maps is not None and model in maps:
                confidence = calibrated(maps[model], confidence)
            outcome = unsure
            if 0.0 <= confidence <= 1.0 and trusts:
                outcome = outcomes[bisect_right(floors, confidence) - 1]
            if outcome.sampled is not None and type(request_id) is str and request_id:
                return outcome.sampled[share(request_id, "audit") < audit_share][model]
            return outcome.plain[model]

        return judge
