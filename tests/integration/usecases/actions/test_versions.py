"""A change becomes a version, inside what risk allows and what the document's rules say."""

import pytest
from django.contrib.auth.models import User
from django.http import Http404

from audit.models import Event
from routing.engine.validation import InvalidDocument
from routing.models import Target
from tests.documents import claims
from tests.record import failing_record
from usecases.actions import versions
from usecases.models import UseCase, Version
from usecases.permissions import Forbidden
from usecases.publishing import Content, Refused, Stale


def test_apply_publishes_and_says_what_changed(use_case: UseCase, ops: User) -> None:
    version = versions.apply(use_case=use_case, document=claims(answer_from=0.8), by=ops, reason="Backlog")

    assert version.number == 2
    assert Target.objects.get(use_case="claims").version == 2
    event = Event.objects.latest("id")
    assert (event.kind, event.old, event.new) == (
        "version.applied",
        {"bands.answer.from": 0.85},
        {"bands.answer.from": 0.8, "content": Content.of(version).digest()},
    )
    assert "0.8" in event.sentence
    assert event.reason == "Backlog"


def test_apply_of_the_same_document_writes_nothing(use_case: UseCase, ops: User) -> None:
    events = Event.objects.count()
    assert versions.apply(use_case=use_case, document=claims(), by=ops).number == 1
    assert Event.objects.count() == events


def test_apply_over_a_version_one_has_not_seen_is_refused(use_case: UseCase, ops: User, admin: User) -> None:
    versions.apply(use_case=use_case, document=claims(answer_from=0.9), by=admin)

    with pytest.raises(Stale, match="admin published r2 meanwhile"):
        versions.apply(use_case=use_case, document=claims(answer_from=0.8), by=ops, expected_version=1)


def test_apply_reports_every_fault_of_the_document_at_once(use_case: UseCase, ops: User) -> None:
    broken = claims(audit_share=2.0)
    broken["bands"][1]["from"] = "half"
    broken["ladder"][0]["model"] = "medium"

    with pytest.raises(InvalidDocument) as refusal:
        versions.apply(use_case=use_case, document=broken, by=ops)

    paths = {fault.path for fault in refusal.value.faults}
    assert {"thresholds.audit_share", "bands[1].from", "ladder[0].model"} <= paths
    assert Version.objects.filter(use_case=use_case).count() == 1


def test_apply_outside_the_limits_names_every_gate_that_is_shut(use_case: UseCase, ops: User) -> None:
    with pytest.raises(Refused) as refusal:
        versions.apply(use_case=use_case, document=claims(answer_from=0.5 + 0.101, audit_share=0.0), by=ops)

    assert {error["path"] for error in refusal.value.errors} == {
        "bands.answer.from",
        "thresholds.audit_share",
    }


def test_loosening_past_the_lane_is_refused_but_tightening_is_free(use_case: UseCase, ops: User) -> None:
    with pytest.raises(Refused, match="without approval"):
        versions.apply(use_case=use_case, document=claims(answer_from=0.7), by=ops)

    assert versions.apply(use_case=use_case, document=claims(answer_from=0.99), by=ops).number == 2


def test_a_rule_does_not_walk_around_the_limit(use_case: UseCase, ops: User) -> None:
    document = claims()
    document["rules"][1]["then"]["answer_from"] = 0.1
    with pytest.raises(Refused, match="outside the limit"):
        versions.apply(use_case=use_case, document=document, by=ops)

    document["rules"][1]["then"] = {"action": "answer"}
    with pytest.raises(Refused, match="outside the limit"):
        versions.apply(use_case=use_case, document=document, by=ops)


def test_a_model_that_risk_has_not_approved_is_refused(use_case: UseCase, ops: User) -> None:
    document = claims()
    document["models"][0]["litellm"] = "openai/gpt-unknown"
    with pytest.raises(Refused, match="not approved"):
        versions.apply(use_case=use_case, document=document, by=ops)


def test_apply_needs_the_right_to_tune(use_case: UseCase, risk: User, stranger: User) -> None:
    with pytest.raises(Forbidden, match="You may not tune"):
        versions.apply(use_case=use_case, document=claims(answer_from=0.9), by=risk)
    with pytest.raises(Http404):
        versions.apply(use_case=use_case, document=claims(answer_from=0.9), by=stranger)


def test_a_failing_audit_row_rolls_the_change_back(use_case: UseCase, ops: User) -> None:
    with failing_record():
        versions.apply(use_case=use_case, document=claims(answer_from=0.9), by=ops)

    assert Target.objects.get(use_case="claims").version == 1
    assert Version.objects.filter(use_case=use_case).count() == 1


def test_revert_publishes_old_content_as_a_new_version(use_case: UseCase, ops: User) -> None:
    versions.apply(use_case=use_case, document=claims(answer_from=0.9), by=ops)

    version = versions.revert(use_case=use_case, to=1, by=ops, reason="Too strict")

    assert (version.number, version.kind) == (3, "revert")
    assert version.document == claims()
    assert Event.objects.latest("id").sentence.startswith("Back to r1:")


def test_revert_to_what_is_live_writes_nothing_and_to_the_unknown_is_refused(
    use_case: UseCase, ops: User
) -> None:
    assert versions.revert(use_case=use_case, to=1, by=ops).number == 1
    with pytest.raises(Refused, match="There is no r9"):
        versions.revert(use_case=use_case, to=9, by=ops)
