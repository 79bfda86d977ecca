"""One click returns a use case to its baseline, and the record says who clicked."""

import json

import pytest
from django.contrib.auth.models import User
from django.http import Http404

from audit.models import Event
from routing.engine.digest import digest
from routing.engine.states import effective
from routing.models import Rollout, Target
from tests.documents import claims
from tests.record import failing_record
from usecases.actions import guardrails, kill_switches, use_cases, versions
from usecases.models import UseCase, Version
from usecases.permissions import Forbidden
from usecases.publishing import Content, Refused, Stale, latest


def test_engage_publishes_the_baseline_as_a_new_version(use_case: UseCase, ops: User) -> None:
    version = kill_switches.engage(use_case=use_case, by=ops, reason="Answers look wrong")

    target = Target.objects.get(use_case="claims")
    assert (version.number, version.state, version.kind) == (2, "baseline", "kill")
    assert (target.version, target.state) == (2, "baseline")
    assert target.digest == digest(effective(target.document, target.baseline, "baseline", target.message))
    assert json.loads(target.envelope)["message"] == "A colleague is checking your claim."
    assert Rollout.objects.filter(use_case="claims", version=2, converged_at=None).exists()


def test_engage_records_who_and_why(use_case: UseCase, ops: User) -> None:
    kill_switches.engage(use_case=use_case, by=ops, reason="Answers look wrong")

    event = Event.objects.latest("id")
    assert (event.kind, event.actor, event.reason) == ("kill_switch.engaged", "ops", "Answers look wrong")
    message = "A colleague is checking your claim."
    assert event.old == {"state": "live", "message": message}
    sealed = Content.of(latest(use_case)).digest()
    assert event.new == {"state": "baseline", "message": message, "content": sealed}
    assert event.version == 2


def test_engage_twice_writes_nothing_the_second_time(use_case: UseCase, ops: User, risk: User) -> None:
    first = kill_switches.engage(use_case=use_case, by=ops)
    events = Event.objects.count()

    again = kill_switches.engage(use_case=use_case, by=risk)

    assert again == first
    assert Event.objects.count() == events


def test_engage_with_another_message_changes_what_customers_read(use_case: UseCase, ops: User) -> None:
    kill_switches.engage(use_case=use_case, by=ops)

    version = kill_switches.engage(use_case=use_case, by=ops, message="We answer by phone today.")

    assert version.number == 3
    assert Target.objects.get(use_case="claims").message == "We answer by phone today."


def test_engage_by_a_stranger_says_there_is_no_such_use_case(use_case: UseCase, stranger: User) -> None:
    with pytest.raises(Http404):
        kill_switches.engage(use_case=use_case, by=stranger)
    assert Version.objects.filter(use_case=use_case).count() == 1


def test_engage_without_permission_is_refused(use_case: UseCase, stranger: User) -> None:
    from guardian.shortcuts import assign_perm

    assign_perm("usecases.view_usecase", stranger, use_case)
    with pytest.raises(Forbidden, match="You may not stop or restore"):
        kill_switches.engage(use_case=use_case, by=stranger)


def test_engage_to_an_unknown_step_is_refused(use_case: UseCase, ops: User) -> None:
    with pytest.raises(Refused, match="no step “off”"):
        kill_switches.engage(use_case=use_case, by=ops, to="off")


def test_a_failing_audit_row_rolls_the_kill_back(use_case: UseCase, ops: User) -> None:
    with failing_record():
        kill_switches.engage(use_case=use_case, by=ops)

    assert Target.objects.get(use_case="claims").version == 1
    assert Version.objects.filter(use_case=use_case).count() == 1
    assert Rollout.objects.filter(use_case="claims").count() == 1


def test_review_all_is_the_middle_step(use_case: UseCase, ops: User) -> None:
    version = kill_switches.engage(use_case=use_case, by=ops, to="review_all")

    assert version.state == "review_all"
    assert kill_switches.engage(use_case=use_case, by=ops).state == "baseline"


def test_from_baseline_review_is_half_the_way_back(use_case: UseCase, ops: User) -> None:
    kill_switches.engage(use_case=use_case, by=ops)

    version = kill_switches.engage(use_case=use_case, by=ops, to="review_all")

    assert (version.number, version.state, version.returns_to) == (3, "review_all", 1)
    assert kill_switches.restore(use_case=use_case, by=ops).returns_to == 1


def test_words_for_one_incident_do_not_greet_customers_in_the_next(use_case: UseCase, ops: User) -> None:
    kill_switches.engage(use_case=use_case, by=ops, message="Our provider is down.")
    kill_switches.restore(use_case=use_case, by=ops)

    assert kill_switches.engage(use_case=use_case, by=ops).message == "A colleague is checking your claim."


