"""Endpoints are compared by their parts: what only looks like an allowed address is another one."""

import pytest

from usecases import places

EU = ["https://eu.example.com/openai", "eu-west.example.com"]


@pytest.mark.parametrize(
    "address",
    [
        "https://eu.example.com/openai",
        "https://eu.example.com/openai/",
        "https://EU.example.com:443/openai/v1",
        "https://eu.example.com./openai/v1",
        "https://eu-west.example.com/anything",
    ],
)
def test_addresses_at_or_below_an_allowed_endpoint_pass(address: str) -> None:
    assert places.allowed(address, EU)


@pytest.mark.parametrize(
    "address",
    [
        "https://eu.example.com.evil/openai",
        "https://eu.example.com@evil.example/openai",
        "https://somebody:else@eu.example.com/openai",
        "https://evil.example/eu.example.com/openai",
        "https://evil.example#https://eu.example.com/openai",
        "https://eu.example.com/openai-evil",
        "https://eu.example.com/openai/../admin",
        "https://eu.example.com/openai/%2e%2e/admin",
        "https://eu.example.com/openai/..%2fadmin",
        "https://eu.example.com/openai/%252e%252e/admin",
        "https://eu.example.com/openai/..;/admin",
        "https://eu.example.com/openai/%zz",
        "https://eu.example.com/openai?redirect=evil",
        "https://eu.example.com\\@evil.example/openai",
        "https://eu.example.com /openai",
        "https://eu.example.com:8443/openai",
        "http://eu.example.com/openai",
        "http://eu.example.com:443/openai",
        "https://eu.example.com",
        "ftp://eu.example.com/openai",
        "https://[::1/openai",
        "https://eu.example.com:port/openai",
        "https://eu\u3002example.com/openai",
        "",
        None,
    ],
)
def test_everything_else_does_not(address: str | None) -> None:
    assert not places.allowed(address, EU)


def test_what_two_lists_share_is_the_narrower_of_each_pair() -> None:
    mine = ["https://eu.example.com", "https://us.example.com/a"]
    theirs = ["https://eu.example.com/openai", "https://us.example.com/b"]
    assert places.common(mine, theirs) == ["https://eu.example.com/openai"]
    assert places.common(theirs, mine) == ["https://eu.example.com/openai"]


def test_a_model_with_an_address_is_where_that_host_is() -> None:
    known = {"openai/gpt-4o": "us", "EU.example.com": "eu"}
    assert places.region({"litellm": "openai/gpt-4o"}, known) == "us"
    at_home = {"litellm": "openai/gpt-4o", "api_base": "https://eu.example.com/openai"}
    assert places.region(at_home, known) == "eu"
    elsewhere = {"litellm": "openai/gpt-4o", "api_base": "https://nowhere.example/openai"}
    assert places.region(elsewhere, known) == ""


def test_faults_of_places_are_named_by_path() -> None:
    found = dict(places.faults({"endpoints": ["https://a b"], "regions": "eu", "model_regions": {"x": 1}}))
    assert sorted(found) == ["endpoints[0]", "model_regions", "regions"]
