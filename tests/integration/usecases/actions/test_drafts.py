"""A draft is its author's alone, keeps every step, and survives what others publish meanwhile."""

import pytest
from django.contrib.auth.models import User
from django.http import Http404

from audit.models import Event
from routing.engine.validation import InvalidDocument
from tests.documents import CLAIMS, claims
from usecases.actions import drafts, kill_switches, versions
from usecases.models import Draft, UseCase, Version
from usecases.permissions import Forbidden
from usecases.publishing import Refused, Stale


@pytest.fixture
def draft(use_case: UseCase, ops: User) -> Draft:
    return drafts.open_for(use_case=use_case, by=ops)


def edit(
    draft: Draft, by: User, sentence: str = "An edit", answer_from: float | None = None, **more: float
) -> Draft:
    return drafts.edit(
        draft=draft, document=claims(answer_from=answer_from, **more), by=by, sentence=sentence
    )


def test_a_draft_begins_as_what_is_live_and_is_kept(use_case: UseCase, ops: User, draft: Draft) -> None:
    assert (draft.document, draft.base_version) == (CLAIMS, 1)
    edit(draft, ops, answer_from=0.8)
    assert drafts.open_for(use_case=use_case, by=ops).document == claims(answer_from=0.8)


def test_each_person_has_a_draft_of_their_own(
    use_case: UseCase, ops: User, admin: User, draft: Draft
) -> None:
    edit(draft, ops, answer_from=0.8)
    assert drafts.open_for(use_case=use_case, by=admin).document == CLAIMS


def test_drafts_are_refused_to_who_may_not_tune(use_case: UseCase, risk: User, stranger: User) -> None:
    with pytest.raises(Forbidden):
        drafts.open_for(use_case=use_case, by=risk)
    with pytest.raises(Http404):
        drafts.open_for(use_case=use_case, by=stranger)


def test_a_draft_is_refused_to_everybody_but_its_author(draft: Draft, admin: User) -> None:
    for act in (drafts.undo, drafts.redo, drafts.discard, drafts.rebase, drafts.apply):
        with pytest.raises(Forbidden, match="somebody else"):
            act(draft=draft, by=admin)
    with pytest.raises(Forbidden):
        edit(draft, admin, answer_from=0.8)
    with pytest.raises(Forbidden):
        drafts.note(draft=draft, reason="Mine", by=admin)


def test_an_edit_that_changes_nothing_writes_nothing(draft: Draft, ops: User) -> None:
    before = draft.updated_at
    assert edit(draft, ops).updated_at == before
    assert draft.steps.count() == 1


def test_faulty_documents_are_kept_and_no_document_is_refused(draft: Draft, ops: User) -> None:
    kept = drafts.edit(draft=draft, document={"bands": "none yet"}, by=ops)
    assert kept.document == {"bands": "none yet"}
    with pytest.raises(Refused):
        drafts.edit(draft=draft, document=["not", "a", "document"], by=ops)
    with pytest.raises(Refused):
        drafts.edit(draft=draft, document={"text": "x" * 600_000}, by=ops)


def test_undo_and_redo_walk_through_the_steps(draft: Draft, ops: User) -> None:
    edit(draft, ops, "First", answer_from=0.8)
    edit(draft, ops, "Second", answer_from=0.75)
    back = drafts.undo(draft=draft, by=ops)
    assert back.document == claims(answer_from=0.8)
    assert drafts.neighbours(back) == ("First", "Second")
    assert drafts.undo(draft=draft, by=ops).document == CLAIMS
    assert drafts.undo(draft=draft, by=ops).document == CLAIMS
    assert drafts.redo(draft=draft, by=ops).document == claims(answer_from=0.8)
    again = edit(draft, ops, "Third", answer_from=0.7)
    assert drafts.neighbours(again) == ("Third", None)
    assert drafts.redo(draft=draft, by=ops).document == claims(answer_from=0.7)


def test_only_the_latest_steps_are_kept(draft: Draft, ops: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "STEPS_KEPT", 3)
    for cents in range(60, 70):
        edit(draft, ops, answer_from=cents / 100)
    assert draft.steps.count() == 4
    for _ in range(9):
        drafts.undo(draft=draft, by=ops)
    assert drafts.open_for(use_case=draft.use_case, by=ops).document == claims(answer_from=0.66)


