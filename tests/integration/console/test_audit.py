"""The record's pages: what an auditor asks, filters that somebody keeps, one event with its proof, exports."""

import json
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.documents import claims

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client
    from pytest_django.fixtures import Settings

    from usecases.models import UseCase


def test_who_changed_this_knob_and_why(
    client: "Client", ops: "User", risk: "User", turned: "UseCase", kinds: Callable[[str], list[str]]
) -> None:
    from usecases.actions import guardrails

    limits = turned.guardrail.knobs | {
        "bands.answer.from": {"lane": [0.8, 0.95], "limit": [0.6, 1.0], "reason": ""}
    }
    guardrails.set_limits(
        use_case=turned, knobs=limits, approved_models=turned.guardrail.approved_models, by=risk
    )
    client.force_login(ops)

    assert kinds("knob=bands.answer.from") == ["guardrail.set", "version.applied"]
    assert kinds("knob=bands.answer.from&person=ops") == ["version.applied"]
    assert kinds("knob=bands") == ["guardrail.set", "version.applied"]
    assert kinds("knob=thresholds.audit_share") == []
    assert kinds("knob=bands.answer.from&period=today&q=complaints") == ["version.applied"]
    assert kinds("knob=bands.answer.from&period=last-month") == []
    shown = client.get("/audit?knob=bands.answer.from").content.decode()
    assert '<option value="bands.answer.from" selected>Answer from</option>' in shown
    assert "Complaints of March" in shown


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("complaints march", True),
        ("COMPL", True),  # from the beginning of a word
        ("plaints", False),
        ("0.9", True),
        ("claims", True),
        ("complaints giraffe", False),
        ("' | & ! :* ( \\", True),  # nothing to look for
        ("'; complaints:*", True),
    ],
)
def test_words_are_looked_for_from_their_beginning(
    client: "Client",
    ops: "User",
    turned: "UseCase",
    kinds: Callable[[str], list[str]],
    words: str,
    found: bool,
) -> None:
    from urllib.parse import quote

    client.force_login(ops)

    assert ("version.applied" in kinds(f"q={quote(words)}")) is found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("since=0001-01-01", True),
        ("until=9999-12-31T23:59", True),
        ("period=0001-01", False),
        ("since=9999-12-31T23:59", False),
        ("until=0001-01-01", False),
    ],
)
@pytest.mark.parametrize("zone", ["", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_first_and_the_last_days_of_all_are_days_like_others(
    client: "Client",
    ops: "User",
    turned: "UseCase",
    kinds: Callable[[str], list[str]],
    zone: str,
    query: str,
    found: bool,
) -> None:
    client.force_login(ops)
    client.cookies["tz"] = zone

    assert client.get(f"/audit?{query}").status_code == 200
    assert ("version.applied" in kinds(query)) is found


def test_periods_are_those_of_the_readers_calendar() -> None:
    import zoneinfo

    from django.utils import timezone

    from usecases import record_periods

    with timezone.override(zoneinfo.ZoneInfo("Europe/Berlin")):
        march = record_periods.span("2026-03")
        assert march is not None
        assert [f"{end:%Y-%m-%d %H:%M %z}" for end in march] == [
            "2026-03-01 00:00 +0100",
            "2026-04-01 00:00 +0200",
        ]
        for name, _ in record_periods.choices():
            first, last = record_periods.span(name) or (None, None)
            assert first is not None
            assert last is not None
            assert first < last
    assert record_periods.span("2026-13") is None
    assert record_periods.span("") is None


def test_events_of_none_are_an_admins_and_those_who_made_them(
    client: "Client", ops: "User", risk: "User", admin: "User", kinds: Callable[[str], list[str]]
) -> None:
    from console import tokens

    tokens.issue(name="mine", by=ops, user=ops)

    for who, seen in ((ops, ["token.issued"]), (admin, ["token.issued"]), (risk, [])):
        client.force_login(who)
        assert kinds("kind=token.issued") == seen, who
        assert kinds("q=mine&kind=token.issued") == seen, who
        offered = '<option value="token.issued"' in client.get("/audit").content.decode()
        assert offered is bool(seen), who


def test_an_admin_reads_no_event_of_the_whole_console_that_names_what_they_do_not_see(
    client: "Client", risk: "User", admin: "User", hidden: "UseCase"
) -> None:
    from django.contrib.auth.models import Group, User
    from django.utils import timezone
    from guardian.shortcuts import remove_perm

    from audit import log
    from audit.models import Event
    from console import tokens
    from tests.guardrails import ask_for
    from usecases.actions import access_reviews, lanes
    from usecases.models import UseCase

    lane = lanes.create(slug="shared", name="Shared", by=risk).lane
    for one in UseCase.objects.all():
        ask_for(one, risk, lanes=["shared"])
    lanes.set_lane(lane=lane, by=risk, name="Renamed lane")
    access_reviews.start(by=risk, due_at=timezone.now() + timedelta(days=9))
    command = log.System("command")
    token, _ = tokens.issue(name="desk", by=command, use_cases=["hidden"])
    token, _ = tokens.rotate(token=token, by=command)
    tokens.revoke(token=token, by=command)
    tokens.issue(name="early", by=command, use_cases=["not-there-yet"])
    apart = Event.objects.filter(use_case="").order_by("pk")
    client.force_login(User.objects.get(pk=admin.pk))
    assert "Renamed lane" in client.get("/audit").content.decode()

    remove_perm("usecases.view_usecase", Group.objects.get(name="admin"), hidden)
    for path in ("/audit", "/audit.csv", "/audit.jsonl"):
        answer = client.get(path)
        body = b"".join(answer) if answer.streaming else answer.content
        for words in (b"of hidden", b"Hidden job", b"&quot;hidden&quot;", b'"hidden"]', b'""hidden""'):
            assert words not in body, (path, words)
        assert b"early" in body
    seen = [event.kind for event in apart if client.get(f"/audit/{event.uid}").status_code == 200]
    assert seen == ["lane.created", "token.issued"]
    assert (
        b"desk" not in client.get(f"/audit/{apart[apart.count() - 1].uid}").content
    )  # nor as the one before
    client.force_login(risk)
    assert b"Renamed lane" in client.get("/audit").content, "who did it knew"


def test_who_is_called_like_a_part_of_the_product_does_not_read_what_that_part_did(
    client: "Client", stranger: "User", kinds: Callable[[str], list[str]]
) -> None:
    from audit import log
    from console import tokens

    stranger.username = "sign-in"
    stranger.save()
    event = log.record(
        kind="sign_in.failed", sentence="Somebody guesses.", by=log.System("sign-in"), new={"address": "::1"}
    )
    tokens.issue(name="mine", by=stranger, user=stranger)
    client.force_login(stranger)

    assert (kinds(""), kinds("person=sign-in"), kinds("q=guesses")) == (
        ["token.issued"],
        ["token.issued"],
        [],
    )
    assert '<option value="sign_in.failed"' not in client.get("/audit").content.decode()
    assert client.get(f"/audit/{event.uid}").status_code == 404


def test_a_strangers_use_case_is_in_no_answer(
    client: "Client", ops: "User", admin: "User", hidden: "UseCase", kinds: Callable[[str], list[str]]
) -> None:
    from audit.models import Event
    from console import tokens
    from usecases.actions import versions

    versions.apply(use_case=hidden, document=claims(0.91), by=admin, reason="Secret reason")
    event = Event.objects.filter(use_case="hidden").latest("id")
    client.force_login(ops)

    for query in (
        "q=secret",
        "use_case=hidden",
        "knob=bands.answer.from",
        "kind=version.applied",
        "person=admin&q=Hidden",
    ):
        assert kinds(query) == [], query
        assert "Secret" not in client.get(f"/audit?{query}").content.decode()
        assert b"Secret" not in b"".join(client.get(f"/audit.jsonl?{query}"))
    assert '<option value="version.applied"' not in client.get("/audit").content.decode()
    for path in ("", "/proof.json", "/erase"):
        unseen, unknown = client.get(f"/audit/{event.uid}{path}"), client.get(f"/audit/{uuid.uuid4()}{path}")
        assert (unseen.status_code, unknown.status_code) == (404, 404)
    bearer = {"Authorization": f"Bearer {tokens.issue(name='t', by=ops, user=ops)[1]}"}
    assert client.get(f"/api/v1/audit/events/{event.uid}", headers=bearer).status_code == 404
    assert client.get("/api/v1/audit/events?knob=bands", headers=bearer).json()["events"] == []


def test_one_event_tells_all_that_is_known_of_it(client: "Client", ops: "User", turned: "UseCase") -> None:
    from audit.models import Event

    event = Event.objects.filter(kind="version.applied").latest("id")
    client.force_login(ops)

    shown = client.get(f"/audit/{event.uid}").content.decode()

    assert "Answer from" in shown
    assert "Complaints of March" in shown
    assert str(event.uid) in shown
    assert f"/use-cases/claims/decisions?version={event.version}" in shown
    before = Event.objects.filter(kind="use_case.created").latest("id")
    assert f"/audit/{before.uid}" in shown


def test_what_one_request_did_is_shown_together(client: "Client", ops: "User", hidden: "UseCase") -> None:
    from audit import context, log

    with context.through("page"):
        seen = log.record(kind="drill", sentence="One.", by=ops, use_case="claims")
        log.record(kind="drill", sentence="Two.", by=ops, use_case="claims")
        log.record(kind="drill", sentence="Unseen.", by=ops, use_case="hidden")
    client.force_login(ops)

    shown = client.get(f"/audit/{seen.uid}").content.decode()

    assert "Two." in shown
    assert "Unseen." not in shown


@pytest.mark.django_db(transaction=True)
def test_a_proof_is_downloaded_and_verified_away_from_the_console(
    client: "Client", ops: "User", turned: "UseCase", tmp_path: Path
) -> None:
    from audit import checkpoints
    from audit.models import Event

    event = Event.objects.filter(kind="version.applied").latest("id")
    client.force_login(ops)
    early = client.get(f"/audit/{event.uid}/proof.json")
    assert early.status_code == 409
    assert "Not signed yet" in early.content.decode()

    checkpoints.make()
    assert "Download proof" in client.get(f"/audit/{event.uid}").content.decode()
    file = tmp_path / "proof.json"
    file.write_bytes(client.get(f"/audit/{event.uid}/proof.json").content)
    told = subprocess.run(
        [sys.executable, "-m", "audit.verify", str(file)], capture_output=True, text=True, check=True
    )
    assert f"verified: event {event.uid}" in told.stdout


@pytest.mark.django_db(transaction=True)
def test_lines_of_json_hold_values_and_place(client: "Client", ops: "User", turned: "UseCase") -> None:
    client.force_login(ops)

    text = b"".join(client.get("/audit.jsonl?knob=bands.answer.from")).decode()
    (line,) = [json.loads(line) for line in text.splitlines()]

    assert line["new"]["bands.answer.from"] == 0.9
    assert line["old"] == {"bands.answer.from": 0.85}
    assert line["seq"] >= 1
    assert len(line["leaf"]) == 64


@pytest.mark.django_db(transaction=True)
def test_a_download_keeps_no_connection_while_somebody_takes_it_in_slowly(
    client: "Client", ops: "User", turned: "UseCase"
) -> None:
    """There are a dozen connections for everybody: a few slow readers would keep all others out."""
    from django.db import connection

    client.force_login(ops)
    for answer in (
        client.get("/audit.csv"),
        client.get("/audit.jsonl"),
        client.get("/use-cases/claims/decisions.csv"),
        client.post("/use-cases/claims/evidence", {"period": "this_month"}),
    ):
        sent = iter(answer)
        assert next(sent)
        assert connection.connection is None, answer.headers["Content-Disposition"]
        assert b"".join(sent) is not None


def test_the_api_reads_times_in_utc_and_refuses_those_of_no_clock(
    client: "Client", ops: "User", turned: "UseCase", settings: "Settings"
) -> None:
    from datetime import UTC, datetime

    from console import tokens

    settings.TIME_ZONE = "Pacific/Kiritimati"
    bearer = {"Authorization": f"Bearer {tokens.issue(name='t', by=ops, user=ops)[1]}"}
    soon = (datetime.now(UTC) + timedelta(hours=1)).replace(tzinfo=None).isoformat()

    found = client.get(f"/api/v1/audit/events?kind=version.applied&until={soon}", headers=bearer)
    assert [event["kind"] for event in found.json()["events"]] == ["version.applied"]
    for path in ("events?", "evidence?use_case=claims&until=2026-04-01&"):
        for odd in ("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-12:00", "1e400"):
            refused = client.get(f"/api/v1/audit/{path}since={odd}", headers=bearer)
            assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "since"), path


@pytest.mark.django_db(transaction=True)
def test_the_api_filters_pages_and_proves(client: "Client", ops: "User", turned: "UseCase") -> None:
    from audit import checkpoints
    from audit.verify import verify_inclusion
    from console import tokens

    bearer = {"Authorization": f"Bearer {tokens.issue(name='t', by=ops, user=ops)[1]}"}

    def ask(path: str) -> Any:
        return client.get(f"/api/v1/audit/events{path}", headers=bearer).json()

    (found,) = ask("?knob=bands.answer.from&q=complaints")["events"]
    assert found["new"]["bands.answer.from"] == 0.9
    first = ask("?limit=1&use_case=claims")
    rest = ask(f"?limit=500&use_case=claims&before={first['next_before']}")
    assert [e["kind"] for e in (*first["events"], *rest["events"])] == ["version.applied", "use_case.created"]
    assert rest["next_before"] is None
    unsigned = ask(f"/{found['uid']}")
    assert unsigned["proof"] is None
    assert "checkpoint" in unsigned["unsigned"]
    checkpoints.make()
    verify_inclusion(ask(f"/{found['uid']}")["proof"])
    assert client.get("/api/v1/audit/events/nonsense", headers=bearer).status_code == 422


def test_filters_are_kept_used_renamed_and_deleted(
    client: "Client", ops: "User", risk: "User", use_case: "UseCase"
) -> None:
    from console.models import SavedFilter

    client.force_login(ops)
    kept = client.post(
        "/audit/filters", {"name": " Knobs in  March ", "query": "knob=bands&period=2026-03&page=9"}
    )
    row = SavedFilter.objects.get()
    assert (row.name, row.query) == ("Knobs in March", "knob=bands&period=2026-03")
    assert kept.headers["Location"] == f"/audit?{row.query}"
    assert "Knobs in March" in client.get("/audit").content.decode()
    for bad in (
        {"name": "", "query": row.query},
        {"name": "x" * 81, "query": row.query},
        {"name": "All", "query": ""},
    ):
        assert client.post("/audit/filters", bad).status_code == 422, bad
    client.post("/audit/filters", {"name": "Knobs in March", "query": "knob=rules"})
    row.refresh_from_db()
    assert row.query == "knob=rules"

    client.get("/audit")  # the notice of what was kept is read
    client.force_login(risk)
    assert "Knobs in March" not in client.get("/audit").content.decode()
    assert client.post(f"/audit/filters/{row.pk}", {"do": "delete"}).status_code == 404

    client.force_login(ops)
    client.post("/audit/filters", {"name": "Other", "query": "kind=drill"})
    assert client.post(f"/audit/filters/{row.pk}", {"do": "rename", "name": "Other"}).status_code == 422
    client.post(f"/audit/filters/{row.pk}", {"do": "rename", "name": "Rules"})
    client.post(f"/audit/filters/{row.pk}", {"do": "delete"})
    assert list(SavedFilter.objects.values_list("name", flat=True)) == ["Other"]


def test_somebody_keeps_fifty_filters_at_most(ops: "User") -> None:
    from console import saved_filters
    from usecases.publishing import Refused

    for number in range(saved_filters.MOST):
        saved_filters.save(by=ops, name=f"filter {number}", query="kind=drill")
    with pytest.raises(Refused, match="50"):
        saved_filters.save(by=ops, name="one more", query="kind=drill")
