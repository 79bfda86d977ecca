"""Config as code for programs: a use case as a file, planned line by line with every gate, and applied as planned."""

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Body, Router, Schema

from console.api.auth import person, user_of
from console.api.changes import IfMatch, check_seen
from console.api.schemas import Reason, Strict
from console.api.schemas_changes import CheckOut
from console.api.use_cases import expected, found
from usecases import config_plans, configs
from usecases.actions.access import refusal
from usecases.config_plans import Plan

router = Router(tags=["use cases"], auth=person)


class FileIn(Strict):
    """`stands_on`: of a plan, so that nothing but what was planned is applied."""

    file: dict[str, Any]
    reason: Reason = ""
    stands_on: dict[str, Any] | None = None


class PlanLine(Schema):
    """One difference. `sign`: + there was nothing, - there is nothing any more, ~ there is something else."""

    sign: Literal["+", "-", "~"]
    path: str
    old: Any
    new: Any


class PlanOut(Schema):
    """What a file would do, or did. `beside`: what is written at once, whatever becomes of the document."""

    dry_run: bool
    outcome: Literal["nothing", "create", "apply", "submit", "refused"]
    sentence: str
    version: int | None
    change: int | None
    lines: list[PlanLine]
    gates: list[CheckOut]
    beside: list[str]
    faults: list[str]
    stands_on: dict[str, Any]


@router.get("/{slug}/file", response=dict[str, Any], summary="The use case as a config file")
def export(request: HttpRequest, slug: str) -> Any:
    return configs.export(found(request, slug))


@router.put(
    "/{slug}/file",
    response=PlanOut,
    summary="Bring a use case to what a config file says, or plan it; what takes approvals is submitted",
)
def put_file(
    request: HttpRequest, slug: str, body: Body[FileIn], dry_run: bool = False, if_match: IfMatch = None
) -> Any:
    use_case, by = found(request, slug), user_of(request)
    config = configs.checked({"slug": slug} | body.file)
    if config["slug"] != slug:
        raise refusal("file.slug", f"The file is of “{config['slug']}”, the address of “{slug}”.")
    check_seen(use_case, expected(if_match, use_case))
    plan = config_plans.plan(config, by=by, reason=body.reason)
    if dry_run:
        return _told(plan, True)
    done = configs.apply(
        config, by=by, reason=body.reason, expected=body.stands_on or dict(plan.stands_on) or None
    )
    return _told(plan, False) | {
        "version": done.version.number if done.version and done.published else None,
        "change": done.change.number if done.change else None,
        "sentence": done.sentence,
        "gates": [gate.as_dict() for gate in done.gates],
        "beside": list(done.beside),
    }


def _told(plan: Plan, dry_run: bool) -> dict[str, Any]:
    plain = ("outcome", "sentence", "beside", "faults", "stands_on")
    return {
        **{key: getattr(plan, key) for key in plain},
        "dry_run": dry_run,
        "version": plan.number or None,
        "change": None,
        "lines": [{"sign": one.sign, "path": one.path, "old": one.old, "new": one.new} for one in plan.lines],
        "gates": [gate.as_dict() for gate in plan.gates],
    }
