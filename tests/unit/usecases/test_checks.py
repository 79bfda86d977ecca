"""Gates of a change beyond single settings: evidence by content and age, rivals, a baseline beside the draft."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing.engine.digest import digest
from tests.documents import LOOSE, claims
from usecases.checks import check
from usecases.subjects import Check, Rival, Subject

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DRAFT = claims(LOOSE)
KNOBS = {"bands.answer.from": {"lane": [0.75, 0.95], "limit": [0.6, 1.0]}}


def judged(key: str, terms: dict[str, Any] | None = None, **more: Any) -> Check:
    subject = Subject(
        guardrails={"knobs": KNOBS, **(terms or {})}, live=claims(), draft=DRAFT, now=NOW, **more
    )
    return next(one for one in check(subject).checks if one.key == key)


def taken(*, hours_ago: float = 1, **other: Any) -> dict[str, Any]:
    found = {"document": digest(DRAFT), "live": digest(claims()), "what_if": {"decisions": 40}}
    return found | {"at": (NOW - timedelta(hours=hours_ago)).isoformat(), **other}


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        (taken(hours_ago=24), "40 decisions replayed on this very content."),
        (taken(hours_ago=24.01), "It is older than 24 hours."),
        (taken(document=digest(claims(0.71))), "It was taken for other content."),
        (taken(live=digest(claims(0.9))), "It was taken for other content."),
        (taken(what_if={"decisions": 0}), "There were no decisions to replay."),
        (taken(at="soon"), "It is older than 24 hours."),
        ({}, "None was taken."),
    ],
)
def test_evidence_counts_for_this_very_content_and_for_a_time(evidence: dict[str, Any], told: str) -> None:
    found = judged("evidence", {"evidence_needed": True, "evidence_hours": 24}, evidence=evidence)
    assert (found.passed, found.evidence) == ("replayed" in told, told)


def test_a_rival_that_touches_one_of_the_same_settings_has_to_be_waited_for() -> None:
    ahead = {"bands.answer.from", "thresholds.latency_s"}
    for paths, passes in ((ahead, False), ({"thresholds.latency_s"}, True), (set(), True)):
        rivals = [Rival(3, "risk2", frozenset(paths))]
        found = judged("conflict", base=claims(), rivals=rivals)
        assert found.passed == passes
    assert judged("conflict", base=claims(), rivals=[Rival(3, "risk2", frozenset(ahead))]).evidence == (
        "Change 3 by risk2: bands.answer.from."
    )


def test_a_baseline_that_comes_with_it_is_read_as_well() -> None:
    assert judged("schema").passed
    found = judged("schema", baseline={"schema": 1})
    assert found.status == "failed"
    assert "bands" in found.evidence
