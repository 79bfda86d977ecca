"""The operators' API: every call is one action, every refusal a problem document."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import Event
from console import tokens
from routing.models import Target
from tests.documents import claims
from usecases.models import UseCase, Version

Api = Callable[..., Any]


@pytest.fixture
def api(client: Client, people: dict[str, User]) -> Api:
    """Call the API as one of the sample accounts."""
    texts: dict[str, str] = {}

    def call(method: str, path: str, body: Any = None, *, by: str = "ops", **headers: str) -> Any:
        if by and by not in texts:
            texts[by] = tokens.issue(name=by, by=people[by], user=people[by])[1]
        if by:
            headers["Authorization"] = f"Bearer {texts[by]}"
        data = body if isinstance(body, str | bytes) else None
        more = {"data": data} if data is not None else ({} if body is None else {"data": _json(body)})
        return client.generic(
            method, f"/api/v1{path}", content_type="application/json", headers=headers, **more
        )

    return call


def _json(body: Any) -> str:
    import json

    return json.dumps(body)


def test_reading_a_use_case_gives_its_live_document(use_case: UseCase, api: Api) -> None:
    found = api("GET", "/use-cases/claims").json()
    assert (found["version"], found["state"], found["document"]) == (1, "live", claims())
    assert found["digest"] == Target.objects.get(use_case="claims").digest
    assert [one["slug"] for one in api("GET", "/use-cases").json()] == ["claims"]


def test_creating_takes_what_export_writes(use_case: UseCase, api: Api) -> None:
    config = api("GET", "/use-cases/claims/file").json() | {"slug": "claims-two"}
    created = api("POST", "/use-cases", config, by="admin")
    assert (created.status_code, created.json()["version"]) == (201, 1)
    assert config["message"]
    assert config["guardrails"]["knobs"]
    assert api("GET", "/use-cases/claims-two/file", by="admin").json() == config

    again = api("POST", "/use-cases", config, by="admin")
    assert (again.status_code, again.json()["errors"][0]["path"]) == (422, "slug")
    assert api("POST", "/use-cases", config | {"slug": "three"}, by="ops").status_code == 403


def test_creating_names_every_field_at_fault(people: dict[str, User], api: Api) -> None:
    config = {"slug": "x", "name": "X", "owner": "o", "document": claims(), "colour": "blue"}
    bounds = {"bands.answer.from": {"limit": [0.6, 1.0]}}
    answer = api("POST", "/use-cases", config | {"guardrails": bounds, "baseline": "none"}, by="admin")
    assert answer.status_code == 422
    paths = {error["path"] for error in answer.json()["errors"]}
    assert paths == {"colour", "guardrails.bands.answer.from", "baseline"}
    assert not UseCase.objects.exists()


def test_creating_needs_the_four_fields_only(people: dict[str, User], api: Api) -> None:
    config: dict[str, Any] = {"slug": "x", "name": "X", "owner": "o", "document": claims()}
    unsaid = ("baseline", "message", "guardrails", "risk", "description")
    made = api("POST", "/use-cases", config, by="admin")
    nulls = api("POST", "/use-cases", config | {"slug": "y"} | dict.fromkeys(unsaid), by="admin")
    assert (made.status_code, nulls.status_code) == (201, 201)
    assert nulls.json() == made.json() | {"slug": "y"}


def test_a_change_is_applied_and_its_diff_can_be_read(use_case: UseCase, api: Api) -> None:
    body = {"document": claims(answer_from=0.8), "reason": "Backlog"}
    done = api("POST", "/use-cases/claims/changes", body, **{"If-Match": '"1"'})
    assert (done.status_code, done.json()["version"], done.json()["by"]) == (200, 2, "ops")
    assert Event.objects.latest("id").entry_point == "api"

    diff = api("GET", "/use-cases/claims/versions/2/diff?against=1").json()
    assert [(d["path"], d["old"], d["new"]) for d in diff["differences"]] == [
        ("bands.answer.from", 0.85, 0.8)
    ]
    versions = api("GET", "/use-cases/claims/versions").json()
    assert [v["version"] for v in versions] == [2, 1]
    assert api("GET", "/use-cases/claims/versions/1").json()["document"] == claims()


@pytest.mark.parametrize("tag", ['"1"', "1", "digest"])
def test_a_change_over_a_newer_version_is_a_conflict(use_case: UseCase, api: Api, tag: str) -> None:
    digest = Target.objects.get(use_case="claims").digest
    api("POST", "/use-cases/claims/changes", {"document": claims(answer_from=0.9)}, by="admin")

    stale = {"If-Match": f'"{digest}"' if tag == "digest" else tag}
    answer = api("POST", "/use-cases/claims/changes", {"document": claims(answer_from=0.8)}, **stale)
    assert (answer.status_code, answer.json()["live"]["version"]) == (409, 2)


def test_a_dry_run_names_every_gate_and_writes_nothing(use_case: UseCase, api: Api) -> None:
    body = {"document": claims(answer_from=0.5 + 0.2, audit_share=0.0)}
    found = api("POST", "/use-cases/claims/changes?dry_run=true", body).json()
    assert found["applies"] is False
    assert {g["path"]: g["status"] for g in found["gates"]} == {
        "bands.answer.from": "lane",
        "thresholds.audit_share": "shut",
    }
    assert Version.objects.filter(use_case=use_case).count() == 1


def test_a_document_with_ten_faults_is_told_all_ten(use_case: UseCase, api: Api) -> None:
    document = claims(audit_share=2, sensitivity="high", latency_s=-1)  # type: ignore[arg-type]
    document["bands"][0]["from"] = 2
    document["bands"][1]["queue"] = "nobody"
    document["ladder"][0]["model"] = "medium"
    document["rules"][0]["when"]["any"][0]["op"] = "like"
    document["rules"][1]["then"] = {}
    document["queues"][0]["on_breach"] = "nowhere"
    document["colour"] = "blue"

    answer = api("POST", "/use-cases/claims/changes", {"document": document})

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {error["path"] for error in answer.json()["errors"]} == {
        "thresholds.audit_share",
        "thresholds.sensitivity",
        "thresholds.latency_s",
        "bands[0].from",
        "bands[1].queue",
        "ladder[0].model",
        "rules[0].when.any[0].op",
        "rules[1].then",
        "queues[0].on_breach",
        "colour",
    }
    assert all(len(error["message"]) > 15 for error in answer.json()["errors"])
    assert Version.objects.filter(use_case=use_case).count() == 1


def test_kill_and_restore_answer_with_version_digest_and_state(use_case: UseCase, api: Api) -> None:
    live = Target.objects.get(use_case="claims").digest
    killed = api("POST", "/use-cases/claims/kill", {"to": "baseline", "reason": "Wrong answers"}).json()
    assert (killed["version"], killed["state"]) == (2, "baseline")
    assert killed["digest"] == Target.objects.get(use_case="claims").digest != live

    restored = api("POST", "/use-cases/claims/restore").json()
    assert (restored["version"], restored["state"], restored["digest"]) == (3, "live", live)


def test_kill_needs_no_body_and_all_can_be_stopped_at_once(use_case: UseCase, api: Api) -> None:
    assert api("POST", "/use-cases/claims/kill").json()["state"] == "baseline"
    assert api("POST", "/kill", {"to": "baseline"}).json()[0]["use_case"] == "claims"
    assert api("PUT", "/use-cases/claims/message", {"message": "Call us."}).json()["version"] == 3
    assert api("POST", "/use-cases/claims/kill", {"to": "sleep"}).status_code == 422


def test_null_says_no_more_than_nothing_to_a_switch(use_case: UseCase, api: Api) -> None:
    unsaid = {"to": None, "reason": None, "message": None}
    assert api("POST", "/use-cases/claims/kill", unsaid).json()["state"] == "baseline"
    assert api("POST", "/use-cases/claims/restore", {"reason": None}).json()["state"] == "live"
    assert api("POST", "/kill", unsaid).json()[0]["state"] == "baseline"
    assert api("POST", "/use-cases/claims/versions/1/revert").status_code == 200


def test_guardrails_are_read_by_owners_and_set_by_risk(use_case: UseCase, api: Api) -> None:
    bounds = api("GET", "/use-cases/claims/guardrails").json()
    bounds["knobs"]["thresholds.sensitivity"] = {"lane": [0.5, 0.7], "limit": [0.0, 0.8], "reason": "DPIA"}
    assert api("PUT", "/use-cases/claims/guardrails", bounds).status_code == 403
    assert api("PUT", "/use-cases/claims/guardrails", bounds, by="risk").json()["knobs"] == bounds["knobs"]


def test_the_record_shows_only_what_the_reader_may_see(use_case: UseCase, api: Api) -> None:
    api("POST", "/use-cases/claims/kill", {"reason": "Wrong answers"})
    events = api("GET", "/audit/events?use_case=claims").json()["events"]
    assert [event["kind"] for event in events] == ["kill_switch.engaged", "use_case.created"]
    assert events[0]["request_id"]
    assert (
        api("GET", "/audit/events?kind=kill_switch.engaged").json()["events"][0]["reason"] == "Wrong answers"
    )
    assert api("GET", "/audit/events?use_case=claims", by="stranger").json()["events"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/versions"),
        ("GET", "/versions/1"),
        ("GET", "/versions/1/diff"),
        ("GET", "/convergence"),
        ("GET", "/guardrails"),
        ("GET", "/file"),
        ("POST", "/changes"),
        ("POST", "/kill"),
        ("POST", "/restore"),
        ("PUT", "/message"),
        ("PUT", "/guardrails"),
        ("POST", "/versions/1/revert"),
    ],
)
def test_a_stranger_cannot_tell_a_use_case_from_none(
    use_case: UseCase, api: Api, method: str, path: str
) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "/changes": {"document": claims()},
        "/message": {"message": "x"},
        "/versions/1/revert": {"reason": ""},
    }
    body = None if method == "GET" else bodies.get(path, {})
    hidden = api(method, f"/use-cases/claims{path}", body, by="stranger")
    absent = api(method, f"/use-cases/absent{path}", body, by="stranger")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.json()["detail"].replace("claims", "absent") == absent.json()["detail"]


def test_bad_calls_get_a_problem_document(use_case: UseCase, api: Api) -> None:
    cases = [
        (api("GET", "/use-cases", by=""), 401),
        (api("GET", "/use-cases", by="", Authorization="Bearer nonsense"), 401),
        (api("GET", "/use-cases/absent"), 404),
        (api("GET", "/use-cases/claims/versions/99"), 404),
        (api("POST", "/use-cases/claims/changes", "{not json"), 400),
        (api("POST", "/use-cases/claims/changes", {"document": "text"}), 422),
        (api("POST", "/use-cases/claims/changes", {"document": {}, "more": 1}), 422),
        (api("POST", "/use-cases/claims/changes", b"[" * 9_000_000), 413),
        (api("DELETE", "/use-cases/claims"), 405),
        (api("GET", "/nowhere"), 404),
    ]
    for answer, status in cases:
        assert answer.status_code == status, answer.content
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["status"], bool(problem["title"])) == (status, True)
    assert Version.objects.filter(use_case=use_case).count() == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["document", "schema", "bands", "rules", "from", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
PATHS = [
    "/use-cases",
    "/use-cases/claims/changes",
    "/use-cases/claims/kill",
    "/use-cases/claims/restore",
    "/kill",
]


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(path=st.sampled_from(PATHS), body=JSON | st.dictionaries(st.sampled_from(["document", "to"]), JSON))
def test_generated_bodies_never_break_the_console(use_case: UseCase, api: Api, path: str, body: Any) -> None:
    answer = api("POST", path, body, by="admin")
    assert answer.status_code < 500, answer.content
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert Target.objects.get(use_case="claims").document == claims()


def test_the_openapi_document_is_served(api: Api) -> None:
    found = api("GET", "/openapi.json", by="").json()
    assert found["openapi"].startswith("3.1")
    for path in ("stream", "acks", "heartbeats", "decisions", "outcomes", "kill", "use-cases/{slug}/changes"):
        assert f"/api/v1/{path}" in found["paths"]