def test_the_reason_is_kept_while_it_is_written(draft: Draft, ops: User) -> None:
    assert drafts.note(draft=draft, reason="Fewer cases", by=ops).reason == "Fewer cases"
    with pytest.raises(Refused):
        drafts.note(draft=draft, reason="x" * 3000, by=ops)


def test_applying_publishes_and_ends_the_draft(draft: Draft, ops: User) -> None:
    edit(draft, ops, answer_from=0.8)
    version = drafts.apply(draft=draft, by=ops, reason="Backlog")
    assert (version.number, version.reason, version.document) == (2, "Backlog", claims(answer_from=0.8))
    assert not Draft.objects.exists()


def test_a_draft_that_cannot_be_applied_stays(draft: Draft, ops: User) -> None:
    edit(draft, ops, audit_share=0.0)
    with pytest.raises(Refused, match="Outside the guardrails"):
        drafts.apply(draft=draft, by=ops)
    drafts.edit(draft=draft, document={**CLAIMS, "bands": []}, by=ops)
    with pytest.raises(InvalidDocument):
        drafts.apply(draft=draft, by=ops)
    assert Draft.objects.get().document["bands"] == []
    assert Version.objects.count() == 1


def test_a_draft_changes_nothing_that_runs_and_writes_no_event(draft: Draft, ops: User) -> None:
    events = Event.objects.count()
    edit(draft, ops, answer_from=0.8)
    drafts.discard(draft=draft, by=ops)
    assert Event.objects.count() == events
    with pytest.raises(Refused, match="another window"):
        drafts.undo(draft=draft, by=ops)


def test_a_version_published_meanwhile_makes_a_draft_stale_and_nothing_is_lost(
    use_case: UseCase, draft: Draft, ops: User, admin: User
) -> None:
    edit(draft, ops, answer_from=0.8)
    versions.apply(use_case=use_case, document=claims(latency_s=9.0), by=admin)
    with pytest.raises(Stale, match="admin published r2 meanwhile"):
        drafts.apply(draft=draft, by=ops)

    carried = drafts.rebase(draft=draft, by=ops)
    assert carried.conflicts == []
    assert drafts.apply(draft=carried.draft, by=ops).document == claims(answer_from=0.8, latency_s=9.0)


def test_carrying_over_names_what_both_changed_and_keeps_mine(
    use_case: UseCase, draft: Draft, ops: User, admin: User
) -> None:
    edit(draft, ops, answer_from=0.8)
    versions.apply(use_case=use_case, document=claims(answer_from=0.9), by=admin)
    carried = drafts.rebase(draft=draft, by=ops)
    assert carried.conflicts == ["bands.answer.from"]
    assert carried.draft.document == claims(answer_from=0.8)


def test_undo_after_carrying_over_does_not_bring_back_what_others_replaced(
    use_case: UseCase, draft: Draft, ops: User, admin: User
) -> None:
    edit(draft, ops, answer_from=0.8)
    edit(draft, ops, answer_from=0.8, sensitivity=0.5)
    versions.apply(use_case=use_case, document=claims(latency_s=9.0), by=admin)
    drafts.rebase(draft=draft, by=ops)
    assert drafts.undo(draft=draft, by=ops).document == claims(answer_from=0.8, latency_s=9.0)
    assert drafts.undo(draft=draft, by=ops).document == claims(latency_s=9.0)


def test_a_kill_and_restore_meanwhile_make_no_draft_stale(
    use_case: UseCase, draft: Draft, ops: User, admin: User
) -> None:
    edit(draft, ops, answer_from=0.8)
    kill_switches.engage(use_case=use_case, by=admin)
    applied = drafts.apply(draft=draft, by=ops)
    assert (applied.number, applied.state) == (3, "baseline")
    assert kill_switches.restore(use_case=use_case, by=admin).document == claims(answer_from=0.8)


def test_a_draft_without_changes_follows_what_is_live(
    use_case: UseCase, draft: Draft, ops: User, admin: User
) -> None:
    versions.apply(use_case=use_case, document=claims(latency_s=9.0), by=admin)
    assert not drafts.is_changed(draft)
    opened = drafts.open_for(use_case=use_case, by=ops)
    assert (opened.base_version, opened.document) == (2, claims(latency_s=9.0))
