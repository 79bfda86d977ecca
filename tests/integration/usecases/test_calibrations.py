"""Calibration: what random audits say of a model's confidence, the map in a draft, and how a live one fares."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.http import Http404
from django.test import Client
from django.utils import timezone
from guardian.shortcuts import assign_perm
from uuid6 import uuid7

from console import tokens
from routing.engine.calibration import calibrated
from routing.engine.schema import Calibration
from routing.models import Decision, Outcome
from tests.documents import claims
from usecases import calibrations
from usecases.actions import drafts, versions
from usecases.models import Draft, UseCase
from usecases.publishing import Refused

Label = Callable[..., None]
PAGE = "/use-cases/claims/calibration"


@pytest.fixture
def label(use_case: UseCase) -> Label:
    """Return what stores answers of the small model, right less often than it says, each with a person's verdict."""

    def made(
        count: int, *, audited: bool = True, ago: timedelta = timedelta(minutes=5), seed: int = 1
    ) -> None:
        generator = random.Random(seed)
        rows, words = [], []
        for number in range(count):
            says = generator.choice([0.86, 0.9, 0.95, 0.99]) if audited else generator.choice([0.3, 0.7])
            one = Decision(
                id=UUID(str(uuid7())),
                request_id=f"{seed}-{number}",
                use_case="claims",
                at=timezone.now() - ago + timedelta(milliseconds=number),
                received_at=timezone.now() - timedelta(minutes=1),
                model="small",
                action="answer" if audited else "review",
                tried=[{"model": "small", "confidence": says, "cost_usd": 0.001, "latency_ms": 500.0}],
                confidence=says,
                signal="verbalised",
                audited=audited,
                audit_share=0.05 if audited else 0.0,
            )
            rows.append(one)
            right = generator.random() < (says - 0.3)
            words.append(
                Outcome(
                    decision_id=one.id,
                    use_case="claims",
                    correct=right,
                    source="audit",
                    received_at=one.received_at,
                )
            )
        Decision.objects.bulk_create(rows)
        Outcome.objects.bulk_create(words)

    return made


def read(use_case: UseCase, by: User) -> tuple[calibrations.Signal, calibrations.Signal]:
    found = calibrations.read(use_case=use_case, by=by)
    small, large = found.signals
    return small, large


def test_random_audits_propose_a_map_and_reviewed_requests_never_do(
    use_case: UseCase, ops: User, label: Label
) -> None:
    label(400)
    label(200, audited=False, seed=2)

    small, large = read(use_case, ops)

    assert (small.labels, small.audit, small.census, small.desk) == (400, 400, 0, 200)
    assert small.lowest == 0.86
    assert small.error == pytest.approx(0.3, abs=0.05)
    assert small.proposed is not None
    assert small.proposed.error_then < 0.1 < 0.2 < small.proposed.error_now
    line = Calibration.model_validate(small.proposed.map)
    assert calibrated(line, 0.99) == pytest.approx(0.69, abs=0.1)
    assert calibrated(line, 0.3) <= 0.3
    edges = {edge.name: (edge.edge, edge.now, edge.then) for edge in small.proposed.edges}
    assert edges["Answer from"] == (0.85, 0.85, None)
    assert edges["Review from"][0] == 0.6
    assert (large.labels, large.proposed) == (0, None)
    assert large.why == "100 labels of random audits are needed, there are 0."


def test_with_few_labels_nothing_is_proposed(use_case: UseCase, ops: User, label: Label) -> None:
    label(99)
    small, _ = read(use_case, ops)
    assert (small.labels, small.proposed) == (99, None)
    assert small.why == "100 labels of random audits are needed, there are 99."
    with pytest.raises(Refused, match="are needed"):
        calibrations.proposed(use_case=use_case, by=ops, model="small", seen="")


def test_a_live_map_is_judged_on_labels_that_came_after_it(
    use_case: UseCase, ops: User, label: Label
) -> None:
    label(300, ago=timedelta(hours=1))
    small, _ = read(use_case, ops)
    assert small.proposed is not None
    document = calibrations.with_map(claims(), "small", small.proposed.map)
    versions.apply(use_case=use_case, document=document, by=ops, reason="Boasts", expected_version=1)
    label(300, ago=timedelta(seconds=-1), seed=3)

    from routing.history import SHARED

    SHARED.forget()
    live = read(use_case, ops)[0].in_force

    assert live is not None
    assert (live.version, live.labels) == (2, 300)
    assert live.reported_error is not None
    assert live.calibrated_error is not None
    assert live.calibrated_error < 0.1 < live.reported_error