def test_restore_brings_the_document_back_under_a_new_number(use_case: UseCase, ops: User) -> None:
    live = Target.objects.get(use_case="claims").digest
    kill_switches.engage(use_case=use_case, by=ops, to="review_all")
    kill_switches.engage(use_case=use_case, by=ops)

    version = kill_switches.restore(use_case=use_case, by=ops, reason="Fixed")

    target = Target.objects.get(use_case="claims")
    assert (version.number, version.state, version.returns_to) == (4, "live", 1)
    assert (target.digest, target.version) == (live, 4)
    assert Event.objects.latest("id").kind == "kill_switch.restored"


def test_restore_of_a_live_use_case_writes_nothing(use_case: UseCase, ops: User) -> None:
    events = Event.objects.count()
    assert kill_switches.restore(use_case=use_case, by=ops).number == 1
    assert Event.objects.count() == events


def test_restore_over_somebody_elses_publication_is_refused(use_case: UseCase, ops: User) -> None:
    kill_switches.engage(use_case=use_case, by=ops)
    with pytest.raises(Stale):
        kill_switches.restore(use_case=use_case, by=ops, expected_version=1)


def test_restore_past_limits_that_risk_tightened_is_refused(use_case: UseCase, ops: User, risk: User) -> None:
    kill_switches.engage(use_case=use_case, by=ops)
    tighter = {"bands.answer.from": {"lane": None, "limit": [0.9, 1.0], "reason": ""}}
    guardrails.set_limits(use_case=use_case, knobs=tighter, approved_models=[], by=risk)

    with pytest.raises(Refused, match="no longer keeps"):
        kill_switches.restore(use_case=UseCase.objects.get(pk=use_case.pk), by=ops)


def test_a_change_applied_on_baseline_takes_effect_at_the_restore(use_case: UseCase, ops: User) -> None:
    kill_switches.engage(use_case=use_case, by=ops)
    applied = versions.apply(use_case=use_case, document=claims(answer_from=0.9), by=ops, expected_version=2)
    assert applied.state == "baseline"

    restored = kill_switches.restore(use_case=use_case, by=ops)

    assert restored.document["bands"][0]["from"] == 0.9
    assert restored.returns_to == 3


def test_the_message_on_baseline_can_be_edited(use_case: UseCase, ops: User) -> None:
    kill_switches.engage(use_case=use_case, by=ops)
    kill_switches.edit_message(use_case=use_case, message="Call us, please.", by=ops)

    assert json.loads(Target.objects.get(use_case="claims").envelope)["message"] == "Call us, please."
    events = Event.objects.count()
    kill_switches.edit_message(use_case=use_case, message=" Call us, please. ", by=ops)
    assert Event.objects.count() == events


def test_all_use_cases_go_to_baseline_at_one_commit(use_case: UseCase, ops: User, admin: User) -> None:
    use_cases.create(slug="refunds", name="Refunds", owner="refunds-ops", document=claims(), by=admin)

    killed = kill_switches.engage_all(by=ops, reason="Provider is down")

    assert {version.use_case.slug for version in killed} == {"claims", "refunds"}
    assert set(Target.objects.values_list("state", flat=True)) == {"baseline"}
    assert Event.objects.filter(kind="kill_switch.engaged", reason="Provider is down").count() == 2


def test_all_to_review_leaves_those_on_baseline_where_they_are(
    use_case: UseCase, ops: User, admin: User
) -> None:
    use_cases.create(slug="refunds", name="Refunds", owner="refunds-ops", document=claims(), by=admin)
    kill_switches.engage(use_case=use_case, by=ops)

    kill_switches.engage_all(by=ops, to="review_all")

    states = dict(Target.objects.values_list("use_case", "state"))
    assert states == {"claims": "baseline", "refunds": "review_all"}


def test_a_stranger_can_stop_nothing_at_all(use_case: UseCase, stranger: User) -> None:
    with pytest.raises(Forbidden):
        kill_switches.engage_all(by=stranger)


def test_no_character_that_cannot_be_stored_keeps_a_switch_from_being_thrown(
    use_case: UseCase, ops: User
) -> None:
    killed = kill_switches.engage(use_case=use_case, by=ops, reason="Wrong\0 \ud800", message="Call\0 us")
    restored = kill_switches.restore(use_case=use_case, by=ops, reason="Right\0")
    everywhere = kill_switches.engage_all(by=ops, reason="\udfff")

    assert (killed.state, killed.reason, killed.message) == ("baseline", "Wrong� �", "Call� us")
    assert (restored.state, restored.reason) == ("live", "Right�")
    assert [version.state for version in everywhere] == ["baseline"]
    assert Event.objects.filter(kind__startswith="kill_switch.").count() == 3
