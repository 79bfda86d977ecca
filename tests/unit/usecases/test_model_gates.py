"""Models are asked at approved endpoints and in allowed regions; what is not known does not pass."""

from datetime import UTC, datetime
from typing import Any

from tests.documents import CLAIMS, claims
from usecases.checks import check
from usecases.gates import gates
from usecases.subjects import Subject

EU = {"regions": ["eu"], "model_regions": {"openai/gpt-4o-mini": "eu", "openai/gpt-4o": "us"}}


def shut(guardrails: dict[str, Any], draft: dict[str, Any]) -> dict[str, str]:
    found = gates({"knobs": {}, "models": [], **guardrails}, CLAIMS, draft)
    return {gate.path: gate.message for gate in found if gate.status == "shut"}


def moved(*addresses: str | None) -> dict[str, Any]:
    document = claims()
    for model, address in zip(document["models"], addresses, strict=False):
        model["api_base"] = address
    return document


def test_every_model_has_to_be_asked_at_an_approved_endpoint() -> None:
    asked = {"endpoints": ["https://eu.example.com/openai"]}
    assert shut(asked, moved(*["https://eu.example.com/openai/v1"] * 2)) == {}
    found = shut(asked, moved("https://eu.example.com.evil/openai", None))
    assert "https://eu.example.com.evil/openai, which is not an approved" in found["models[0].api_base"]
    assert "has no address of its own" in found["models[1].api_base"]


def test_a_model_outside_the_allowed_regions_is_refused() -> None:
    assert shut(EU, CLAIMS) == {"models[1].litellm": "The model “large” is in us. Allowed: eu."}


def test_a_model_in_a_region_that_nobody_has_stated_is_refused() -> None:
    found = shut({"regions": ["eu"], "model_regions": {}}, CLAIMS)
    assert list(found) == ["models[0].litellm", "models[1].litellm"]
    assert "a region that nobody has stated (openai/gpt-4o-mini)" in found["models[0].litellm"]
    assert "models[0].api_base" in shut(EU, moved("https://us.example.com"))


def test_endpoints_and_regions_are_gates_of_their_own_where_they_are_asked_for() -> None:
    guardrails = {"knobs": {}, "models": [], "endpoints": ["eu.example.com"], **EU}
    now = datetime(2026, 11, 20, tzinfo=UTC)
    found = check(Subject(guardrails=guardrails, live=CLAIMS, draft=CLAIMS, now=now)).checks
    told = {one.key: one.status for one in found}
    assert (told["models"], told["endpoints"], told["regions"]) == ("passed", "failed", "failed")
    free = check(Subject(guardrails={"knobs": {}, "models": []}, live=CLAIMS, draft=CLAIMS, now=now))
    assert not {"endpoints", "regions"} & {one.key for one in free.checks}
