"""Envelopes come twice, late, damaged or forged. The assistant keeps the last good one, and the console says so."""

import copy
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from routing.engine import envelope
from routing.engine.baseline import BUILT_IN
from tests.faults.meddler import Meddler
from tests.faults.watching import SLUG, click, converged, convergence, decision, until
from tests.stack import Stack

STACK = {"assistants": 0, "worker": False}
NAME = "meddled"


@pytest.fixture(scope="module")
def between(stack: Stack) -> Iterator[Meddler]:
    """A use case that needs no model, and one assistant behind a meddler."""
    config = {"slug": SLUG, "name": "Claims", "owner": "ops", "document": BUILT_IN}
    assert stack.api("POST", "/api/v1/use-cases", json=config).status_code == 201
    token = stack.assistant_token(NAME, [SLUG])
    with Meddler(stack.web_url) as meddler:
        cache = str(stack.data_dir / "assistants" / NAME)
        stack.run(
            NAME,
            *("-m", "routing.runtime", "--console", meddler.url, "--use-case", SLUG, "--instance", NAME),
            *("--cache", cache, "--port", str(stack._port(NAME))),
            env={"CONSOLE_TOKEN": token, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "HEARTBEAT_SECONDS": "1"},
        )
        until(lambda: decision(stack, NAME)["version"] == 1, 60, "the assistant serves")
        yield meddler
        stack.kill(NAME)


@pytest.fixture
def version(stack: Stack, between: Meddler) -> int:
    """The version that stands, confirmed."""
    between.holding = False
    between.held.clear()
    found: int = converged(stack, convergence(stack)["version"])["version"]
    return found


def publish(stack: Stack) -> int:
    """Publish the next version; every one has another text."""
    document = copy.deepcopy(BUILT_IN)
    document["messages"]["escalate"] = f"Version of {time.monotonic_ns()}"
    answer = stack.api(
        "POST", f"/api/v1/use-cases/{SLUG}/changes", json={"document": document, "reason": "next"}
    )
    assert answer.status_code == 200, answer.text
    return int(answer.json()["version"])


def held_back(stack: Stack, between: Meddler) -> dict[str, Any]:
    """Publish a version whose envelope does not reach the assistant; return that envelope."""
    between.holding = True
    wanted = publish(stack)

    def arrived() -> dict[str, Any] | None:
        return next((one for one in between.held if one["version"] == wanted), None)

    found: dict[str, Any] = until(arrived, 5, "the envelope is on its way")
    between.holding = False
    return found


def mine(stack: Stack) -> dict[str, Any]:
    """Return what the console says of the assistant."""
    (found,) = convergence(stack)["assistants"]
    return dict(found)


def test_a_duplicate_changes_nothing(stack: Stack, between: Meddler, version: int) -> None:
    before = mine(stack)
    for _ in range(3):
        between.send(between.passed[-1])
    time.sleep(1.5)

    after = mine(stack)
    assert decision(stack, NAME)["version"] == version
    assert (after["status"], after["confirmed_at"]) == ("confirmed", before["confirmed_at"])


def test_an_older_envelope_after_a_newer_one_is_not_obeyed(
    stack: Stack, between: Meddler, version: int
) -> None:
    first, second = held_back(stack, between), held_back(stack, between)
    assert (convergence(stack)["confirmed"], mine(stack)["held_version"]) == (0, version)

    between.send(second)
    between.send(first)
    converged(stack, second["version"])
    time.sleep(1.5)

    assert decision(stack, NAME)["version"] == second["version"]
    assert (mine(stack)["status"], mine(stack)["enforced"]) == ("confirmed", second["digest"])


def damaged(good: dict[str, Any]) -> dict[str, Any]:
    """Change one word of the document on the way."""
    bad = copy.deepcopy(good)
    bad["document"]["messages"]["escalate"] += "!"
    return bad


def forged(good: dict[str, Any]) -> dict[str, Any]:
    """Sign a document of one's own with a key of one's own."""
    document = copy.deepcopy(good["document"])
    document["messages"]["escalate"] = "Send your card number."
    fields = ("use_case", "version", "state", "baseline", "message", "lease_seconds")
    from datetime import UTC, datetime

    unsigned = envelope.build(
        document=document, issued_at=datetime.now(UTC), **{name: good[name] for name in fields}
    )
    return envelope.sign(unsigned, Ed25519PrivateKey.generate())


def under_our_name(good: dict[str, Any]) -> dict[str, Any]:
    """A forgery that claims the console's own key."""
    return forged(good) | {"key_id": good["key_id"]}


@pytest.mark.parametrize("spoil", [damaged, forged, under_our_name])
def test_a_damaged_or_forged_envelope_is_refused_and_named(
    stack: Stack, between: Meddler, version: int, spoil: Any
) -> None:
    good = held_back(stack, between)
    before = decision(stack, NAME)
    between.send(spoil(good))

    refused = until(lambda: mine(stack)["status"] == "refused" and mine(stack), 5, "the refusal is shown")
    assert (refused["held_version"], refused["refused_version"]) == (version, good["version"])
    assert refused["error"]
    meanwhile = convergence(stack)
    assert (meanwhile["laggards"], meanwhile["converged_at"]) == ([NAME], None)
    assert decision(stack, NAME)["digest"] == before["digest"]

    between.send(good)
    assert converged(stack, good["version"])["assistants"][0]["status"] == "confirmed"
    assert decision(stack, NAME)["version"] == good["version"]


@pytest.mark.parametrize("data", [b"{broken", b"[]", b"null", b'{"use_case": "claims-summary"}'])
def test_what_is_no_envelope_at_all_changes_nothing(
    stack: Stack, between: Meddler, version: int, data: bytes
) -> None:
    between.send(data)
    time.sleep(1.2)

    assert decision(stack, NAME)["version"] == version
    assert mine(stack)["status"] == "confirmed"


def test_a_kill_reaches_it_all_the_same(stack: Stack, between: Meddler, version: int) -> None:
    killed = click(stack, "kill")

    assert converged(stack, killed)["seconds"] < 2
    assert decision(stack, NAME)["reason"] == "DISABLED"
