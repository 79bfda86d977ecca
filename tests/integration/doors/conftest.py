"""A use case with everything that addresses may name, and everybody who may stand at its doors."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.guardrails import ask_for

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from pytest_django.fixtures import Settings

    from routing.models import Decision
    from tests.integration.doors.calling import Caller
    from tests.integration.doors.table import World
    from usecases.models import Upload, UseCase


@pytest.fixture
def cast(people: "dict[str, User]", use_case: "UseCase") -> "dict[str, User]":
    """The people of the table by role; a watcher may look at the use case, and that is all."""
    from django.contrib.auth.models import User
    from guardian.shortcuts import assign_perm

    watcher = User.objects.create_user("watcher")
    assign_perm("usecases.view_usecase", watcher, use_case)
    named = {"operations": "ops", "risk": "risk", "admin": "admin", "stranger": "stranger"}
    return {role: people[name] for role, name in named.items()} | {"watcher": watcher}


@pytest.fixture
def callers(cast: "dict[str, User]", monkeypatch: pytest.MonkeyPatch) -> "dict[str, Caller]":
    """Everybody with a browser and a token; used once, so that what a first visit writes is written."""
    from django.test import Client

    from console import tokens
    from tests.integration.doors.calling import Caller
    from tests.integration.doors.table import NOBODY
    from tests.integration.signing_in import come_in

    # The last use of a token is written once a minute: on a slow machine in the midst of a cell.
    monkeypatch.setattr(tokens, "USED_AGAIN", timedelta(days=1))
    found = {NOBODY: Caller(NOBODY, Client())}
    for role, user in cast.items():
        client = Client()
        come_in(client, user)
        text = tokens.issue(name=f"of {role}", by=user, user=user)[1]
        found[role] = Caller(role, client, text, client.cookies.output(header=""))
    for role, slug in (("assistant", "claims"), ("foreign", "refunds")):
        text = tokens.issue(name=role, by=cast["admin"], use_cases=[slug])[1]
        found[role] = Caller(role, Client(), text)
    for caller in found.values():
        tokens.check(caller.token)
    return found


@pytest.fixture
def decided(cast: "dict[str, User]", use_case: "UseCase") -> "Decision":
    """A decision of an hour ago, made under the first version."""
    from django.utils import timezone
    from uuid6 import uuid7

    from routing.models import Decision
    from tests.documents import claims
    from usecases.actions import versions

    versions.apply(use_case=use_case, document=claims(0.86), by=cast["operations"])
    ago = timezone.now() - timedelta(hours=1)
    return Decision.objects.create(
        id=uuid7(),
        use_case="claims",
        request_id="r-1",
        at=ago,
        received_at=ago,
        version=1,
        action="answer",
        band="answer",
        text="Do you pay for the floor?",
        model="small",
        confidence=0.95,
        tried=[{"model": "small", "confidence": 0.95, "cost_usd": 0.001, "latency_ms": 500.0}],
    )


@pytest.fixture
def uploaded(cast: "dict[str, User]", use_case: "UseCase", tmp_path: Path, settings: "Settings") -> "Upload":
    """An uploaded log of decisions with a line that was refused."""
    from usecases import uploads
    from usecases.actions import uploads as actions

    settings.UPLOADS = tmp_path / "uploads"
    log = tmp_path / "log.csv"
    log.write_bytes(b"request_id,text,small__correct\nr-1,hello,1\n")
    upload = actions.receive(use_case=use_case, source=log, name="log.csv", by=cast["operations"])
    uploads.refused_of(upload).write_text("line,field,reason\n2,text,is missing\n")
    return upload


@pytest.fixture
def limits_set(cast: "dict[str, User]", use_case: "UseCase", decided: "Decision") -> None:
    """A draft beside what is live, and a lane that the use case follows."""
    from tests.documents import claims
    from usecases.actions import drafts
    from usecases.models import Lane

    draft = drafts.open_for(use_case=use_case, by=cast["operations"])
    drafts.edit(draft=draft, document=claims(0.8), by=cast["operations"])
    Lane.objects.get_or_create(slug="shared", defaults={"name": "Shared"})
    ask_for(use_case, cast["risk"], lanes=["shared"])


@pytest.fixture
def world(
    cast: "dict[str, User]",
    use_case: "UseCase",
    decided: "Decision",
    uploaded: "Upload",
    limits_set: None,
) -> "World":
    """What is there in every state: a decision, a kept what-if, an uploaded log, a token."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from audit.models import Event
    from console import tokens
    from console.models import SavedFilter
    from tests.documents import claims
    from tests.integration.doors.table import CASES, World
    from usecases.actions import access_reviews, delegations, golden_sets, kept_impacts, units

    ops, admin = cast["operations"], cast["admin"]
    soon, holder = timezone.now() + timedelta(days=3), User.objects.create_user("stand-in")
    loan = delegations.lend(use_case=use_case, to=holder, verbs=["tune"], until=soon, by=ops, reason="Away")
    review = access_reviews.start(by=admin, due_at=soon, use_case=use_case)
    line = review.lines.get(holder="operations")
    return World(
        golden=golden_sets.keep(use_case=use_case, name="core", cases=CASES, by=cast["risk"]).pk,
        event=Event.objects.filter(use_case="claims", kind="guardrail.set").latest("id").uid,
        filter=SavedFilter.objects.create(user=ops, name="Mine", query="kind=guardrail.set").pk,
        loan=loan.pk,
        review=review.number,
        line=f"{line.pk}:{','.join(line.verbs)}",
        unit=units.create(slug="north", name="North", by=admin).slug,
        token=tokens.issue(name="old", by=ops, user=ops)[0].pk,
        person=holder.pk,
        decision=decided.pk,
        kept=kept_impacts.keep(use_case=use_case, document=claims(0.9), by=ops).pk,
        upload=uploaded.pk,
    )


@pytest.fixture
def bring_to(cast: "dict[str, User]", use_case: "UseCase") -> "Callable[[World, str], World]":
    """Return what brings the use case to one of the table's states, and says what is there then."""
    from dataclasses import replace

    from tests.documents import claims
    from usecases.actions import approvals, changes, kill_switches, overrides

    def brought(world: "World", state: str) -> "World":
        more: dict[str, Any] = {}
        if state in ("review_all", "baseline"):
            kill_switches.engage(use_case=use_case, by=cast["operations"], to=state)
        elif state == "open_change":
            change = changes.submit(use_case=use_case, document=claims(0.7), by=cast["operations"])
            approvals.approve(change=change, by=cast["risk"])
            more["change"] = change.number
        elif state == "override":
            row = overrides.override(use_case=use_case, document=claims(0.7), by=cast["admin"], reason="Now")
            more["override"] = row.pk
        return replace(world, **more)

    return brought
