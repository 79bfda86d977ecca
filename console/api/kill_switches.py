"""The kill switch for programs: 200 with version, digest and state, once committed."""

from typing import Annotated, Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja import Body, Header, Router, Status

from console.api.auth import person, user_of
from console.api.changes import check_seen
from console.api.schemas import Kill, Message, Published, Restore, version_out
from console.api.schemas_changes import ChangeOut, WayBack, change_out, check_rows
from console.api.use_cases import expected, found
from usecases import judging, permissions, reviewing
from usecases.actions import changes, kill_switches
from usecases.models import UseCase, Version
from usecases.publishing import NeedsApproval

router = Router(tags=["kill switch"], auth=person)


@router.post(
    "/kill", response=list[Published], summary="Send every use case the caller may stop to a safe state"
)
def kill_all(request: HttpRequest, body: Body[Kill | None] = None) -> Any:
    wish = body or Kill()
    done = kill_switches.engage_all(by=user_of(request), to=wish.to, reason=wish.reason, message=wish.message)
    return [version_out(version) for version in done]


@router.post("/use-cases/{slug}/kill", response=Published, summary="Send a use case to a safe state")
def kill(request: HttpRequest, slug: str, body: Body[Kill | None] = None) -> Any:
    wish = body or Kill()
    return version_out(
        kill_switches.engage(
            use_case=found(request, slug),
            by=user_of(request),
            to=wish.to,
            reason=wish.reason,
            message=wish.message,
        )
    )


@router.post(
    "/use-cases/{slug}/restore",
    response={200: Published | WayBack, 202: ChangeOut},
    summary="Bring a use case back from a safe state; ask for it (202) where that takes approvals, or see its gates",
)
def restore(
    request: HttpRequest,
    slug: str,
    body: Body[Restore | None] = None,
    dry_run: bool = False,
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> Any:
    use_case = found(request, slug)
    permissions.check(request.user, "kill", use_case)
    if dry_run:
        return _way_back(use_case, check_seen(use_case, expected(if_match, use_case)), user_of(request))
    wish: dict[str, Any] = {
        "use_case": use_case,
        "by": user_of(request),
        "reason": body.reason if body else "",
        "expected_version": expected(if_match, use_case),
    }
    try:
        return version_out(kill_switches.restore(**wish))
    except NeedsApproval:
        return Status(202, change_out(reviewing.review_of(changes.submit_restore(**wish))))


def _way_back(use_case: UseCase, standing: Version, by: User) -> dict[str, Any]:
    """Answer with every gate; nothing is written."""
    findings = judging.way_back(use_case, standing, by=by)
    return {
        "dry_run": True,
        "applies": findings.passes,
        "state": standing.state,
        "checks": check_rows(findings.checks),
        "approvals_needed": findings.needed,
    }


@router.put("/use-cases/{slug}/message", response=Published, summary="Change what customers read on baseline")
def message(request: HttpRequest, slug: str, body: Body[Message]) -> Any:
    return version_out(
        kill_switches.edit_message(
            use_case=found(request, slug), message=body.message, by=user_of(request), reason=body.reason
        )
    )
