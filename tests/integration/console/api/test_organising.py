"""Who belongs where, who may what, who comes in: by programs and from the shell, through the same actions as pages."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.models import Event
from console import tokens
from console.models import Token
from tests.documents import claims
from tests.integration.console.api.answers import Api, expect_problem, paths
from usecases import permissions
from usecases.models import UseCase, Version

People = dict[str, User]
As = Callable[..., Any]
SOON = (timezone.now() + timedelta(days=3)).replace(microsecond=0).isoformat()


@pytest.fixture
def ask(api: Api, people: People) -> As:
    """Call in somebody's name; return what came back, or the problem that was expected."""
    keys = {who: tokens.issue(name=f"of {who}", by=user, user=user)[1] for who, user in people.items()}

    def call(who: str, line: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        method, path = line.split(" ")
        answer = api(method, path, body, token=keys[who], **headers)
        if status >= 400:
            return expect_problem(answer, status)
        assert answer.status_code == status, answer.content
        return answer.json()

    return call


def told() -> list[str]:
    return list(Event.objects.order_by("id").values_list("kind", flat=True))


def test_a_program_makes_a_unit_fills_it_and_empties_it_again(ask: As, use_case: UseCase) -> None:
    made = ask("admin", "PUT /units/north", {"name": "North"})
    assert made == {
        "slug": "north",
        "name": "North",
        "people": {"operations": [], "risk": [], "admin": []},
        "use_cases": [],
        "hidden": 0,
    }
    assert ask("admin", "PUT /units/north", {"name": "Far north"})["name"] == "Far north"
    events = len(told())
    assert ask("admin", "PUT /units/north", {"name": "Far north"})["name"] == "Far north"
    assert len(told()) == events, "unchanged writes nothing"

    belongs = {"role": "operations", "person": "stranger", "reason": "Joined"}
    assert ask("admin", "POST /units/north/people", belongs)["people"]["operations"] == ["stranger"]
    ask("stranger", "GET /use-cases/claims", status=404)
    assert ask("admin", "PUT /use-cases/claims/unit", {"unit": "north"}) == {
        "use_case": "claims",
        "unit": "north",
    }
    assert ask("stranger", "GET /use-cases/claims/access")["unit"] == "north"
    assert ask("admin", "GET /units")[0]["use_cases"] == ["claims"]

    gone = ask("admin", "DELETE /units/north/people?role=operations&person=stranger&reason=Left")
    assert gone["people"]["operations"] == []
    assert Event.objects.latest("id").reason == "Left"
    ask("admin", "PUT /use-cases/claims/unit", {"unit": None})
    assert told()[-2:] == ["unit.person_removed", "unit.placed"]


def test_a_program_is_told_what_is_wrong_with_a_unit(ask: As, use_case: UseCase) -> None:
    ask("admin", "PUT /units/north", {"name": "North"})
    assert paths(ask("admin", "PUT /units/south", {"name": "North"}, 422)) == ["name"]
    assert paths(ask("admin", "PUT /units/No%20slug", {"name": "South"}, 422)) == ["slug"]
    nobody = {"role": "risk", "person": "nobody"}
    assert paths(ask("admin", "POST /units/north/people", nobody, 422)) == ["person"]
    assert paths(ask("admin", "POST /units/north/people", {"role": "boss", "person": "risk"}, 422)) == [
        "role"
    ]
    assert paths(ask("admin", "PUT /use-cases/claims/unit", {"unit": "east"}, 422)) == ["unit"]
    ask("admin", "GET /units/east", status=404)
    ask("risk", "PUT /units/north", {"name": "Mine"}, 403)


def test_a_unit_tells_of_use_cases_that_its_reader_sees_and_counts_the_others(
    ask: As, use_case: UseCase, people: People
) -> None:
    ask("admin", "PUT /units/north", {"name": "North"})
    ask("admin", "PUT /use-cases/claims/unit", {"unit": "north"})
    for role in ("admin", "operations"):
        people["admin"].groups.remove(*people["admin"].groups.filter(name=role))
    clerk = people["stranger"]
    clerk.user_permissions.add(*permissions_of("manage_access"))
    assert (lambda unit: (unit["use_cases"], unit["hidden"]))(ask("stranger", "GET /units/north")) == ([], 1)


def permissions_of(name: str) -> Any:
    from django.contrib.auth.models import Permission

    return Permission.objects.filter(codename=name)


def test_a_program_gives_rights_and_takes_them_back(ask: As, use_case: UseCase, people: People) -> None:
    wish = {"person": "stranger", "rights": ["kill"], "reason": "On call"}
    held = ask("admin", "POST /use-cases/claims/access/grant", wish)
    assert held == {"person": "stranger", "group": None, "rights": ["view", "kill"]}
    assert permissions.can(User.objects.get(username="stranger"), "kill", use_case)
    left = ask("admin", "POST /use-cases/claims/access/revoke", {"person": "stranger", "rights": ["kill"]})
    assert left["rights"] == ["view"]
    assert ask("admin", "POST /use-cases/claims/access/revoke", {"person": "stranger"})["rights"] == []
    ask("stranger", "GET /use-cases/claims", status=404)

    for whom in ({}, {"person": "risk", "group": "risk"}, {"group": "nowhere"}, {"person": "nobody"}):
        refused = ask("admin", "POST /use-cases/claims/access/revoke", whom, 422)
        assert paths(refused) in (["person"], ["group"])
    ask("risk", "POST /use-cases/claims/access/grant", wish, 403)
    ask("admin", "POST /use-cases/claims/access/grant", wish | {"person": "admin", "rights": ["review"]})


def test_a_program_goes_through_who_may_do_what(ask: As, use_case: UseCase, people: People) -> None:
    permissions.grant(people["stranger"], "operations", use_case)
    review = ask(
        "risk", "POST /access-reviews", {"due_at": SOON, "use_case": "claims", "reason": "Spring"}, 201
    )
    assert review["lines_total"] == len(review["lines"]) == 4
    assert (
        ask("risk", "POST /access-reviews", {"due_at": SOON, "use_case": "claims"}, 201)["id"] == review["id"]
    )
    assert [one["id"] for one in ask("ops", "GET /access-reviews")] == [review["id"]]

    here = f"/access-reviews/{review['id']}"
    lines = {line["holder"]: line for line in review["lines"]}
    assert (lines["stranger"]["kind"], lines["stranger"]["status"]) == ("person", "open")
    gone = {"id": lines["stranger"]["id"], "rights": lines["stranger"]["rights"]}
    seen_wrongly = {"verdict": "confirmed", "lines": [gone | {"rights": ["view"]}]}
    assert paths(ask("risk", f"POST {here}/lines", seen_wrongly, 422)) == ["lines"]
    revoked = ask("risk", f"POST {here}/lines", {"verdict": "revoked", "lines": [gone], "comment": "Left"})
    assert [(line["status"], line["decided_by"], line["comment"]) for line in revoked] == [
        ("revoked", "risk", "Left")
    ]
    ask("stranger", "GET /use-cases/claims", status=404)

    ask("risk", f"POST {here}/close", status=422)
    for who in ("admin", "risk"):
        waiting = [line for line in ask(who, f"GET {here}?status=open")["lines"] if line["may_decide"]]
        seen = [{"id": line["id"], "rights": line["rights"]} for line in waiting]
        if seen:
            ask(who, f"POST {here}/lines", {"verdict": "confirmed", "lines": seen})
    assert ask("risk", f"GET {here}")["may_close"]
    closed = ask("risk", f"POST {here}/close", {"comment": "Done"})
    assert (closed["closed_by"], closed["lines_decided"]) == ("risk", 4)
    assert paths(ask("risk", "POST /access-reviews", {"due_at": SOON, "unit": "north"}, 422)) == ["unit"]


def test_a_program_switches_off_who_left_and_on_who_is_back(ask: As, people: People) -> None:
    gone = ask("admin", "POST /people/ops/deactivate", {"reason": "Left"})
    assert (gone["active"], gone["open_tokens"], gone["groups"]) == (False, 0, ["operations"])
    ask("ops", "GET /use-cases", status=401)
    assert ask("admin", "POST /people/ops/activate")["active"]
    assert ask("admin", "POST /people/ops/sessions/end")["open_sessions"] == 0
    assert told()[-2:] == ["person.deactivated", "person.activated"], "there was no session to end"
    ask("admin", "POST /people/admin/deactivate", status=422)
    ask("admin", "GET /people/nobody", status=404)
    ask("risk", "GET /people/nobody", status=403)


def test_a_program_looks_after_tokens_and_ends_one_that_got_about(
    ask: As, use_case: UseCase, django_capture_on_commit_callbacks: Any
) -> None:
    mine = ask("ops", "GET /tokens")
    assert [(one["name"], one["person"], one["scope"]) for one in mine] == [("of ops", "ops", "full")]
    desk = next(one for one in ask("admin", "GET /tokens") if one["name"] == "desk")
    assert (desk["person"], desk["use_cases"]) == (None, ["claims", "coming"])
    ask("ops", f"DELETE /tokens/{desk['id']}", status=404)
    assert ask("admin", f"DELETE /tokens/{desk['id']}?reason=Leaked")["revoked_at"]
    assert Event.objects.latest("id").reason == "Leaked"
    with django_capture_on_commit_callbacks(execute=True):
        ask("ops", f"DELETE /tokens/{mine[0]['id']}")
    ask("ops", "GET /tokens", status=401)


def test_a_program_has_what_is_asked_for_erased(ask: As, use_case: UseCase) -> None:
    event = Event.objects.filter(use_case="claims").latest("id")
    here, wish = f"/audit/events/{event.uid}", {"fields": ["actor"], "reason": "Asked for"}
    ask("risk", f"POST {here}/erase", wish, 403)
    found = ask("admin", f"POST {here}/erase", wish)
    assert (found["erased"], found["actor"]) == (["actor"], "")
    events = len(told())
    assert ask("admin", f"POST {here}/erase", wish)["erased"] == ["actor"]
    assert len(told()) == events, "what is gone is not erased twice"


def test_a_token_that_may_only_read_passes_none_of_these_doors_that_write(
    api: Api, people: People, use_case: UseCase
) -> None:
    text = tokens.issue(name="reader", by=people["admin"], user=people["admin"], scope="read")[1]
    for line in ("GET /units", "GET /access-reviews", "GET /people", "GET /tokens"):
        assert api(*line.split(" "), token=text).status_code == 200
    for line in (
        "PUT /units/north",
        "POST /access-reviews",
        "POST /people/ops/deactivate",
        "DELETE /tokens/1",
    ):
        expect_problem(api(*line.split(" "), {}, token=text), 403)


def test_a_program_plans_a_file_and_applies_what_was_planned(ask: As, use_case: UseCase) -> None:
    here, etag = "/use-cases/claims/file", {"If-Match": "1"}
    file = ask("ops", f"GET {here}") | {"document": claims(0.9)}
    plan = ask("ops", f"PUT {here}?dry_run=true", {"file": file}, **etag)
    assert (plan["outcome"], plan["version"], plan["dry_run"]) == ("apply", 2, True)
    assert [line["path"] for line in plan["lines"]] == ["document.bands.answer.from"]
    assert {gate["key"] for gate in plan["gates"]} >= {"schema", "models", "approvals"}
    assert Version.objects.count() == 1, "a plan writes nothing"

    bound = {"file": file, "stands_on": plan["stands_on"], "reason": "As agreed"}
    done = ask("ops", f"PUT {here}", bound)
    assert (done["outcome"], done["version"]) == ("apply", 2)
    assert "not as it was planned" in ask("ops", f"PUT {here}", bound, 422)["detail"]
    assert ask("ops", f"PUT {here}", {"file": file})["outcome"] == "nothing"
    ask("ops", f"PUT {here}", {"file": file}, 409, **etag)
    assert paths(ask("ops", f"PUT {here}", {"file": file | {"slug": "other"}}, 422)) == ["file.slug"]

    waits = ask("ops", f"PUT {here}", {"file": file | {"document": claims(0.7)}})
    assert (waits["outcome"], waits["version"], waits["change"]) == ("submit", None, 1)
    ask("ops", f"PUT {here}", {"file": file | {"document": claims(0.1)}}, 422)


def run(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue().strip()


def test_use_cases_are_stopped_from_a_shell(use_case: UseCase) -> None:
    assert run("kill", "claims", "--by", "ops", "--reason", "Web is down") == "claims is at baseline as r2."
    assert run("kill", "--all") == "claims is at baseline as r2."
    event = Event.objects.filter(kind="kill_switch.engaged").get()
    assert (event.actor, event.entry_point, event.reason) == ("ops", "command", "Web is down")
    for wrong in ([], ["claims", "--all"], ["nowhere"], ["claims", "--by", "stranger"]):
        with pytest.raises(CommandError):
            run("kill", *wrong)


def test_accounts_and_tokens_are_looked_after_from_a_shell(people: People) -> None:
    tokens.issue(name="desk", by=people["ops"], user=people["ops"])
    assert run("revoke_token", "desk", "--reason", "Leaked") == "The token “desk” is revoked."
    assert Token.objects.get(name="desk").revoked_at
    for verb in ("deactivate", "activate", "remove-second-factor"):
        assert "ops" in run("account", "ops", f"--{verb}")
    assert told()[-3:] == ["token.revoked", "person.deactivated", "person.activated"]
    for wrong in (["revoke_token", "nobody"], ["account", "nobody", "--activate"]):
        with pytest.raises(CommandError, match="There is no"):
            run(*wrong)
