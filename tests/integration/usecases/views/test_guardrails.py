"""Limits knob by knob."""

import html
import re
from typing import TYPE_CHECKING

import pytest

from usecases.actions import guardrails

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
    assert ": “Autumn review”" in answer.content.decode()
    assert ": “Autumn review”" in reviewer.get("/use-cases/claims/").content.decode()


def test_numbers_are_read_as_people_write_them(reviewer: "Client", use_case: "UseCase") -> None:
    share, cost = "thresholds.audit_share", "thresholds.cost_per_task_usd"
    form = typed() | {
        f"{share}:limit-low": "2%",
        f"{share}:limit-high": "1",
        f"{share}:reason": "Keeps it honest.",
    }
    form |= {
        f"{cost}:lane-low": "$0.02",
        f"{cost}:lane-high": "0,08",
        f"{cost}:limit-low": "0",
        f"{cost}:limit-high": "$1",
    }
    assert reviewer.post(GUARDRAILS, form).status_code == 302

    use_case.guardrail.refresh_from_db()
    assert use_case.guardrail.knobs[share]["limit"] == [0.02, 1.0]
    assert use_case.guardrail.knobs[cost] == {"lane": [0.02, 0.08], "limit": [0.0, 1.0], "reason": ""}


def test_the_lines_of_a_reason_stay_as_they_are(reviewer: "Client", use_case: "UseCase") -> None:
    said = "Spring.\nSee the minutes of March."
    reviewer.post(
        GUARDRAILS, typed() | {f"{ANSWER}:reason": said.replace("\n", "\r\n")}
    )  # as browsers send it

    use_case.guardrail.refresh_from_db()
    assert use_case.guardrail.knobs[ANSWER]["reason"] == said
    assert f'placeholder="Why?">{said}</textarea>' in reviewer.get(GUARDRAILS).content.decode()


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


def test_every_fault_of_the_terms_stands_beside_its_field_and_what_was_typed_is_kept(
    reviewer: "Client", use_case: "UseCase"
) -> None:
    wrong = {
        "terms": "1",
        "approvals": "9",
        "approvals_to_restore": "0",
        "expire_days": "14",
        "evidence_hours": "72",
        "freezes": "soon",
        "groups": "nobody-knows",
        "golden_name": "core",
        "golden_score": "2",
        "zone": "Nowhere",
    }
    page = reviewer.post(GUARDRAILS, typed() | wrong)

    said = page.content.decode()
    assert page.status_code == 422
    for key in ("approvals", "freezes", "golden_score", "zone"):
        field = re.search(rf'<(?:input|textarea)[^>]*id="t-{key}"[^>]*>', said)
        assert field
        assert 'aria-invalid="true"' in field[0]
        assert f"t-{key}-why" in field[0]
        assert f'<p class="why" id="t-{key}-why">' in said
    assert "Has to be a whole number from 0 to 5." in said
    assert "“soon” is no freeze." in said
    assert all(f'value="{wrong[key]}"' in said for key in ("approvals", "golden_score", "zone"))
    use_case.guardrail.refresh_from_db()
    assert "zone" not in use_case.guardrail.terms.get("quiet_hours", {})


def test_a_freeze_is_read_on_the_readers_clock_and_stays_to_the_second_when_the_form_is_sent_again(
    reviewer: "Client", use_case: "UseCase", risk: "User"
) -> None:
    freeze = {
        "from": "2026-12-20T00:00:30.123456Z",
        "until": "2027-01-02T00:00:00+00:00",
        "reason": "Year's end",
    }
    guardrail = use_case.guardrail
    kept = {"knobs": guardrail.knobs, "approved_models": guardrail.approved_models}
    guardrails.set_limits(use_case=use_case, by=risk, terms={"freezes": [freeze]}, **kept)
    reviewer.cookies["tz"] = "Europe/Berlin"

    said = html.unescape(reviewer.get(GUARDRAILS).content.decode())

    assert "2026-12-20 01:00 to 2027-01-02 01:00 Year's end</textarea>" in said
    assert "on your clock, Europe/Berlin" in said
    line = "2026-12-20 01:00 to 2027-01-02 01:00 Year's end"
    numbers = {"approvals": "2", "approvals_to_restore": "0", "expire_days": "14", "evidence_hours": "72"}
    sent = reviewer.post(GUARDRAILS, typed() | numbers | {"terms": "1", "freezes": line, "zone": "UTC"})
    assert sent.status_code == 302
    guardrail.refresh_from_db()
    assert (guardrail.terms["approvals"], guardrail.terms["freezes"]) == (2, [freeze])
