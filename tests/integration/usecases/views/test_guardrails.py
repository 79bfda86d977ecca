"""Limits knob by knob."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from usecases.models import UseCase

GUARDRAILS = "/use-cases/claims/guardrails"
ANSWER = "bands.answer.from"


@pytest.fixture
def reviewer(client: "Client", risk: "User", use_case: "UseCase") -> "Client":
    client.force_login(risk)
    return client


def typed(**changes: str) -> dict[str, str]:
    plain = {
        "lane-low": "0.75",
        "lane-high": "0.95",
        "limit-low": "0.6",
        "limit-high": "1",
        "reason": "Spring.",
    }
    return {f"{ANSWER}:{key}": changes.get(key.replace("-", "_"), value) for key, value in plain.items()}


def test_everybody_reads_lane_limit_reason_and_who(
    client: "Client", ops: "User", use_case: "UseCase"
) -> None:
    client.force_login(ops)

    shown = client.get(GUARDRAILS).content.decode()

    assert "0.75 to 0.95" in shown
    assert "Set after the spring review." in shown
    assert "admin, " in shown
    assert "Set the guardrails" not in shown


def test_risk_sets_limits(reviewer: "Client", use_case: "UseCase") -> None:
    form = typed(lane_low="0,8") | {"models": "openai/gpt-4o\n\nopenai/gpt-4o", "reason": "Autumn review"}
    answer = reviewer.post(GUARDRAILS, form, follow=True)

    use_case.guardrail.refresh_from_db()
    assert use_case.guardrail.knobs == {
        ANSWER: {"lane": [0.8, 0.95], "limit": [0.6, 1.0], "reason": "Spring."}
    }
    assert use_case.guardrail.approved_models == ["openai/gpt-4o"]
    assert "risk, " in answer.content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lane_low": "much"}, "The lane has to be two numbers, the lower first."),
        ({"lane_low": ""}, "The lane has to be two numbers, the lower first."),
        ({"lane_low": "0.5"}, "has to lie inside the limit 0.6 to 1"),
        ({"limit_low": "nan"}, "The limit has to be two numbers, the lower first."),
    ],
)
def test_what_makes_no_sense_is_told_beside_its_knob_and_kept(
    reviewer: "Client", use_case: "UseCase", changes: dict[str, str], words: str
) -> None:
    refused = reviewer.post(GUARDRAILS, typed(**changes) | {"reason": "Kept reason"})

    assert refused.status_code == 422
    assert words in refused.content.decode()
    assert "Kept reason" in refused.content.decode()
    use_case.guardrail.refresh_from_db()
    assert use_case.guardrail.knobs[ANSWER]["lane"] == [0.75, 0.95]
