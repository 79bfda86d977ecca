"""Every door tells the same gates of the same draft: page, API and shell, none behind the first that is shut."""

import html
import json
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from audit.models import Event
from console import tokens
from tests.documents import claims
from usecases import configs
from usecases.actions import changes, drafts, guardrails, kill_switches
from usecases.models import UseCase
from usecases.publishing import NeedsApproval

Told = list[tuple[str, str, str, str]]
STANDS = {"open": "passed", "shut": "failed", "waits": "waiting"}
GATE = re.compile(
    r'<li class="gate[^"]*" data-key="(?P<key>[^"]*)"><i [^>]*></i><span>(?P<name>[^<]*)'
    r'<span class="stand fine">(?P<stands>[^<]*)</span><br><span class="fine">(?P<evidence>[^<]*?)'
    r"(?: <b>To clear it:</b> (?P<clear>[^<]*))?</span>"
)


def on_page(text: str) -> Told:
    """Read the list of gates off a page."""
    found = [
        {key: html.unescape(words or "") for key, words in one.groupdict().items()}
        for one in GATE.finditer(text)
    ]
    return [
        (one["name"], STANDS.get(one["stands"], one["stands"]), one["evidence"], one["clear"])
        for one in found
    ]


def in_json(checks: list[dict[str, str]]) -> Told:
    return [(one["name"], one["status"], one["evidence"], one["clear"]) for one in checks]


