"""A use case begins with a valid document, a baseline and a first version."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import Http404

from audit.models import Event
from routing.engine.baseline import BUILT_IN
from routing.engine.validation import InvalidDocument
from routing.models import Target
from tests.documents import claims
from tests.integration.usecases.actions.test_golden_sets import CASES
from tests.one_pagers import one_pager
from tests.record import failing_record
from usecases.actions import changes, golden_sets, kill_switches, use_cases
from usecases.models import UseCase, Version
from usecases.permissions import Forbidden, can
from usecases.publishing import Refused
from usecases.reviewing import review_of


def create(by: User, **changes: Any) -> Version:
    fields: dict[str, Any] = {
        "slug": "refunds",
        "name": "Refunds",
        "owner": "refunds-ops",
        "document": claims(),
    }
    return use_cases.create(by=by, **(fields | changes))


def test_create_publishes_r1_with_the_built_in_baseline(admin: User, ops: User) -> None:
    version = create(admin)

    assert (version.number, version.state, version.baseline) == (1, "live", BUILT_IN)
    assert Target.objects.get(use_case="refunds").version == 1
    assert Event.objects.latest("id").kind == "use_case.created"
    assert can(ops, "tune", version.use_case)
    assert not can(ops, "approve", version.use_case)


def test_create_without_the_right_is_refused(ops: User) -> None:
    with pytest.raises(Forbidden, match="You may not create"):
        create(ops)


def test_create_with_a_slug_that_is_taken_is_refused(admin: User) -> None:
    create(admin)
    with pytest.raises(Refused) as refusal:
        create(admin)
    assert refusal.value.errors[0]["path"] == "slug"
    assert UseCase.objects.count() == 1


def test_create_names_faults_of_fields_document_and_baseline_together(admin: User) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        create(admin, slug="Not a slug", document=claims(audit_share=7.0), baseline={"schema": 1})
    paths = {fault.path.split(".")[0] for fault in refusal.value.faults}
    assert {"slug", "document", "baseline"} <= paths
    assert not UseCase.objects.exists()


def test_create_outside_its_own_guardrails_is_refused(admin: User) -> None:
    bounds = {"knobs": {"bands.answer.from": {"lane": None, "limit": [0.9, 1.0], "reason": ""}}}
    with pytest.raises(Refused) as refusal:
        create(admin, guardrails=bounds)
    assert refusal.value.errors[0]["path"] == "bands.answer.from"


def test_a_use_case_of_which_a_golden_set_is_asked_begins_on_baseline_until_it_comes_out(
    admin: User, risk: User
) -> None:
    made = create(admin, guardrails={"golden_set": {"name": "core", "at_least": 0.9}})
    assert (made.state, Target.objects.get(use_case="refunds").state) == ("baseline", "baseline")
    assert made.sentence == "Refunds created, on baseline: its golden set comes first."

    def restore() -> Version:
        return kill_switches.restore(use_case=UseCase.objects.get(slug="refunds"), by=admin)

    with pytest.raises(Refused, match="There is no golden set “core” here") as refusal:
        restore()
    assert [one["path"] for one in refusal.value.errors] == ["golden_set"]
    wrong = [{**case, "expected": {"action": "answer"}} for case in CASES]
    golden_sets.keep(use_case=made.use_case, name="core", cases=wrong, by=risk)
    with pytest.raises(Refused, match="does not come out"):
        restore()
    golden_sets.keep(use_case=made.use_case, name="core", cases=CASES, by=risk)
    live = restore()
    assert (live.state, live.number, live.returns_to, live.document) == ("live", 2, 1, claims())


def test_a_golden_set_is_a_gate_of_the_change_that_asks_to_go_live_too(admin: User, risk: User) -> None:
    asked = {"golden_set": {"name": "core", "at_least": 0.9}, "approvals_to_restore": 1}
    use_case = create(admin, guardrails=asked).use_case

    def gate(to: str) -> list[str]:
        change = changes.submit_restore(use_case=use_case, by=admin, to=to)
        return [one.status for one in review_of(change).checks if one.key == "golden_set"]

    assert (gate("live"), gate("review_all")) == (["waiting"], [])
    golden_sets.keep(use_case=use_case, name="core", cases=CASES, by=risk)
    assert gate("live") == ["passed"]


def test_a_failing_audit_row_rolls_the_creation_back(admin: User) -> None:
    with failing_record():
        create(admin)
    assert not UseCase.objects.exists()
    assert not Target.objects.exists()


def test_rename_records_old_and_new_names(use_case: UseCase, ops: User) -> None:
    use_cases.rename(
        use_case=use_case, by=ops, name="Claims", owner="claims-ops", risk="medium", description=""
    )

    event = Event.objects.latest("id")
    assert (event.old, event.new) == ({"name": "Claims summarisation"}, {"name": "Claims"})
    assert use_case.history.count() == 2

    use_cases.rename(
        use_case=use_case, by=ops, name="Claims", owner="claims-ops", risk="medium", description=""
    )
    assert Event.objects.latest("id") == event


def test_rename_refuses_an_empty_name_and_lookers(use_case: UseCase, ops: User, risk: User) -> None:
    with pytest.raises(Refused):
        use_cases.rename(
            use_case=use_case, by=ops, name=" ", owner="claims-ops", risk="medium", description=""
        )
    with pytest.raises(Forbidden):
        use_cases.rename(
            use_case=use_case, by=risk, name="X", owner="claims-ops", risk="medium", description=""
        )


def test_the_owner_raises_the_risk_tier_and_only_who_may_approve_lowers_it(
    use_case: UseCase, ops: User, risk: User, stranger: User
) -> None:
    def rate(by: User, tier: str, **other: str) -> str:
        about = {"name": use_case.name, "owner": use_case.owner, "description": ""} | other
        return use_cases.rename(use_case=use_case, by=by, risk=tier, **about).risk

    assert rate(ops, "high") == "high"
    for by, tier, other in ((ops, "medium", {}), (ops, "low", {"name": "X"}), (risk, "low", {"name": "X"})):
        with pytest.raises(Forbidden):
            rate(by, tier, **other)
    with pytest.raises(Http404):
        rate(stranger, "low")
    with pytest.raises(Refused):
        rate(ops, "none at all")
    assert UseCase.objects.get(pk=use_case.pk).risk == "high"
    assert rate(risk, "low") == "low"
    event = Event.objects.latest("id")
    assert (event.actor, event.old, event.new) == ("risk", {"risk": "high"}, {"risk": "low"})


def test_a_use_case_begins_with_its_one_pager_and_not_without_one_that_is_asked_for(admin: User) -> None:
    asked = {"one_pager_needed": True}
    with pytest.raises(Refused, match="as it stands") as refusal:
        create(admin, guardrails=asked, one_pager=one_pager(kill_criteria=None))
    assert "Missing: kill criteria." in refusal.value.errors[0]["message"]
    assert not UseCase.objects.exists()

    made = create(admin, guardrails=asked, one_pager=one_pager()).use_case
    assert made.one_pager.written_by == "admin"
    assert list(Event.objects.order_by("id").values_list("kind", flat=True)) == [
        "use_case.created",
        "one_pager.written",
    ]