def test_labels_of_another_prompt_do_not_count(use_case: UseCase, ops: User, label: Label) -> None:
    label(300, ago=timedelta(hours=1))
    document = claims() | {"pins": {"prompt": "claims-summary@13"}}
    versions.apply(use_case=use_case, document=document, by=ops, reason="New prompt", expected_version=1)
    small, _ = read(use_case, ops)
    assert (small.labels, small.since) == (0, 2)


def test_a_stranger_is_told_that_there_is_nothing(use_case: UseCase, stranger: User) -> None:
    with pytest.raises(Http404):
        calibrations.read(use_case=use_case, by=stranger)


def test_the_map_goes_into_the_draft_and_out_of_it_again(
    client: Client, use_case: UseCase, ops: User, label: Label
) -> None:
    label(400)
    client.force_login(ops)
    page = client.get(PAGE).content.decode()
    assert "Put into my draft" in page
    small, _ = read(use_case, ops)
    assert small.proposed is not None

    put = client.post(f"{PAGE}/propose", {"model": "small", "seen": small.proposed.digest}, follow=True)

    assert put.redirect_chain == [("/use-cases/claims/tune", 302)]
    draft = Draft.objects.get(use_case=use_case, author=ops)
    assert draft.document["models"][0]["calibration"] == small.proposed.map
    assert "calibration" not in draft.document["models"][1]
    assert drafts.neighbours(draft)[0] == "small’s confidence is recalibrated on 400 labels"
    shown = put.content.decode()
    assert "Model “small”: its confidence is recalibrated" in shown
    assert str(small.proposed.map["reported"][0]) + ", " not in shown
    assert "In your draft" in client.get(PAGE).content.decode()
    assert "recalibrated" in client.get("/use-cases/claims/models").content.decode()
    assert use_case.versions.count() == 1

    client.post(f"{PAGE}/remove", {"model": "small"})
    draft.refresh_from_db()
    assert draft.document == claims()


def test_a_map_that_was_not_seen_is_not_put_into_a_draft(
    client: Client, use_case: UseCase, ops: User, label: Label
) -> None:
    label(400)
    client.force_login(ops)
    refused = client.post(f"{PAGE}/propose", {"model": "small", "seen": "0" * 64})
    assert refused.status_code == 422
    assert "New labels have come" in refused.content.decode()
    assert client.post(f"{PAGE}/propose", {"model": "nobody"}).status_code == 422
    assert client.post(f"{PAGE}/remove", {"model": "nobody"}).status_code == 422


def test_who_may_look_sees_the_diagram_and_no_button(
    client: Client, use_case: UseCase, stranger: User, label: Label
) -> None:
    label(150)
    assign_perm("usecases.view_usecase", stranger, use_case)
    client.force_login(stranger)
    page = client.get(PAGE).content.decode()
    assert "audited at random" in page
    assert "Put into my draft" not in page
    assert client.post(f"{PAGE}/propose", {"model": "small"}).status_code == 403
    assert client.post(f"{PAGE}/remove", {"model": "small"}).status_code == 403
    assert not Draft.objects.exists()


def test_the_same_is_told_by_api(
    client: Client, use_case: UseCase, people: dict[str, User], label: Label
) -> None:
    label(400)

    def ask(who: str) -> Any:
        token = tokens.issue(name=who, by=people[who], user=people[who])[1]
        address = "/api/v1/use-cases/claims/calibration"
        return client.get(address, headers={"Authorization": f"Bearer {token}"})

    told = ask("risk").json()
    assert [(one["model"], one["labels"]) for one in told["signals"]] == [("small", 400), ("large", 0)]
    proposed = told["signals"][0]["proposed"]
    assert set(proposed["map"]) == {"reported", "calibrated"}
    assert sum(bar["labels"] for bar in told["signals"][0]["bars"]) == 400
    assert ask("stranger").status_code == 404
    assert client.get("/api/v1/use-cases/claims/calibration").status_code == 401
