"""The one-pager is written by owners and by risk, whole, and never over somebody else's words."""

import pytest
from django.contrib.auth.models import User
from django.http import Http404

from audit.models import Event
from routing.models import State
from tests.documents import claims
from tests.guardrails import ask_for
from tests.one_pagers import ANSWERS, one_pager
from tests.record import failing_record
from usecases import one_pager_standing
from usecases.actions import changes, kill_switches, one_pagers, versions
from usecases.models import OnePager, UseCase
from usecases.permissions import Forbidden
from usecases.publishing import Refused


@pytest.mark.parametrize("who", ["ops", "risk"])
def test_owners_and_risk_write_it(use_case: UseCase, people: dict[str, User], who: str) -> None:
    one_pagers.write(use_case=use_case, **one_pager(), by=people[who], reason="Kick-off")
    one_pagers.write(use_case=use_case, **one_pager(kpi_target="6", users=None), by=people[who])

    row = OnePager.objects.get(use_case=use_case)
    assert (row.answers["kpi_target"], row.written_by) == ("6", who)
    event = Event.objects.latest("id")
    assert (event.kind, event.actor) == ("one_pager.written", who)
    assert event.sentence == "One-pager: users, target of the KPI written; 23 of 24 answered."
    assert event.old == {"answers": {"kpi_target": "4", "users": ANSWERS["users"]}, "dpia": {}}
    assert event.new == {"answers": {"kpi_target": "6"}, "dpia": {}}
    words = [edit.words for edit in one_pager_standing.edits(row)]
    assert words[0] == "users, target of the KPI"
    assert words[1].startswith("problem, users, KPI")


def test_the_same_answers_write_nothing(use_case: UseCase, ops: User) -> None:
    one_pagers.write(use_case=use_case, **one_pager(), by=ops)
    events = Event.objects.count()
    row = one_pagers.write(use_case=use_case, **one_pager(kpi_target="4.0"), by=ops)
    assert Event.objects.count() == events
    assert row.history.count() == 1


def test_without_a_right_to_tune_or_approve_nobody_writes(
    use_case: UseCase, people: dict[str, User], stranger: User
) -> None:
    with pytest.raises(Http404):
        one_pagers.write(use_case=use_case, **one_pager(), by=stranger)
    from guardian.shortcuts import assign_perm

    assign_perm("usecases.view_usecase", stranger, use_case)
    with pytest.raises(Forbidden, match="You may not tune"):
        one_pagers.write(use_case=use_case, **one_pager(), by=User.objects.get(pk=stranger.pk))


def test_an_edit_of_an_older_one_is_refused(use_case: UseCase, ops: User, risk: User) -> None:
    seen = one_pager_standing.token_of(one_pager_standing.held(use_case))
    one_pagers.write(use_case=use_case, **one_pager(), by=risk, expected=seen)
    with pytest.raises(one_pagers.Overtaken, match="risk has written"):
        one_pagers.write(use_case=use_case, **one_pager(kpi="Cost"), by=ops, expected=seen)
    assert OnePager.objects.get(use_case=use_case).answers["kpi"] == ANSWERS["kpi"]


def test_every_fault_is_told_and_nothing_is_kept(use_case: UseCase, ops: User) -> None:
    with pytest.raises(Refused) as refusal:
        one_pagers.write(use_case=use_case, **one_pager(kpi_target="many", time_box="soon"), by=ops)
    paths = [error["path"] for error in refusal.value.errors]
    assert paths == ["one_pager.answers.kpi_target", "one_pager.answers.time_box"]
    assert not OnePager.objects.exists()


def test_a_failing_audit_row_rolls_it_back(use_case: UseCase, ops: User) -> None:
    with failing_record():
        one_pagers.write(use_case=use_case, **one_pager(), by=ops)
    assert not OnePager.objects.exists()


@pytest.fixture
def asked_for(use_case: UseCase, risk: User) -> UseCase:
    """Risk asks for a complete one-pager here."""
    return ask_for(use_case, risk, one_pager_needed=True)


def test_where_risk_asks_for_it_nothing_goes_live_without(asked_for: UseCase, ops: User) -> None:
    inside = claims(answer_from=0.8)
    with pytest.raises(Refused, match="One-pager: 0 of 14 answered"):
        versions.apply(use_case=asked_for, document=inside, by=ops)
    change = changes.submit(use_case=asked_for, document=inside, by=ops)
    with pytest.raises(Refused, match="One-pager"):
        changes.apply(change=change, by=ops)
    one_pagers.write(use_case=asked_for, **one_pager(), by=ops)
    assert changes.apply(change=change, by=ops).number == 2


def test_tightening_and_stopping_need_none_but_restoring_does(asked_for: UseCase, ops: User) -> None:
    assert versions.apply(use_case=asked_for, document=claims(answer_from=0.9), by=ops).number == 2
    assert kill_switches.engage(use_case=asked_for, by=ops).state == State.BASELINE
    with pytest.raises(Refused, match="One-pager: 0 of 14"):
        kill_switches.restore(use_case=asked_for, by=ops)
    assert kill_switches.engage(use_case=asked_for, by=ops, to="review_all").state == State.REVIEW_ALL
    one_pagers.write(use_case=asked_for, **one_pager(), by=ops)
    assert kill_switches.restore(use_case=asked_for, by=ops).state == State.LIVE
