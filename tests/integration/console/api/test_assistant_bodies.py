"""Whatever a body holds, assistants get a clear answer, and nothing is half written."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uuid6 import uuid7

from console import tokens
from routing.models import Assistant, Decision, Holding, Outcome
from tests.integration.console.api.answers import Api, decision, expect_problem

POSTS = ["/acks", "/heartbeats", "/decisions", "/outcomes", "/use-cases/claims/decide"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[1e999]", b"[NaN]", b"[" * 50_000, b'{"a": ' * 3000, b'"\\ud800']
)
def test_what_is_not_json_is_a_400(api: Api, path: str, body: bytes) -> None:
    expect_problem(api("POST", path, body), 400)


@pytest.mark.parametrize("path", POSTS)
def test_who_may_not_post(api: Api, path: str) -> None:
    expect_problem(api("POST", path, [], token=""), 401)
    expect_problem(api("DELETE", path), 405)


def test_a_person_is_not_an_assistant(api: Api, admin: User) -> None:
    person = tokens.issue(name="admin", by=admin, user=admin)[1]
    for path in ("/acks", "/heartbeats", "/decisions"):
        expect_problem(api("POST", path, [], token=person), 403)


def test_too_many_records_at_once_are_refused(api: Api) -> None:
    expect_problem(api("POST", "/decisions", [1] * 5_001), 422)


def test_an_outage_of_the_database_is_a_503(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    from routing.actions import decisions

    def away(_: Any) -> int:
        raise OperationalError("the connection is closed")

    monkeypatch.setattr(decisions, "store", away)
    answer = api("POST", "/decisions", decision())
    expect_problem(answer, 503)
    assert answer.headers["Retry-After"] == "5"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["claims", "applied", "answer", "0", str(uuid7()), "2026-11-22T10:00:00Z", "\ud800", "\0"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = [
    *(
        "instance",
        "use_case",
        "use_cases",
        "version",
        "digest",
        "status",
        "error",
        "started_at",
        "software",
        "spool",
    ),
    *(
        "id",
        "request_id",
        "at",
        "attributes",
        "action",
        "tried",
        "confidence",
        "tokens_in",
        "decision_id",
        "correct",
    ),
    *("source", "signals", "enforced", "stopping", "sources", "bucket", "latency_ms"),
]
OBJECT = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=12)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(POSTS), body=OBJECT | st.lists(OBJECT, max_size=3) | JSON)
def test_generated_bodies_never_break_the_console_or_half_write(api: Api, path: str, body: Any) -> None:
    tables = (Assistant, Holding, Decision, Outcome)
    before = [table.objects.count() for table in tables]

    answer = api("POST", path, json.dumps(body).encode())

    assert answer.status_code < 500, answer.content
    if answer.status_code >= 400:
        expect_problem(answer, answer.status_code)
        assert [table.objects.count() for table in tables] == before
