"""Every door of the console: what it is called, what it takes to pass, and a call that passes.

A door is a page's address by its name (`PAGES`), an operation of the API by its path (`API`) or a command (`COMMANDS`).
Who adds one adds a line here; `test_every_door.py` fails until it is there. A line reads

    Door("kill", "POST", "kill", body={"to": "baseline"})
    Door("/use-cases/{slug}/kill", "POST", "kill", body={"to": "baseline"})

name, method, what it needs (a key of `NEEDS`), and where asked for `thing` (what besides the use case its address
names: an attribute of `World`), `verb` (a word in its address) and `body` (a mapping, or what makes one of a world).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from uuid6 import uuid7

from tests.documents import claims

SLUG = "claims"
STATES = ("live", "review_all", "baseline", "open_change", "override")
PEOPLE = ("stranger", "watcher", "operations", "risk", "admin")
MACHINES = ("assistant", "foreign")  # tokens of assistants: of this use case, of another
NOBODY = "nobody"

TUNERS = frozenset({"operations", "admin"})
JUDGES = frozenset({"risk", "admin"})
MEMBERS = frozenset({"watcher", "operations", "risk", "admin"})
# Who passes. The open change is by operations, the override by the admin, the token is one of operations.
NEEDS: dict[str, frozenset[str]] = {
    "public": frozenset({NOBODY, *PEOPLE, *MACHINES}),
    "own": frozenset(PEOPLE),
    "view": MEMBERS,
    "tune": TUNERS,
    "approve": JUDGES,
    "kill": TUNERS | JUDGES,
    "review": TUNERS,
    "create": frozenset({"admin"}),
    "manage access": frozenset({"admin"}),
    "tune or approve": TUNERS | JUDGES,
    "tune and approve": TUNERS & JUDGES,
    "approve, not the granter": JUDGES - {"admin"},
    "holder": frozenset({"operations"}),
    "author": frozenset({"operations"}),
    "holder or admin": frozenset({"operations", "admin"}),
    "assistant": frozenset(),
    "machine": frozenset(PEOPLE),
    "anyone signed in": frozenset(PEOPLE),
}


@dataclass
class World:
    """What addresses may name; None where a state has no such thing."""

    change: int | None = None
    override: int | None = None
    token: int = 0
    person: Any = None
    account: str = "stand-in"
    version: int = 2
    decision: Any = None
    kept: Any = None
    upload: Any = None
    loan: Any = None
    review: Any = None
    line: str = ""
    unit: str = "north"
    lane: str = "shared"
    golden: Any = None
    golden_name: str = "core"
    event: Any = None
    filter: Any = None


Body = Mapping[str, Any] | Callable[[World], Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Door:
    """One way in. `hides`: who may not pass is told that there is nothing; `always`: the one status it answers;
    `tells`: what it answers instead of 403 and 404; `refuses`: its action has nothing to work on here;
    `asks_first`: who may not at all is told so before it is looked for.
    """

    name: str
    method: str
    needs: str
    thing: str = ""
    verb: str = ""
    body: Body = field(default_factory=dict)
    machines: bool = False
    hides: bool = False
    always: int | None = None
    tells: int | None = None
    refuses: bool = False
    asks_first: bool = False
    query: str = ""
    form: bool = False

    def __str__(self) -> str:
        return " ".join(filter(None, (self.method, self.name, self.verb)))

    def body_in(self, world: World) -> Mapping[str, Any]:
        return self.body(world) if callable(self.body) else self.body

    @property
    def writes(self) -> bool:
        # That somebody took a pack is recorded, though they only asked for it.
        return self.method != "GET" or self.name == "/audit/evidence"


def log_file(world: World) -> Mapping[str, Any]:
    return {"file": SimpleUploadedFile("log.csv", b"request_id,text,small__correct\nr-1,hello,1\n")}


def decision(world: World) -> Mapping[str, Any]:
    at = timezone.now().isoformat()
    return {"id": str(uuid7()), "request_id": "r-2", "use_case": SLUG, "action": "answer", "at": at}


def outcome(world: World) -> Mapping[str, Any]:
    return {"decision_id": str(world.decision), "correct": True, "source": "desk"}


def judged(world: World) -> Mapping[str, Any]:
    return {"lines": [world.line], "verdict": "confirmed"}


def judged_by_program(world: World) -> Mapping[str, Any]:
    line, _, rights = world.line.partition(":")
    return {
        "verdict": "confirmed",
        "lines": [{"id": int(line or 1), "rights": rights.split(",") if rights else []}],
    }


def cases_file(world: World) -> Mapping[str, Any]:
    return {"name": "more", "file": SimpleUploadedFile("more.json", json.dumps(CASES).encode())}


CASES = [{"id": "1", "attributes": {}, "signals": {"confidence": 0.9}, "expected": {"action": "answer"}}]
ERASES = {"fields": ["reason"], "reason": "Asked for", "sure": "yes"}
ERASED = {"fields": ["reason"], "reason": "Asked for"}
NOW = {"reason": "Now", "hours": "1"}
LIMITS = {"knobs": {"bands.answer.from": {"lane": [0.7, 0.95], "limit": [0.6, 1.0], "reason": ""}}}
RAISED = {"document": claims(0.9), "reason": "Safer"}
LOOSER = {"document": claims(0.7), "reason": "Try"}
TOMORROW = (timezone.now() + timedelta(days=1)).isoformat()
LENT = {"until": TOMORROW, "reason": "Away"}
GIVEN = {"person": "watcher", "rights": ["approve"], "reason": "Away"}
BELONGS = {"role": "risk", "person": "stranger"}
REPORT = {"instance": "a", "use_case": SLUG}
HELD = {"use_case": SLUG, "version": 1}
CELL = {"document": claims(0.9), "live": "answer", "draft": "answer"}
FILE = {"name": "Claims", "owner": "claims-ops", "document": claims(0.9)}
NEW = {"slug": "new-one", "name": "New one", "owner": "ops", "document": claims()}


def reads(needs: str, *names: str, **more: Any) -> tuple[Door, ...]:
    """Return pages or operations that only read."""
    return tuple(Door(name, "GET", needs, **more) for name in names)


def buttons(needs: str, *names: str, **more: Any) -> tuple[Door, ...]:
    """Return addresses that a button posts to."""
    return tuple(Door(name, "POST", needs, **more) for name in names)


PAGES: tuple[Door, ...] = (
    *reads("public", "healthz", "readyz", "sign-in"),
    *buttons("public", "sign-out"),
    # allauth asks for these by its own names; several are one address.
    *reads("public", "account_login", "account_logout", "mfa_authenticate"),
    *reads("public", "socialaccount_login_cancelled"),
    Door("socialaccount_login_error", "GET", "public", always=400),
    Door("account_inactive", "GET", "public", always=403),
    Door("sign-in-with", "POST", "public", always=404),  # where no provider is set
    Door("openid_connect_callback", "GET", "public", always=404),
    *reads("own", "account", "mfa_index", "account_change_password", "socialaccount_connections"),
    *reads("own", "account_reauthenticate", "mfa_reauthenticate", "mfa_activate_totp"),
    *reads("own", "mfa_generate_recovery_codes"),
    *(
        Door(name, "GET", "own", always=404)  # without a second factor there is none of it
        for name in ("mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_download_recovery_codes")
    ),
    *buttons("own", "sessions-end"),
    Door("session-end", "POST", "own", thing="token", always=404),
    Door("sign-in", "POST", "public", body={"username": "ops", "password": "wrong"}),
    *reads("own", "portfolio", "approvals", "audit", "audit-csv", "assistants", "tokens", "tokens-csv"),
    Door("tokens", "POST", "own", body={"name": "mine"}),
    Door("tokens", "POST", "create", body={"name": "desk", "kind": "assistant", "use_case": [SLUG]}),
    Door("token-revoke", "POST", "holder or admin", thing="token", hides=True),
    Door("token-rotate", "POST", "holder", thing="token", hides=True),
    *reads("create", "people", "people-csv"),
    *reads("create", "person", thing="person"),
    *(Door("person-act", "POST", "create", thing="person", verb=verb) for verb in ("deactivate", "activate")),
    Door("person-act", "POST", "create", thing="person", verb="remove-second-factor"),
    Door("person-sessions-end", "POST", "create", thing="person"),
    Door("person-session-end", "POST", "create", thing="person", verb="7", always=404),
    *reads("create", "use-case-new"),
    Door("use-case-new", "POST", "create", body={"slug": "new-one", "name": "New one", "owner": "ops"}),
    Door("kill-all", "POST", "kill"),
    Door("restore-all", "POST", "own", body={"use_case": [SLUG]}),
    # The record.
    *reads("own", "audit-jsonl"),
    *reads("view", "audit-event", "audit-proof", thing="event", hides=True),
    Door("audit-erase", "POST", "create", thing="event", body=ERASES),
    Door("audit-keep", "POST", "own", body={"name": "Kept", "query": "kind=guardrail.set"}),
    Door("audit-kept", "POST", "holder", thing="filter", hides=True, body={"do": "delete"}),
    # Shared lanes; this one is used, so nobody may delete it.
    *reads("own", "lanes"),
    *reads("approve", "lane-new"),
    *reads("view", "lane", thing="lane", hides=True),
    Door("lane-new", "POST", "approve", body={"name": "Another", "slug": "another"}),
    Door("lane", "POST", "approve", thing="lane", asks_first=True, body={"name": "Renamed"}),
    Door("lane-delete", "POST", "approve", thing="lane", refuses=True),
    # Who may do what.
    *reads("own", "access-reviews"),
    *reads("manage access", "units"),
    *reads("view", "access-review", "access-review-csv", thing="review"),
    Door("access-reviews", "POST", "approve", body={"due_at": TOMORROW}),
    Door("access-review-decide", "POST", "approve", thing="review", body=judged),
    Door("access-review-close", "POST", "approve", thing="review", refuses=True),
    Door("units", "POST", "manage access", body={"slug": "south", "name": "South"}),
    Door("unit-act", "POST", "manage access", thing="unit", verb="rename", body={"name": "Far north"}),
    *(
        Door("unit-act", "POST", "manage access", thing="unit", verb=verb, body=BELONGS)
        for verb in ("add", "remove")
    ),
    *reads("view", "access", "access-csv"),
    Door(
        "access-grant", "POST", "manage access", body={"person": "ops", "verbs": "approve", "reason": "Away"}
    ),
    Door("access-revoke", "POST", "manage access", body={"group": "operations"}),
    Door("access-unit", "POST", "manage access", body={"unit": "north"}),
    Door("access-lend", "POST", "kill", body={"to": "stranger", "verbs": "kill", **LENT}),
    Door("access-end", "POST", "holder or admin", thing="loan"),
    # One use case.
    *reads("view", "overview", "changes", "decisions", "decisions-csv", "assistants-of", "guardrails"),
    *reads("view", "version", "version-effect", thing="version"),
    *reads("view", "decision", thing="decision"),
    *reads("view", "change", thing="change"),
    Door("kill", "POST", "kill", body={"to": "baseline"}),
    Door("restore", "POST", "kill"),
    Door("message", "POST", "kill", body={"message": "We call you."}),
    Door("guardrails", "POST", "approve", body={"reason": "Spring"}),
    *reads("view", "evidence"),
    Door("evidence", "POST", "view", body={"period": "days", "since": "2020-01-01", "until": "2020-01-31"}),
    *reads("view", "golden-sets"),
    *reads("view", "golden-set", thing="golden"),
    Door("golden-sets", "POST", "approve", body=cases_file),
    Door("golden-set-delete", "POST", "approve", thing="golden"),
    *reads("view", "one-pager"),
    *reads("tune or approve", "one-pager-edit"),
    Door("one-pager-edit", "POST", "tune or approve", body={"answers.kpi": "Cost"}),
    *reads("tune", "use-case-settings"),
    Door("use-case-settings", "POST", "tune", body={"name": "Claims", "owner": "claims-ops", "risk": "high"}),
    Door("revert", "POST", "tune", thing="version", body={"reason": "Back"}),
    Door("change-act", "POST", "approve", thing="change", verb="approve"),
    Door("change-act", "POST", "approve", thing="change", verb="request-changes", body={"reason": "Less"}),
    Door("change-act", "POST", "approve", thing="change", verb="veto"),
    Door("change-act", "POST", "author", thing="change", verb="withdraw"),
    Door("change-act", "POST", "author", thing="change", verb="renew"),
    Door("change-act", "POST", "author", thing="change", verb="carry-over"),
    Door("change-act", "POST", "author", thing="change", verb="take-up"),
    Door("change-act", "POST", "tune", thing="change", verb="apply"),
    Door("change-act", "POST", "tune", thing="change", verb="schedule"),
    Door("change-act", "POST", "tune and approve", thing="change", verb="override", body=NOW),
    Door("change-act", "POST", "tune or approve", thing="change", verb="remark", body={"reason": "Why?"}),
    Door("override-act", "POST", "tune", thing="override", verb="end"),
    Door("override-act", "POST", "approve, not the granter", thing="override", verb="review"),
    # The draft.
    *reads("view", "tune", "models", "escalation", "draft-review"),
    *reads("view", "tune-impact", "tune-impact-progress", "tune-impact-chart", "tune-impact-more"),
    *reads("view", "draft-delivery", thing="version"),
    *reads("tune", "rule"),
    Door("tune-impact", "POST", "view"),
    Door("rule", "POST", "tune", body={"do": "save", "name": "Angry", "when.match": "any"}),
    Door("draft-edit", "POST", "tune", body={"reason": "Try"}),
    *buttons("tune", "draft-discard", "draft-rebase", "draft-apply", "draft-submit"),
    *(Door("draft-step", "POST", "tune", verb=verb) for verb in ("undo", "redo")),
    # The promise.
    *reads("view", "calibration", "promise", "promise-labels", "promise-ladders"),
    Door("calibration-propose", "POST", "tune", body={"model": "small"}),
    Door("calibration-remove", "POST", "tune", body={"model": "small"}),
    Door("promise", "POST", "tune", body={"wrong_at_most": "3"}),
    Door("promise-certify", "POST", "tune", refuses=True),
    Door("promise-use", "POST", "tune", body={"answer_from": "0.9"}),
    # What-if.
    *reads("view", "cases", "cases-csv", query="live=answer&draft=answer"),
    *reads("view", "kept-impacts"),
    *reads("view", "kept-impact", thing="kept"),
    Door("keep-impact", "POST", "tune"),
    # Decision logs.
    *reads("tune", "import"),
    *reads("tune", "upload", "upload-refused", thing="upload"),
    Door("import", "POST", "tune", body=log_file),
    *buttons("tune", "upload-map", "upload-check", "upload-start", "upload-stop", thing="upload"),
)

ONE = "/use-cases/{slug}"
OF_CHANGE = f"{ONE}/changes/{{number}}"
API: tuple[Door, ...] = (
    # What assistants ask and report.
    Door("/stream", "GET", "assistant", machines=True, query=f"instance=a&use_case={SLUG}", always=503),
    Door(f"{ONE}/config", "GET", "view", machines=True),
    Door("/signing-keys", "GET", "anyone signed in", machines=True),
    Door("/tokens/rotate", "POST", "anyone signed in", machines=True),
    Door("/acks", "POST", "assistant", machines=True, body={**REPORT, "version": 1, "status": "applied"}),
    Door("/heartbeats", "POST", "assistant", machines=True, body={"instance": "a", "use_cases": [HELD]}),
    Door("/decisions", "POST", "assistant", machines=True, body=decision, tells=422),
    Door("/outcomes", "POST", "review", machines=True, body=outcome, tells=422),
    Door(f"{ONE}/decide", "POST", "view", machines=True, body={"request_id": "r-1"}),
    # What files have to look like is no secret.
    *reads("public", "/schemas/document.json", "/schemas/use-case.json", machines=True),
    # Over all use cases.
    *reads("own", "/use-cases", "/audit/events"),
    Door("/use-cases", "POST", "create", body=NEW),
    Door("/kill", "POST", "kill"),
    # One use case.
    *reads("view", ONE, f"{ONE}/file", f"{ONE}/versions", f"{ONE}/convergence", f"{ONE}/guardrails"),
    *reads("view", f"{ONE}/versions/{{number}}", f"{ONE}/versions/{{number}}/diff", thing="version"),
    Door(f"{ONE}/file", "PUT", "tune", body={"file": FILE}),
    Door(f"{ONE}/file", "PUT", "view", body={"file": FILE}, query="dry_run=true"),
    Door(f"{ONE}/versions/{{number}}/revert", "POST", "tune", thing="version"),
    Door(f"{ONE}/guardrails", "PUT", "approve", body=LIMITS),
    *reads("view", f"{ONE}/one-pager", f"{ONE}/one-pager/questions"),
    Door(
        "/audit/evidence",
        "GET",
        "view",
        hides=True,
        query=f"use_case={SLUG}&since=2020-01-01&until=2020-02-01",
    ),
    *reads("own", "/lanes"),
    Door("/lanes/{slug}", "GET", "view", thing="lane", hides=True),
    Door("/lanes/{slug}", "PUT", "approve", thing="lane", asks_first=True, body={"name": "Renamed"}),
    Door("/lanes/{slug}", "DELETE", "approve", thing="lane", refuses=True),
    Door("/audit/events/{uid}", "GET", "view", thing="event", hides=True),
    Door("/audit/events/{uid}/erase", "POST", "create", thing="event", body=ERASED),
    *reads("view", f"{ONE}/guardrails/effective", f"{ONE}/golden-sets"),
    *reads("view", f"{ONE}/golden-sets/{{name}}", thing="golden_name"),
    Door(f"{ONE}/golden-sets/{{name}}", "PUT", "approve", thing="golden_name", body={"cases": CASES}),
    Door(f"{ONE}/golden-sets/{{name}}/score", "POST", "view", thing="golden_name"),
    Door(f"{ONE}/golden-sets/{{name}}", "DELETE", "approve", thing="golden_name"),
    Door(f"{ONE}/one-pager", "PUT", "tune or approve", body={"answers": {"kpi": "Cost"}}),
    Door(f"{ONE}/kill", "POST", "kill", body={"to": "baseline"}),
    *(Door(f"{ONE}/restore", "POST", "kill", query=query) for query in ("", "dry_run=true")),
    Door(f"{ONE}/message", "PUT", "kill", body={"message": "We call you."}),
    # Who may do what.
    *reads("view", f"{ONE}/access"),
    Door(f"{ONE}/access/grant", "POST", "manage access", body=GIVEN),
    Door(f"{ONE}/access/revoke", "POST", "manage access", body={"group": "operations"}),
    Door(f"{ONE}/delegations", "POST", "kill", body={"to": "stranger", "rights": ["kill"], **LENT}),
    Door(f"{ONE}/delegations/{{number}}", "DELETE", "holder or admin", thing="loan"),
    Door(f"{ONE}/unit", "PUT", "manage access", body={"unit": "north"}),
    *reads("manage access", "/units"),
    Door("/units/{unit}", "GET", "manage access", thing="unit"),
    Door("/units/{unit}", "PUT", "manage access", thing="unit", body={"name": "Far north"}),
    Door("/units/{unit}/people", "POST", "manage access", thing="unit", body=BELONGS),
    Door("/units/{unit}/people", "DELETE", "manage access", thing="unit", query="role=risk&person=stranger"),
    *reads("own", "/access-reviews"),
    Door("/access-reviews", "POST", "approve", body={"due_at": TOMORROW}),
    Door("/access-reviews/{number}", "GET", "view", thing="review"),
    Door("/access-reviews/{number}/lines", "POST", "approve", thing="review", body=judged_by_program),
    Door("/access-reviews/{number}/close", "POST", "approve", thing="review", refuses=True),
    # Who comes in.
    *reads("create", "/people"),
    Door("/people/{username}", "GET", "create", thing="account"),
    *buttons("create", "/people/{username}/deactivate", "/people/{username}/activate", thing="account"),
    *buttons("create", "/people/{username}/sessions/end", thing="account"),
    *reads("own", "/tokens"),
    Door("/tokens/{number}", "DELETE", "holder or admin", thing="token", hides=True),
    # Changes and overrides.
    *reads("view", f"{ONE}/changes", f"{ONE}/overrides"),
    Door(f"{ONE}/changes", "POST", "tune", body=RAISED),
    Door(f"{ONE}/changes", "POST", "tune", body=RAISED, query="dry_run=true"),
    *reads("view", OF_CHANGE, thing="change"),
    Door(OF_CHANGE, "PUT", "author", thing="change", body={"reason": "Better"}),
    Door(f"{OF_CHANGE}/approve", "POST", "approve", thing="change"),
    Door(f"{OF_CHANGE}/request-changes", "POST", "approve", thing="change", body={"reason": "Less"}),
    Door(f"{OF_CHANGE}/veto", "POST", "approve", thing="change"),
    Door(f"{OF_CHANGE}/withdraw", "POST", "author", thing="change"),
    Door(f"{OF_CHANGE}/apply", "POST", "tune", thing="change"),
    Door(f"{OF_CHANGE}/rebase", "POST", "author", thing="change"),
    Door(f"{OF_CHANGE}/renew-evidence", "POST", "author", thing="change"),
    Door(f"{OF_CHANGE}/schedule", "POST", "tune", thing="change", body={"at": TOMORROW}),
    Door(f"{OF_CHANGE}/remarks", "POST", "tune or approve", thing="change", body={"text": "Why?"}),
    Door(f"{ONE}/overrides", "POST", "tune and approve", body=LOOSER),
    Door(f"{ONE}/overrides/{{number}}/end", "POST", "tune", thing="override"),
    Door(f"{ONE}/overrides/{{number}}/review", "POST", "approve, not the granter", thing="override"),
    # What-if, promise, decision logs.
    Door(f"{ONE}/what-if", "POST", "view", body={"document": claims(0.9)}),
    Door(f"{ONE}/what-if", "POST", "tune", body={"document": claims(0.9), "keep": True}),
    Door(f"{ONE}/what-if/cases", "POST", "view", body=CELL),
    Door(f"{ONE}/what-if/{{pk}}", "GET", "view", thing="kept"),
    Door(f"{ONE}/what-if/{{pk}}/again", "POST", "view", thing="kept"),
    *reads("view", f"{ONE}/calibration", f"{ONE}/promise", f"{ONE}/certificates"),
    Door(f"{ONE}/promise", "PUT", "tune", body={"wrong_at_most": 0.03}),
    Door(f"{ONE}/certificates", "POST", "tune", refuses=True),
    Door(f"{ONE}/recommendation", "POST", "view"),
    Door(f"{ONE}/imports", "POST", "tune", form=True, body=log_file),
    Door(f"{ONE}/imports/{{pk}}", "GET", "tune", thing="upload"),
)

# Of a command, `needs` is what the person it is run for (`--by`) has to hold. “machine”: whoever may run programs on
# the machine itself, where the database's password lies too; nobody is asked.
COMMANDS: tuple[Door, ...] = (
    Door("apply_config", "RUN", "tune"),
    Door("import_decisions", "RUN", "tune"),
    Door("evidence_pack", "RUN", "view"),
    Door("kill", "RUN", "kill"),
    Door("erase_personal_data", "RUN", "create"),
    *(Door(name, "RUN", "view") for name in ("access", "gates")),
    *(Door(name, "RUN", "manage access") for name in ("grant", "revoke")),
    Door("start_access_review", "RUN", "approve"),
    *(Door(name, "RUN", "machine") for name in ("create_token", "export_config", "verify_audit")),
    Door("config_schema", "RUN", "machine"),
    *(Door(name, "RUN", "machine") for name in ("rotate_token", "revoke_token", "account")),
    *(Door(name, "RUN", "machine") for name in ("create_account", "new_password", "set_groups")),
    *(Door(name, "RUN", "machine") for name in ("prepare", "setup_accounts", "up")),
)