def from_shell(*arguments: str) -> Any:
    """Run a command that may leave with a status of its own; return what it wrote as JSON."""
    out = StringIO()
    with suppress(SystemExit, CommandError):
        call_command(*arguments, "--output", "json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def strict(use_case: UseCase, risk: User) -> UseCase:
    """Gates of every kind: limits, a lane, a freeze, approvals, a one-pager, evidence."""
    held = use_case.guardrail
    guardrails.set_limits(
        use_case=use_case,
        knobs=held.knobs,
        approved_models=held.approved_models,
        terms={
            "one_pager_needed": True,
            "evidence_needed": True,
            "approvals_to_restore": 2,
            "freezes": [FROZEN],
        },
        by=risk,
    )
    return UseCase.objects.get(pk=use_case.pk)


DAY = timedelta(days=1)
FROZEN = {
    "from": (timezone.now() - DAY).isoformat(),
    "until": (timezone.now() + DAY).isoformat(),
    "reason": "Year end",
}


@pytest.fixture
def api(client: Client, ops: User) -> Callable[..., Any]:
    text = tokens.issue(name="of ops", by=ops, user=ops)[1]

    def call(method: str, path: str, body: Any = None) -> Any:
        return client.generic(
            method,
            f"/api/v1/use-cases/claims/{path}",
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {text}"},
        ).json()

    return call


@pytest.fixture
def page(ops: User) -> Callable[[str], Told]:
    browser = Client()
    browser.force_login(ops)
    return lambda path: on_page(browser.get(f"/use-cases/claims/{path}").content.decode())


def all_same(found: dict[str, Told]) -> Told:
    """Check that every door told the same, with evidence each, and what would clear what does not pass."""
    [(first, wanted), *others] = found.items()
    for door, told in others:
        assert told == wanted, f"{door} and {first} differ"
    assert all(evidence for _, _, evidence, _ in wanted)
    assert all(clear for _, status, _, clear in wanted if status != "passed")
    return wanted


def other_model() -> dict[str, Any]:
    document = claims(0.5, audit_share=0.0)
    document["models"][0]["litellm"] = "openai/other"
    return document


DRAFTS = {
    "tighter": (claims(0.9), set()),
    "past the lane": (claims(0.7, latency_s=6.0), {"past the lane", "Frozen", "One-pager"}),
    "outside": (other_model(), {"hard limit", "not approved", "Frozen"}),
    "faulty": (claims(0.7) | {"colour": "blue", "queues": []}, {"faults", "past the lane", "Frozen"}),
}


@pytest.mark.parametrize("kind", DRAFTS)
def test_a_draft_meets_the_same_gates_on_its_page_by_api_and_in_the_shell(
    kind: str,
    strict: UseCase,
    ops: User,
    tmp_path: Path,
    api: Callable[..., Any],
    page: Callable[[str], Told],
) -> None:
    document, held = DRAFTS[kind]
    drafts.edit(draft=drafts.open_for(use_case=strict, by=ops), document=document, by=ops)
    file = configs.export(strict) | {"document": document}
    config, alone = tmp_path / "claims.yaml", tmp_path / "document.json"
    config.write_text(configs.dump(file))
    alone.write_text(json.dumps(document))
    events, by = Event.objects.count(), ("--by", "ops")
    planned = from_shell("apply_config", str(config), "--dry-run", *by)["plans"][0]
    found = all_same(
        {
            "page": page("tune/review"),
            "dry run": in_json(api("POST", "changes?dry_run=true", {"document": document})["checks"]),
            "plan by API": in_json(api("PUT", "file?dry_run=true", {"file": file})["gates"]),
            "apply_config": in_json(planned["gates"]),
            "gates": in_json(from_shell("gates", "claims", "--document", str(alone), *by)["checks"]),
        }
    )
    closed = " ".join(name for name, status, _, _ in found if status != "passed")
    assert all(words in closed for words in held), closed
    assert bool(closed) == bool(held)
    assert Event.objects.count() == events, "nothing is written"


def test_a_scheduled_change_meets_the_same_gates_at_every_door(
    strict: UseCase, ops: User, api: Callable[..., Any], page: Callable[[str], Told]
) -> None:
    change = changes.submit(use_case=strict, document=claims(0.7), by=ops)
    changes.schedule(change=change, by=ops, at=timezone.now() + 2 * DAY)
    found = all_same(
        {
            "page": page("approvals/1"),
            "API": in_json(api("GET", "changes/1")["gates"]),
            "gates": in_json(from_shell("gates", "claims", "--change", "1")["checks"]),
        }
    )
    stands = {name: status for name, status, _, _ in found}
    assert (stands["Frozen"], stands["Approvals: 0 of 1"]) == ("waiting", "needs approval")
    refused = api("POST", "changes/1/apply")
    assert refused["status"] == 422
    assert in_json(refused["checks"]) == found, "a refusal tells them all too"


def test_a_restore_meets_the_same_gates_asked_for_or_not(
    strict: UseCase, ops: User, risk: User, api: Callable[..., Any], page: Callable[[str], Told]
) -> None:
    kill_switches.engage(use_case=strict, by=ops)
    tighter = {"bands.answer.from": {"lane": None, "limit": [0.9, 1.0], "reason": ""}}
    terms = {"one_pager_needed": True, "approvals_to_restore": 2}
    guardrails.set_limits(use_case=strict, knobs=tighter, approved_models=[], terms=terms, by=risk)
    beforehand = {
        "dry run": in_json(api("POST", "restore?dry_run=true")["checks"]),
        "gates": in_json(from_shell("gates", "claims", "--restore")["checks"]),
    }
    refused = api("POST", "restore")
    assert [one["path"] for one in refused["errors"]] == ["bands.answer.from", "one_pager"], "both at once"
    found = all_same(beforehand | {"refusal": in_json(refused["checks"])})
    assert len([name for name, status, _, _ in found if status != "passed"]) == 3
    changes.submit_restore(use_case=strict, by=ops)
    asked = all_same(
        {
            "page": page("approvals/1"),
            "API": in_json(api("GET", "changes/1")["gates"]),
            "gates": in_json(from_shell("gates", "claims", "--change", "1")["checks"]),
        }
    )
    assert asked[:-1] == found[:-1], "only of approvals is there more to tell once they are asked for"


def test_limits_of_ones_own_count_for_nobodys_dry_run(strict: UseCase, ops: User, admin: User) -> None:
    kill_switches.engage(use_case=strict, by=ops)
    held = strict.guardrail
    guardrails.set_limits(
        use_case=strict,
        knobs=held.knobs,
        approved_models=held.approved_models,
        terms={"approvals_to_restore": 0, "one_pager_needed": False},
        by=admin,
    )
    needed = {
        who: from_shell("gates", "claims", "--restore", "--by", who)["approvals_needed"]
        for who in ("admin", "ops")
    }
    assert needed == {"admin": 2, "ops": 0}, "who set them aside is judged by what was asked before"
    with pytest.raises(NeedsApproval):
        kill_switches.restore(use_case=UseCase.objects.get(pk=strict.pk), by=admin)


def test_gates_are_told_in_the_shell_by_words_and_by_how_it_leaves(use_case: UseCase, tmp_path: Path) -> None:
    file = tmp_path / "document.yaml"
    file.write_text(json.dumps(claims(0.9)))
    out = StringIO()
    call_command("gates", "claims", "--document", str(file), stdout=out)
    assert "passed: Answer from: tighter. 0.85 to 0.90: tightens, which needs nobody." in out.getvalue()
    file.write_text(json.dumps(claims(0.7)))
    with pytest.raises(SystemExit) as left:
        call_command("gates", "claims", "--document", str(file), stdout=StringIO())
    assert left.value.code == 2
    file.write_text("- no document")
    for wrong in (
        ["--restore"],
        ["--change", "7"],
        ["--document", "nowhere.json"],
        ["--document", str(file)],
    ):
        with pytest.raises(CommandError):
            call_command("gates", "claims", *wrong)
    with pytest.raises(CommandError, match="There is no use case"):
        call_command("gates", "claims", "--restore", "--by", "stranger")
