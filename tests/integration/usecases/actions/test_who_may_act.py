"""Every action asks by itself who may: called past all doors it refuses a stranger, and who may only look."""

import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from guardian.shortcuts import assign_perm

import usecases.actions
from audit.models import Event
from tests.documents import LOOSE, claims
from tests.guardrails import ask_for
from tests.integration.usecases.actions.test_golden_sets import CASES
from usecases.actions import (
    access_reviews,
    changes,
    delegations,
    drafts,
    golden_sets,
    lanes,
    overrides,
    uploads,
)
from usecases.actions import units as business_units
from usecases.models import UseCase

SOON = timedelta(days=2)
WHY = "To see whether it is refused"


@dataclass
class World:
    """One of everything that somebody could act on; `other` is whom rights could be given to."""

    use_case: UseCase
    change: Any
    draft: Any
    delegation: Any
    review: Any
    golden_set: Any
    lane: Any
    override: Any
    unit: Any
    upload: Any
    event: Event
    other: User


@pytest.fixture
def world(use_case: UseCase, people: dict[str, User], tmp_path: Path, settings: Any) -> World:
    ops, risk, admin = people["ops"], people["risk"], people["admin"]
    settings.UPLOADS = tmp_path / "uploads"
    log = tmp_path / "log.csv"
    log.write_bytes(b"request_id,text,small__correct\nr-1,hello,1\n")
    unit = business_units.create(slug="north", name="North", by=admin, reason=WHY)
    lane = lanes.create(slug="shared", name="Shared", by=risk).lane
    until = timezone.now() + SOON
    other = User.objects.create_user("other")
    change = changes.submit(use_case=use_case, document=claims(LOOSE), by=ops, reason=WHY)
    wish: dict[str, Any] = {"use_case": use_case, "to": other, "verbs": ["kill"], "until": until, "by": ops}
    delegation = delegations.lend(**wish, reason=WHY)
    return World(
        use_case=ask_for(use_case, risk, lanes=["shared"]),
        change=change,
        draft=drafts.open_for(use_case=use_case, by=ops),
        delegation=delegation,
        review=access_reviews.start(by=admin, due_at=until, use_case=use_case),
        golden_set=golden_sets.keep(use_case=use_case, name="cases", cases=CASES, by=risk),
        lane=lane,
        override=overrides.override(use_case=use_case, document=claims(0.7), by=admin, reason=WHY),
        unit=unit,
        upload=uploads.receive(use_case=use_case, source=log, name="log.csv", by=ops),
        event=Event.objects.filter(use_case=use_case.slug).latest("id"),
        other=other,
    )


GIVEN: dict[str, Callable[[World], Any]] = {
    **{name: lambda w, name=name: getattr(w, name) for name in World.__dataclass_fields__},  # type: ignore[misc]
    "row": lambda w: w.draft,
    "document": lambda w: claims(0.9),
    "to": lambda w: w.other,
    "holder": lambda w: w.other,
    "person": lambda w: w.other,
    "verbs": lambda w: ["tune"],
    "role": lambda w: "risk",
    "fields": lambda w: ["reason"],
    "since": lambda w: timezone.now() - SOON,
    "until": lambda w: timezone.now() + SOON,
    "at": lambda w: timezone.now() + timedelta(hours=1),
    "due_at": lambda w: timezone.now() + SOON,
    "seen": lambda w: {line.pk: line.verbs for line in w.review.lines.all()},
    "verdict": lambda w: "revoked",
    "text": lambda w: "Hello",
    "message": lambda w: "Hello",
    "slug": lambda w: "new",
    "name": lambda w: "New",
    "owner": lambda w: "new",
    "risk": lambda w: "low",
    "description": lambda w: "New",
    "knobs": lambda w: {},
    "approved_models": lambda w: [],
    "cases": lambda w: CASES,
    "given": lambda w: {"answers": {"problem": "x"}},
    "answers": lambda w: {"problem": "x"},
    "dpia": lambda w: {},
    "promise": lambda w: {"wrong_at_most": 0.1, "confidence": 0.9},
    "source": lambda w: Path(__file__),
    "renames": lambda w: {"text": "text"},
    "reason": lambda w: WHY,
}
# By whom: nobody in particular sees these, so there is nothing to hide; they are a right over the whole console.
CONSOLE_WIDE = {
    *("use_cases.create", "lanes.create", "lanes.set_lane", "lanes.delete"),
    *("access_reviews.start", "kill_switches.engage_all"),
    *("units.create", "units.rename", "units.add_person", "units.remove_person"),
}
# Whoever sees a use case may take its pack: its pages show all that is in it.
LOOKING_IS_ENOUGH = {"evidence.export"}
# Called by actions that have asked already, or without anybody: they hold the lock and the transaction.
INSIDE = {
    *("access.take", "access.refuse_own_gain", "changes.close", "changes.held", "changes.record"),
    *(
        "delegations.close",
        "kill_switches.leave",
        "versions.put_live",
        "versions.plan",
        "one_pagers.keep",
        "use_cases.tiers",
    ),
}


def acts() -> dict[str, Callable[..., Any]]:
    """Return every public function of the actions that somebody does."""
    found = {}
    for module in pkgutil.iter_modules(usecases.actions.__path__):
        held = import_module(f"usecases.actions.{module.name}")
        for name, call in vars(held).items():
            plain = inspect.isfunction(call) and call.__module__ == held.__name__ and not name.startswith("_")
            if plain and "by" in inspect.signature(call).parameters:
                found[f"{module.name}.{name}"] = call
    return {
        name: call
        for name, call in found.items()
        if name not in INSIDE and not name.endswith((".check", ".may_set"))
    }


ACTS = acts()


def asked(call: Callable[..., Any], world: World, by: User) -> dict[str, Any]:
    """Return all that an action cannot do without, and why."""
    parts = inspect.signature(call).parameters.values()
    needed = [one.name for one in parts if one.default is one.empty and one.kind is one.KEYWORD_ONLY]
    given = {name: GIVEN[name](world) for name in needed if name != "by"}
    return given | {"by": by} | ({"reason": WHY} if any(one.name == "reason" for one in parts) else {})


def outcome(name: str, world: World, by: User) -> str:
    """Call an action and take back whatever it did; say how it answered."""
    try:
        with transaction.atomic():
            ACTS[name](**asked(ACTS[name], world, by))
            transaction.set_rollback(True)
    except Http404:
        return "hidden"
    except PermissionDenied:
        return "forbidden"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "done"


def test_an_action_called_past_all_doors_refuses_who_may_not(world: World, stranger: User) -> None:
    looker = User.objects.create_user("looker")
    assign_perm("usecases.view_usecase", looker, world.use_case)
    events = Event.objects.count()

    found = {name: [outcome(name, world, by) for by in (stranger, looker)] for name in ACTS}

    assert len(found) > 45
    wide = ["forbidden", "forbidden"]
    expected = {name: wide if name in CONSOLE_WIDE else ["hidden", "forbidden"] for name in ACTS}
    for name in LOOKING_IS_ENOUGH:
        assert found[name][1].startswith("Refused: The record could not be signed"), (
            "nothing is committed here"
        )
        expected[name] = ["hidden", found[name][1]]
    assert {name: told for name, told in found.items() if told != expected[name]} == {}
    assert Event.objects.count() == events
