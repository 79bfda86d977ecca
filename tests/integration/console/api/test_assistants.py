"""The assistants' API, as any client meets it: what is taken, what is refused, and that nothing is half written."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from console import tokens
from routing.models import Assistant, Decision, Holding, Outcome, Target
from tests.documents import claims
from tests.integration.console.api.answers import Api, decision, expect_problem, paths
from usecases.models import UseCase

DIGEST = "d" * 64


@pytest.fixture
def target(use_case: UseCase) -> Target:
    return Target.objects.get(use_case="claims")


# The config


def test_the_config_is_the_signed_envelope_with_its_digest_as_etag(api: Api, target: Target) -> None:
    answer = api("GET", "/use-cases/claims/config?instance=a")

    assert answer.json() == json.loads(target.envelope)
    assert answer.headers["ETag"] == f'"{target.digest}"'
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("tag", "version", "status"),
    [
        ("{digest}", "", 304),
        ("{digest}", "&version=1", 304),
        ("W/{digest}", "", 304),
        ("{digest}", "&version=0", 200),
        ('"other"', "&version=1", 200),
    ],
)
def test_what_is_held_already_is_not_sent_again(
    api: Api, target: Target, tag: str, version: str, status: int
) -> None:
    tags = {"If-None-Match": tag.replace("{digest}", f'"{target.digest}"')}
    answer = api("GET", f"/use-cases/claims/config?instance=a{version}", **tags)

    assert answer.status_code == status
    assert bool(answer.content) == (status == 200)


def test_who_may_read_a_config(api: Api, people: dict[str, User], admin: User) -> None:
    ops = tokens.issue(name="ops", by=people["ops"], user=people["ops"])[1]
    stranger = tokens.issue(name="stranger", by=people["stranger"], user=people["stranger"])[1]

    assert api("GET", "/use-cases/claims/config", token=ops).status_code == 200
    expect_problem(api("GET", "/use-cases/claims/config", token=stranger), 404)
    expect_problem(api("GET", "/use-cases/foreign/config"), 403)
    expect_problem(api("GET", "/use-cases/coming/config"), 404)
    expect_problem(api("GET", "/use-cases/claims/config?version=-1"), 422)
    assert expect_problem(api("GET", "/use-cases/claims/config", token=""), 401)["title"] == "Unauthorized"
    expect_problem(api("GET", "/use-cases/claims/config", token="oc_wrong"), 401)


def test_the_signing_keys_are_those_that_verify_the_envelope(api: Api, target: Target) -> None:
    from routing.engine import envelope

    (key,) = api("GET", "/signing-keys").json()["keys"]

    assert key["algorithm"] == "Ed25519"
    verified = envelope.verify(
        json.loads(target.envelope), {key["key_id"]: envelope.public_key(key["public_key"])}
    )
    assert verified["digest"] == target.digest


# Acks and heartbeats


def test_an_ack_is_taken_alone_and_in_a_list(api: Api, target: Target) -> None:
    ack = {"instance": "a", "use_case": "claims", "version": 1, "digest": target.digest, "status": "applied"}

    assert api("POST", "/acks", ack | {"probe": {"ok": True}, "later": "field"}).json()["recorded"] == 1
    assert api("POST", "/acks", [ack, ack | {"instance": "b"}]).json() == {"recorded": 1, "unchanged": 1}

    assert Holding.objects.filter(version=1, enforced=target.digest).count() == 2


def test_a_list_with_a_bad_ack_is_refused_whole(api: Api) -> None:
    good = {"instance": "a", "use_case": "claims", "version": 1, "digest": DIGEST, "status": "applied"}
    bad = good | {"version": 2**31, "status": "maybe", "instance": ""}

    found = expect_problem(api("POST", "/acks", [good, bad]), 422)

    assert sorted(paths(found)) == ["[1].instance", "[1].status", "[1].version"]
    assert not Assistant.objects.exists()


def test_acks_and_heartbeats_of_a_foreign_use_case_are_refused(api: Api) -> None:
    ack = {"instance": "a", "use_case": "foreign", "version": 1, "digest": DIGEST, "status": "applied"}
    beat = {"instance": "a", "use_cases": [{"use_case": "foreign", "version": 1, "digest": DIGEST}]}

    expect_problem(api("POST", "/acks", ack), 403)
    expect_problem(api("POST", "/heartbeats", beat), 403)

    assert not Assistant.objects.exists()


def test_a_heartbeat_is_answered_with_what_should_be_held(api: Api, target: Target) -> None:
    body = {
        "instance": "a",
        "use_cases": [
            {"use_case": "claims", "version": 0, "digest": "", "enforced": DIGEST, "held_version": 0}
        ],
        "started_at": "2026-11-22T10:00:00Z",
        "software": "assistant/1",
    }

    answer = api("POST", "/heartbeats", body).json()

    assert answer["use_cases"] == [
        {"use_case": "claims", "version": 1, "digest": target.digest, "spent_today_usd": 0.0}
    ]
    assert "server_time" in answer
    assert (Holding.objects.get().version, Holding.objects.get().enforced) == (0, DIGEST)


def test_a_minimal_heartbeat_enforces_what_it_holds(api: Api, target: Target) -> None:
    held = {"use_case": "claims", "version": 1, "digest": target.digest}

    assert api("POST", "/heartbeats", {"instance": "a", "use_cases": [held]}).status_code == 200

    assert Holding.objects.get().enforced == target.digest


# Decisions


def test_decisions_are_stored_once(api: Api) -> None:
    one, two = decision(), decision(attributes={"tier": "vip"}, band=None, model=None, unknown="field")

    assert api("POST", "/decisions", [one, two]).json() == {"stored": 2, "duplicates": 0, "refused": []}
    assert api("POST", "/decisions", one).json() == {"stored": 0, "duplicates": 1, "refused": []}

    assert Decision.objects.count() == 2


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/json"])
def test_decisions_may_come_one_a_line(api: Api, kind: str) -> None:
    lines = "\n".join(json.dumps(decision()) for _ in range(3)) + "\n\n{broken\n"

    answer = api("POST", "/decisions", lines.encode(), kind=kind).json()

    assert answer["stored"] == 3
    assert [one["index"] for one in answer["refused"]] == [3]


def test_a_bad_record_never_blocks_the_rest(api: Api) -> None:
    bad = decision(action="shrug", version=2**40, confidence="high")

    answer = api("POST", "/decisions", [decision(), bad, decision(use_case="foreign"), 7, decision()]).json()

    assert answer["stored"] == 2
    assert [one["index"] for one in answer["refused"]] == [1, 2, 3]
    first = answer["refused"][0]
    assert first["id"] == bad["id"]
    assert sorted(error["path"] for error in first["errors"]) == ["action", "confidence", "version"]


NAMED = "model signal band rule queue reason prompt retrieval_index input_digest trace_id instance digest"
MEASURED = "confidence cost_usd latency_ms tokens_in tokens_out audit_share audited holdout version"
LISTED = "tried sources attributes"


@pytest.mark.parametrize("field", f"{NAMED} {MEASURED} {LISTED}".split())
def test_what_was_not_known_may_be_null(api: Api, field: str) -> None:
    absent, null = decision(), decision(**{field: None})
    assert api("POST", "/decisions", [absent, null]).json()["stored"] == 2
    rows = [Decision.objects.values(field).get(pk=one["id"]) for one in (absent, null)]
    assert rows[0] == rows[1]


def test_an_attempt_that_failed_has_no_price(api: Api) -> None:
    failed = {"model": "small", "confidence": None, "cost_usd": None, "latency_ms": None, "error": "timeout"}
    assert api("POST", "/decisions", decision(tried=[failed])).json()["stored"] == 1
    assert Decision.objects.get().tried == [failed | {"cost_usd": 0.0, "latency_ms": 0.0}]


def test_personal_data_is_masked_whoever_sends_it(api: Api) -> None:
    given = decision(
        text="Mail jo@example.com",
        answer="Call +49 30 1234567",
        attributes={"card": "4111 1111 1111 1111", "n": 5},
    )
    api("POST", "/decisions", given)
    judged = {
        "decision_id": given["id"],
        "correct": False,
        "source": "desk",
        "corrected_answer": "To jo@example.com",
    }
    api("POST", "/outcomes", judged)

    row = Decision.objects.get()
    assert (row.text, row.answer) == ("Mail [email]", "Call [number]")
    assert row.attributes == {"card": "[number]", "n": 5}
    assert Outcome.objects.get().corrected_answer == "To [email]"


def test_a_digest_may_name_its_kind(api: Api) -> None:
    api("POST", "/decisions", decision(input_digest=f"sha256:{DIGEST}", digest=f"sha256:{DIGEST}"))
    assert Decision.objects.values_list("input_digest", "digest").get() == (DIGEST, DIGEST)


def test_a_batch_in_which_nothing_is_right_is_refused(api: Api) -> None:
    found = expect_problem(api("POST", "/decisions", [decision(id="no"), {}]), 422)

    assert {"[0].id", "[1].id", "[1].action"} <= set(paths(found))
    assert not Decision.objects.exists()


def test_characters_that_cannot_be_stored_cost_no_record(api: Api) -> None:
    body = json.dumps(decision(text="a\0b", attributes={"k\0": ["\ud800", "ok"]}, request_id="r\0")).encode()

    assert api("POST", "/decisions", body).json()["stored"] == 1

    found = Decision.objects.get()
    assert (found.text, found.request_id) == ("a\N{REPLACEMENT CHARACTER}b", "r\N{REPLACEMENT CHARACTER}")
    assert list(found.attributes) == ["k\N{REPLACEMENT CHARACTER}"]


# Outcomes


def test_outcomes_name_a_decision_or_a_request(api: Api) -> None:
    known = decision(request_id="r-7")
    api("POST", "/decisions", known)

    answer = api(
        "POST",
        "/outcomes",
        [
            {"decision_id": known["id"], "correct": False, "source": "desk", "corrected_answer": "No."},
            {"request_id": "r-7", "correct": True, "source": "customer", "bucket": "refunds"},
        ],
    )

    assert answer.json() == {"recorded": 2, "unchanged": 0}
    assert set(Outcome.objects.values_list("use_case", flat=True)) == {"claims"}


def test_an_outcome_of_an_unknown_decision_names_its_use_case(api: Api) -> None:
    early = {"request_id": "r-8", "correct": True, "source": "desk"}

    assert paths(expect_problem(api("POST", "/outcomes", early), 422)) == ["[0].use_case"]
    assert api("POST", "/outcomes", early | {"use_case": "claims"}).json()["recorded"] == 1
    assert paths(expect_problem(api("POST", "/outcomes", early | {"use_case": "foreign"}), 422)) == [
        "[0].use_case"
    ]
    assert paths(expect_problem(api("POST", "/outcomes", {"correct": 1, "source": ""}), 422)) == [
        "[0].correct",
        "[0].source",
    ]


def test_a_person_may_judge_where_they_may_review(api: Api, people: dict[str, User], admin: User) -> None:
    api("POST", "/decisions", decision(request_id="r-9"))
    word = {"request_id": "r-9", "use_case": "claims", "correct": True, "source": "desk"}
    ops = tokens.issue(name="ops", by=people["ops"], user=people["ops"])[1]
    risk = tokens.issue(name="risk", by=people["risk"], user=people["risk"])[1]

    assert api("POST", "/outcomes", word, token=ops).status_code == 200
    expect_problem(api("POST", "/outcomes", word, token=risk), 422)


# Deciding


def test_deciding_needs_no_assistant_of_ours(api: Api, target: Target) -> None:
    body = {"request_id": "r-1", "attributes": {"topic": "legal threat"}, "signals": {"confidence": 0.99}}

    found = api("POST", "/use-cases/claims/decide", body).json()

    assert (found["action"], found["rule"], found["queue"]) == ("escalate", "legal", "legal-desk")
    assert (found["version"], found["digest"], found["request_id"]) == (1, target.digest, "r-1")


def test_deciding_calibrates_what_the_model_said_and_tells_what_was_judged(
    api: Api, ops: User, use_case: UseCase
) -> None:
    from usecases.actions import versions

    document = claims()
    document["models"][0]["calibration"] = {"reported": [0.5, 1.0], "calibrated": [0.2, 0.7]}
    versions.apply(use_case=use_case, document=document, by=ops, reason="Boasts", expected_version=1)

    def decided(**signals: Any) -> tuple[str, float | None]:
        found = api("POST", "/use-cases/claims/decide", {"request_id": "r", "signals": signals}).json()
        return found["action"], found["confidence"]

    assert decided(model="small", confidence=1.0) == ("review", 0.7)
    assert decided(model="large", confidence=0.9) == ("answer", 0.9)
    assert decided(confidence=0.9) == ("answer", 0.9)
    assert decided(model="small", confidence="0.9") == ("escalate", None)


def test_deciding_follows_the_kill_switch(api: Api, ops: User, use_case: UseCase) -> None:
    from usecases.actions import kill_switches

    body = {"request_id": "r-1", "signals": {"confidence": 0.99}}
    assert api("POST", "/use-cases/claims/decide", body).json()["action"] == "answer"

    kill_switches.engage(use_case=use_case, by=ops)

    found = api("POST", "/use-cases/claims/decide", body).json()
    assert (found["action"], found["reason"], found["version"]) == ("escalate", "DISABLED", 2)


def test_deciding_is_total_in_attributes_and_signals(api: Api) -> None:
    body = {"request_id": "r", "attributes": [1], "signals": "none"}
    assert api("POST", "/use-cases/claims/decide", body).json()["action"] == "escalate"
    assert paths(expect_problem(api("POST", "/use-cases/claims/decide", {}), 422)) == ["request_id"]
    expect_problem(api("POST", "/use-cases/foreign/decide", body), 403)
