"""The contracts as somebody meets them who has never seen the code: over HTTP, with tools of their own."""

import base64
import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from uuid6 import uuid7

from tests.documents import claims
from tests.stack import Stack

STACK: dict[str, Any] = {"worker": False}
BASELINE = {
    "schema": 1,
    "bands": [{"name": "answer", "from": 0.0, "action": "answer"}],
    "ladder": [],
    "messages": {"answer": "Our opening hours are on the front page."},
}
PATH = "/api/v1/use-cases/claims"


def fingerprint(value: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class TinyAssistant:
    """Section 3 of the README and nothing more: asks, checks, acks, reports."""

    def __init__(self, stack: Stack, token: str, name: str) -> None:
        self.name = name
        self.console = httpx.Client(
            base_url=stack.web_url, headers={"Authorization": f"Bearer {token}"}, timeout=30
        )
        (key,) = self.console.get("/api/v1/signing-keys").json()["keys"]
        raw = unpadded(key["public_key"])
        assert hashlib.sha256(raw).hexdigest()[:16] == key["key_id"]
        self.key, self.key_id = Ed25519PublicKey.from_public_bytes(raw), key["key_id"]
        self.held: dict[str, Any] = {}

    def poll(self) -> int:
        """Ask for the config, check its signature and digest, take it and ack it."""
        tag = {"If-None-Match": f'"{self.held["digest"]}"'} if self.held else {}
        answer = self.console.get(f"{PATH}/config", headers=tag)
        if answer.status_code == 200:
            envelope = answer.json()
            bare = {name: value for name, value in envelope.items() if name != "signature"}
            self.key.verify(unpadded(envelope["signature"]), rfc8785.dumps(bare))
            assert envelope["key_id"] == self.key_id
            assert answer.headers["ETag"] == f'"{envelope["digest"]}"'
            self.held = envelope
            self.send("acks", {"status": "applied"} | self.holding())
        return answer.status_code

    def holding(self) -> dict[str, Any]:
        held = {name: self.held[name] for name in ("use_case", "version", "digest")}
        return {"instance": self.name} | held

    def beat(self) -> None:
        held = {name: self.held[name] for name in ("use_case", "version", "digest")}
        body = {"instance": self.name, "use_cases": [held], "started_at": None, "software": "tiny/1"}
        self.send("heartbeats", body)

    def send(self, what: str, body: Any) -> None:
        assert self.console.post(f"/api/v1/{what}", json=body).status_code == 200


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    body = {"slug": "claims", "name": "Claims", "owner": "o", "document": claims(), "baseline": BASELINE}
    created = stack.api("POST", "/api/v1/use-cases", json=body)
    assert created.status_code == 201
    assert created.json()["baseline"] == BASELINE
    return stack.assistant_token("tiny", ["claims"])


@pytest.fixture
def tiny(stack: Stack, token: str) -> Iterator[TinyAssistant]:
    assistant = TinyAssistant(stack, token, "tiny-1")
    assistant.poll()
    yield assistant
    assistant.console.close()
    stack.api("POST", f"{PATH}/restore")


def convergence(stack: Stack) -> dict[str, Any]:
    """Return the convergence once somebody has confirmed, or as it is after ten seconds."""
    deadline = time.monotonic() + 10
    while True:
        found: dict[str, Any] = stack.api("GET", f"{PATH}/convergence").json()
        if found["converged_at"] or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def test_an_assistant_of_anybody_is_shown_with_what_it_enforces(stack: Stack, tiny: TinyAssistant) -> None:
    assert tiny.held["digest"] == fingerprint(tiny.held["document"])
    assert tiny.poll() == 304

    tiny.beat()

    found = convergence(stack)
    assert {"version", "digest", "desired_at", "assistants", "converged_at"} <= set(found)
    (shown,) = found["assistants"]
    assert {"instance", "held", "enforced", "status", "last_seen"} <= set(shown)
    assert (shown["instance"], shown["enforced"]) == ("tiny-1", tiny.held["digest"])
    assert found["converged_at"]


def test_one_click_without_a_body_puts_the_very_baseline_in_force(stack: Stack, tiny: TinyAssistant) -> None:
    killed = stack.api("POST", f"{PATH}/kill").json()
    assert tiny.poll() == 200
    assert (tiny.held["version"], tiny.held["state"]) == (killed["version"], "baseline")
    assert tiny.held["digest"] == killed["digest"] == fingerprint(BASELINE)
    decided = tiny.console.post(f"{PATH}/decide", json={"request_id": "r"}).json()
    assert (decided["action"], decided["digest"]) == ("answer", killed["digest"])


def test_a_record_with_the_documented_fields_is_taken_nulls_and_all(
    stack: Stack, tiny: TinyAssistant
) -> None:
    unknown = "model confidence signal band rule queue prompt retrieval_index input_digest trace_id cost_usd"
    record = {
        "id": str(uuid7()),
        "request_id": "r-1",
        "at": "2026-11-22T10:00:00Z",
        "attributes": {},
        "tried": [],
        "action": "escalate",
        "reason": "DEFAULT",
        "audited": False,
        "audit_share": 0.0,
        "holdout": False,
        "latency_ms": None,
        "tokens_in": None,
        "tokens_out": None,
        "sources": [],
    }
    record |= tiny.holding() | dict.fromkeys(unknown.split())
    first = tiny.console.post("/api/v1/decisions", json=[record, record]).json()
    again = tiny.console.post("/api/v1/decisions", json=record).json()
    assert (first["stored"], first["duplicates"], again["stored"]) == (1, 1, 0)

    by_id = {"decision_id": record["id"], "correct": True, "source": "desk"}
    by_request = {"request_id": "r-1", "correct": False, "source": "crm"}
    told = tiny.console.post("/api/v1/outcomes", json=[by_id, by_request]).json()
    assert told["recorded"] == 2


def test_of_twenty_changes_over_the_same_version_one_wins(stack: Stack, tiny: TinyAssistant) -> None:
    seen = {"If-Match": f'"{stack.api("GET", PATH).json()["digest"]}"'}

    def change(number: int) -> int:
        body = {"document": claims(answer_from=0.8 + number / 1000)}
        return stack.api("POST", f"{PATH}/changes", json=body, headers=seen).status_code

    stack.token("admin")
    with ThreadPoolExecutor(20) as people:
        assert sorted(people.map(change, range(20))) == [200, *[409] * 19]


def test_kills_changes_and_restores_at_once_leave_numbers_in_order(stack: Stack, tiny: TinyAssistant) -> None:
    def act(number: int) -> int:
        verb = ("kill", "changes", "restore")[number % 3]
        body = {"document": claims(answer_from=0.7 + number / 1000)} if verb == "changes" else {}
        return stack.api("POST", f"{PATH}/{verb}", json=body).status_code

    stack.token("admin")
    with ThreadPoolExecutor(15) as people:
        assert set(people.map(act, range(15))) == {200}
    numbers = [version["version"] for version in stack.api("GET", f"{PATH}/versions").json()]
    assert numbers == list(range(len(numbers), 0, -1))
    assert tiny.poll() == 200
    assert tiny.held["version"] == numbers[0]
