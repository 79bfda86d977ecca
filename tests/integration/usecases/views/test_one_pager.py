"""The one-pager as a page: read by everybody, written by owners and risk, nothing typed is lost."""

from typing import TYPE_CHECKING

import pytest

from tests.one_pagers import ANSWERS, DPIA

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from usecases.models import UseCase

SHEET = "/use-cases/claims/one-pager"
EDIT = f"{SHEET}/edit"
TYPED = {f"answers.{key}": text for key, text in ANSWERS.items()} | {
    f"dpia.{key}": text for key, text in DPIA.items()
}


@pytest.fixture
def owner(client: "Client", ops: "User", use_case: "UseCase") -> "Client":
    client.force_login(ops)
    return client


def token(client: "Client") -> str:
    return str(client.get(EDIT).context["token"])


def test_an_empty_one_says_what_is_missing_and_where_to_write_it(owner: "Client") -> None:
    shown = owner.get(SHEET).content.decode()
    assert "0 of 14 answered" in shown
    assert "kill criteria" in shown
    assert EDIT in shown
    assert "One-pager: 0 of 14 answered" in owner.get("/use-cases/claims/").content.decode()


def test_an_owner_writes_it_and_everybody_reads_sheet_assessment_and_edits(owner: "Client") -> None:
    answer = owner.post(EDIT, TYPED | {"token": token(owner), "reason": "Kick-off"}, follow=True)

    shown = answer.content.decode()
    assert answer.redirect_chain == [(SHEET, 302)]
    for words in (
        "One-pager saved: 24 of 24 answered.",
        "46 hours",
        "A person decides",
        "problem, users, KPI",
    ):
        assert words in shown


def test_what_makes_no_sense_is_told_at_its_field_and_everything_typed_stays(owner: "Client") -> None:
    faulty = TYPED | {"answers.kpi_target": "many", "token": token(owner), "reason": "Kept reason"}
    refused = owner.post(EDIT, faulty)

    shown = refused.content.decode()
    assert refused.status_code == 422
    assert '<a class="link" href="#f-answers.kpi_target">Target</a>' in shown
    assert "“Target” has to be a number" in shown
    assert all(words in shown for words in ('value="many"', "Kept reason", ANSWERS["kill_criteria"]))


def test_somebody_elses_edit_is_shown_before_it_is_written_over(
    owner: "Client", risk: "User", use_case: "UseCase"
) -> None:
    from usecases.actions import one_pagers

    seen = token(owner)
    one_pagers.write(use_case=use_case, answers={"kpi": "Cost per claim"}, dpia={}, by=risk)
    refused = owner.post(EDIT, TYPED | {"token": seen})

    assert refused.status_code == 409
    shown = refused.content.decode()
    assert "risk has written this one-pager meanwhile" in shown
    assert "Cost per claim" in shown
    again = owner.post(EDIT, TYPED | {"token": refused.context["token"]})
    assert again.status_code == 302


def test_a_watcher_reads_and_does_not_write_and_a_stranger_finds_nothing(
    client: "Client", stranger: "User", use_case: "UseCase"
) -> None:
    from guardian.shortcuts import assign_perm

    client.force_login(stranger)
    assert [client.get(SHEET).status_code, client.get(EDIT).status_code] == [404, 404]
    assign_perm("usecases.view_usecase", stranger, use_case)
    assert EDIT not in client.get(SHEET).content.decode()
    assert [client.get(EDIT).status_code, client.post(EDIT, TYPED).status_code] == [403, 403]


def test_an_owner_renames_a_use_case_and_sets_its_risk(owner: "Client", use_case: "UseCase") -> None:
    where = "/use-cases/claims/settings"
    typed = {"name": "Claims, first answer", "owner": "claims-ops", "risk": "high", "description": ""}
    assert where in owner.get(SHEET).content.decode()
    assert owner.post(where, typed).status_code == 302
    use_case.refresh_from_db()
    assert (use_case.name, use_case.risk) == ("Claims, first answer", "high")

    assert 'value="low"' not in owner.get(where).content.decode()
    assert owner.post(where, typed | {"risk": "low"}).status_code == 403

    refused = owner.post(where, typed | {"owner": ""})
    assert refused.status_code == 422
    assert "Name the desk that owns the outcome." in refused.content.decode()


def test_risk_does_not_rename(client: "Client", risk: "User", use_case: "UseCase") -> None:
    client.force_login(risk)
    assert client.get("/use-cases/claims/settings").status_code == 403
    assert "/settings" not in client.get(SHEET).content.decode()
