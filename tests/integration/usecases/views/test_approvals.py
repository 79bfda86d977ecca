"""The pages of changes: the dock that submits, the list that waits, the change with its gates and buttons."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.documents import claims
from tests.guardrails import ask_for

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from usecases.models import Change, UseCase

HOME = "/use-cases/claims"
CHANGE = f"{HOME}/approvals/1"


@pytest.fixture
def change(use_case: "UseCase", ops: "User") -> "Change":
    from usecases.actions import changes

    return changes.submit(use_case=use_case, document=claims(0.7), by=ops, reason="Backlog at peak")


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_past_the_lane_the_dock_submits_instead_of_applying(
    client: "Client", use_case: "UseCase", ops: "User"
) -> None:
    client.force_login(ops)
    client.post(f"{HOME}/tune/edit", {"bands.0.from": "0.70"})
    desk = text(client.get(f"{HOME}/tune"))
    assert "Needs 1 approval: Submit" in desk
    assert 'action="/use-cases/claims/tune/submit"' in desk

    sent = client.post(f"{HOME}/tune/submit", {"reason": "Backlog"}, follow=True)
    assert sent.redirect_chain[-1][0] == CHANGE
    shown = text(sent)
    assert "Answer from 0.70 instead of 0.85" in shown
    assert "Needs 1 approval<" in shown
    assert "Answer from: past the lane" in shown
    assert "Withdraw" in shown
    assert "<b>To clear it:</b> 1 more approval, not by the author." in shown
    assert not use_case.drafts.exists()
    assert use_case.versions.count() == 1


def test_the_list_says_what_waits_for_whom(
    client: "Client", change: "Change", ops: "User", risk: "User", stranger: "User"
) -> None:
    client.force_login(risk)
    shown = text(client.get("/approvals"))
    assert shown.index("Waiting for you") < shown.index(change.sentence) < shown.index("Waiting for others")
    assert 'Approvals <span class="num">1<' in shown

    client.force_login(ops)
    shown = text(client.get("/approvals"))
    assert "Nothing waits for you" in shown
    assert shown.index("Waiting for others") < shown.index(change.sentence)
    assert change.sentence in text(client.get(f"{HOME}/changes"))

    client.force_login(stranger)
    assert change.sentence not in text(client.get("/approvals"))
    assert client.get(CHANGE).status_code == 404


def test_a_reviewer_asks_the_author_amends_another_approval_and_it_is_live(
    client: "Client", change: "Change", ops: "User", risk: "User"
) -> None:
    client.force_login(risk)
    page = text(client.get(CHANGE))
    assert all(words in page for words in ("Veto", "Ask for changes", "Approve <kbd>"))
    assert "disabled>Apply" not in page  # risk may not tune
    client.post(f"{CHANGE}/approve", {"content": content(page)})
    assert "Approved, not live yet" in text(client.get(CHANGE))
    empty = client.post(f"{CHANGE}/request-changes", {"reason": ""})
    assert (empty.status_code, "Say what should be changed" in text(empty)) == (422, True)
    client.post(f"{CHANGE}/request-changes", {"reason": "Stay at 0.72"})

    client.force_login(ops)
    assert "risk asked for changes." in text(client.get(CHANGE))
    refused = client.post(f"{CHANGE}/apply")
    assert (refused.status_code, "Changes were asked for" in text(refused)) == (422, True)
    assert client.post(f"{CHANGE}/take-up").headers["Location"] == f"{HOME}/tune"
    client.post(f"{HOME}/tune/edit", {"bands.0.from": "0.72"})
    assert "Amend change 1" in text(client.get(f"{HOME}/tune"))
    client.post(f"{HOME}/tune/submit", {"reason": "As asked"})
    page = text(client.get(CHANGE))
    assert "Void: the change was amended" in page
    assert "instead of 0.85" in page

    client.force_login(risk)
    stale = client.post(f"{CHANGE}/approve", {"content": "0" * 64})
    assert "not what you looked at" in text(stale)
    client.post(f"{CHANGE}/approve", {"content": content(text(client.get(CHANGE)))})
    client.force_login(ops)
    done = text(client.post(f"{CHANGE}/apply", follow=True))
    assert "Live as r2" in done
    assert change.use_case.versions.first().document == claims(0.72)  # type: ignore[union-attr]


def content(page: str) -> str:
    return page.split('name="content" value="')[1].split('"')[0]


def test_enter_beside_the_reason_judges_nothing(
    client: "Client", change: "Change", ops: "User", risk: "User"
) -> None:
    for who in (ops, risk):
        client.force_login(who)
        page = text(client.get(CHANGE))
        dock = page[page.index('id="dock"') :]
        pressed = dock[dock.index("<button") : dock.index("</button>")]
        assert " disabled" in pressed, (
            "a browser presses the first button of a form: it was Veto, or Withdraw"
        )


def test_a_remark_stands_under_its_line(client: "Client", change: "Change", risk: "User") -> None:
    client.force_login(risk)
    client.post(f"{CHANGE}/remark", {"path": "bands.answer.from", "reason": "Why so <far>?"})
    shown = text(client.get(CHANGE))
    assert "Why so &lt;far&gt;?" in shown


def test_ends_are_told(client: "Client", change: "Change", ops: "User", risk: "User") -> None:
    from usecases.models import Change as Row

    client.force_login(risk)
    client.post(f"{CHANGE}/veto", {"reason": "Not in December"})
    shown = text(client.get(CHANGE))
    assert "Vetoed by risk" in shown
    assert "Approve <kbd>" not in shown
    late = client.post(f"{CHANGE}/approve")
    assert (late.status_code, "vetoed already" in text(late)) == (422, True)
    Row.objects.update(status="open", closed_at=None, expires_at=change.submitted_at - timedelta(days=1))
    assert "Nobody decided in time" in text(client.get(CHANGE))


def test_a_stale_change_is_carried_over_and_scheduled(
    client: "Client", change: "Change", ops: "User"
) -> None:
    from usecases.actions import versions

    versions.apply(use_case=change.use_case, document=claims(latency_s=6.0), by=ops)
    client.force_login(ops)
    assert "Carry it over to r2" in text(client.get(CHANGE))
    assert "It builds on r2 now." in text(client.post(f"{CHANGE}/carry-over", follow=True))
    assert "anew" in text(client.post(f"{CHANGE}/renew", follow=True))
    when = (change.submitted_at + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert "goes live by itself" in text(client.post(f"{CHANGE}/schedule", {"at": when}, follow=True))
    assert client.post(f"{CHANGE}/schedule", {"at": "soon"}).status_code == 422
    assert client.post(f"{CHANGE}/nonsense").status_code == 404
    assert client.get(f"{CHANGE}/withdraw").status_code == 302
    assert "is withdrawn" in text(client.post(f"{CHANGE}/withdraw", follow=True))


def test_the_way_back_asks_where_risk_wants_it(
    client: "Client", use_case: "UseCase", ops: "User", risk: "User"
) -> None:
    ask_for(use_case, risk, approvals_to_restore=1)
    client.force_login(ops)
    client.post(f"{HOME}/kill")
    assert "Ask for 1 approval to restore r1" in text(client.get(f"{HOME}/"))
    asked = client.post(f"{HOME}/restore", {"reason": "Fixed"}, follow=True)
    assert asked.redirect_chain[-1][0] == CHANGE
    assert "Restore: assistants answer by the document again" in text(asked)
    assert use_case.versions.count() == 2
    client.force_login(risk)
    assert f'href="{CHANGE}">Restoring r1 waits for approval</a>' in text(client.get(f"{HOME}/"))
    client.post(f"{CHANGE}/approve")
    assert "Live as r3" in text(client.post(f"{CHANGE}/apply", follow=True))


def test_terms_are_set_on_the_guardrails_page(
    client: "Client", use_case: "UseCase", risk: "User", ops: "User"
) -> None:
    from usecases.models import Guardrail

    said = {
        "terms": "1",
        "approvals": "2",
        "approvals_to_restore": "1",
        "expire_days": "14",
        "evidence_hours": "72",
        "groups": "risk, admin",
        "people": "",
        "freezes": "2026-12-20T00:00+00:00 to 2027-01-02T00:00+00:00 Year's end",
        "hours": "sat sun 00:00 to 24:00",
        "zone": "Europe/Berlin",
        "evidence_needed": "on",
    }
    client.force_login(risk)
    assert client.post(f"{HOME}/guardrails", said).status_code == 302
    held = Guardrail.objects.get(use_case=use_case).terms
    assert held["approvers"]["groups"] == ["risk", "admin"]
    assert held["freezes"][0]["reason"] == "Year's end"
    assert held["quiet_hours"]["hours"] == [{"days": ["sat", "sun"], "from": "00:00", "until": "24:00"}]
    assert "Year&#x27;s end" in text(client.get(f"{HOME}/guardrails"))

    wrong = client.post(
        f"{HOME}/guardrails", said | {"freezes": "soon", "approvals": "9", "groups": "nobody"}
    )
    assert wrong.status_code == 422
    assert "is no freeze" in text(wrong)
    client.force_login(ops)
    assert "Past the lane: 2 approvals, by group risk, group admin but its author." in text(
        client.get(f"{HOME}/guardrails")
    )


def test_an_override_is_granted_from_the_change_by_who_holds_both_rights(
    client: "Client", change: "Change", admin: "User", risk: "User"
) -> None:
    client.force_login(risk)
    assert "Override now" not in text(client.get(CHANGE))
    assert client.post(f"{CHANGE}/override", {"hours": "1", "reason": "Now"}).status_code == 403
    client.force_login(admin)
    assert "Override now" in text(client.get(CHANGE))
    assert client.post(f"{CHANGE}/override", {"hours": "long", "reason": "Now"}).status_code == 422
    refused = client.post(f"{CHANGE}/override", {"hours": "nan", "reason": "Nobody is in"})
    assert refused.status_code == 422
    kept = '<details open><summary class="button kill">Emergency: override…'
    assert all(part in text(refused) for part in (kept, 'value="nan"', 'value="Nobody is in"', "hours-why"))
    assert "Live as r2" in text(
        client.post(f"{CHANGE}/override", {"hours": "1", "reason": "Now"}, follow=True)
    )


def test_overrides_are_listed_until_somebody_else_has_looked(
    client: "Client", use_case: "UseCase", admin: "User", risk: "User"
) -> None:
    from usecases.actions import overrides

    row = overrides.override(use_case=use_case, document=claims(0.7), by=admin, reason="Queue is on fire")
    client.force_login(admin)
    shown = text(client.get("/approvals"))
    assert "Queue is on fire" in shown
    assert "Looked at it" not in shown
    for page in ("", "tune", "guardrails"):
        told = text(client.get(f"{HOME}/{page}"))
        assert "An override by admin runs until" in told
        assert "Somebody else who may approve has to look at it." in told
    assert "ends by itself" in text(client.get(f"{HOME}/changes/{row.version}"))
    client.force_login(risk)
    client.post(f"{HOME}/overrides/{row.pk}/review", {"reason": "Seen while it runs"})
    still = text(client.get("/approvals"))
    assert "Looked at by risk." in still
    assert "Looked at it" not in still
    client.force_login(admin)
    assert "End it now" in text(client.get("/approvals"))
    client.post(f"{HOME}/overrides/{row.pk}/end")
    assert "Queue is on fire" not in text(client.get("/approvals"))
    assert "An override by" not in text(client.get(f"{HOME}/"))
    assert "Looked at by risk: “Seen while it runs”." in text(client.get(f"{HOME}/changes/{row.version}"))


def test_an_override_that_has_ended_still_waits_for_somebody_else(
    client: "Client", use_case: "UseCase", admin: "User", risk: "User"
) -> None:
    from usecases.actions import overrides

    row = overrides.override(use_case=use_case, document=claims(0.7), by=admin, reason="Queue is on fire")
    overrides.end(override=row, by=admin)
    client.force_login(risk)
    assert "Looked at it" in text(client.get("/approvals"))
    client.post(f"{HOME}/overrides/{row.pk}/review", {"reason": "Was right"})
    assert "Queue is on fire" not in text(client.get("/approvals"))
