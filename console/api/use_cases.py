"""Use cases, their versions, changes and guardrails, for operators' programs. Each call is one action."""

from typing import Annotated, Any

from django.http import Http404, HttpRequest
from ninja import Body, Header, Router, Status
from pydantic import Field

from console.api.auth import person, user_of
from console.api.schemas import (
    Diff,
    Guardrails,
    Published,
    Revert,
    UseCaseFile,
    UseCaseOut,
    VersionDetail,
    VersionOut,
    use_case_out,
    version_out,
)
from routing import selectors
from routing.engine import describe, diff
from usecases import configs, permissions
from usecases.actions import guardrails, versions
from usecases.models import UseCase, Version
from usecases.publishing import Refused, Stale, latest

router = Router(tags=["use cases"], auth=person)
NUMBER = Annotated[int, Field(ge=1, le=2_000_000_000)]


def found(request: HttpRequest, slug: str) -> UseCase:
    """Return a use case the caller may see; a stranger is told that there is none."""
    use_case = UseCase.objects.select_related("guardrail").filter(slug=slug).first()
    if use_case is None or not permissions.can(request.user, "view", use_case):
        raise Http404(f"There is no use case “{slug}”.")
    return use_case


def expected(if_match: str | None, use_case: UseCase) -> int | None:
    """Read `If-Match`: the number of the live version or its digest, quoted or bare; `*` and none match any."""
    tag = (if_match or "").strip().removeprefix("W/").strip('"').removeprefix("r")
    if tag in ("", "*"):
        return None
    if tag.isdecimal() and len(tag) < 10:
        return int(tag)
    standing = latest(use_case)
    if standing.digest != tag:
        raise Stale(standing)
    return standing.number


@router.get("", response=list[UseCaseOut], summary="Every use case the caller may see")
def list_use_cases(request: HttpRequest) -> Any:
    mine = permissions.visible(request.user).select_related("guardrail").order_by("slug")
    newest = (
        Version.objects.filter(use_case__in=mine).order_by("use_case_id", "-number").distinct("use_case_id")
    )
    by_use_case = {version.use_case_id: version for version in newest}
    return [use_case_out(use_case, by_use_case[use_case.pk]) for use_case in mine]


@router.post(
    "", response={201: UseCaseOut}, summary="Create a use case; the body is what `export_config` writes"
)
def create(request: HttpRequest, body: Body[UseCaseFile]) -> Any:
    config = configs.checked(body.model_dump(exclude_unset=True))
    permissions.check_create(request.user)
    if UseCase.objects.filter(slug=config["slug"]).exists():
        words = f"There is a use case “{config['slug']}” already. Choose another slug."
        raise Refused(words, [{"path": "slug", "message": words}])
    applied = configs.apply(config, by=user_of(request))
    assert applied.version is not None  # a new use case always publishes
    return Status(201, use_case_out(applied.version.use_case, applied.version))


@router.get("/{slug}", response=UseCaseOut, summary="One use case with its live document")
def read(request: HttpRequest, slug: str) -> Any:
    use_case = found(request, slug)
    return use_case_out(use_case, latest(use_case))


@router.get("/{slug}/versions", response=list[VersionOut], summary="Versions, newest first")
def list_versions(
    request: HttpRequest,
    slug: str,
    before: NUMBER | None = None,
    limit: Annotated[int, Field(ge=1, le=200)] = 50,
) -> Any:
    rows = Version.objects.filter(use_case=found(request, slug)).order_by("-number")
    rows = rows.filter(number__lt=before) if before else rows
    return [version_out(row) for row in rows[:limit]]


@router.get("/{slug}/versions/{number}", response=VersionDetail, summary="One version with its document")
def read_version(request: HttpRequest, slug: str, number: NUMBER) -> Any:
    row = _version(found(request, slug), number)
    content = {"document": row.document, "baseline": row.baseline, "message": row.message}
    return {**version_out(row), **content}


@router.get("/{slug}/versions/{number}/diff", response=Diff, summary="What a version changed against another")
def read_diff(request: HttpRequest, slug: str, number: NUMBER, against: NUMBER | None = None) -> Any:
    use_case = found(request, slug)
    new = _version(use_case, number)
    old = _version(use_case, against or max(1, number - 1))
    rows = difference_rows(old.document, new.document)
    return {"version": new.number, "against": old.number, "differences": rows}


@router.post(
    "/{slug}/versions/{number}/revert", response=Published, summary="Publish an old version's document anew"
)
def revert(
    request: HttpRequest,
    slug: str,
    number: NUMBER,
    body: Body[Revert | None] = None,
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> Any:
    use_case = found(request, slug)
    seen = expected(if_match, use_case)
    return version_out(
        versions.revert(
            use_case=use_case,
            to=number,
            by=user_of(request),
            reason=body.reason if body else "",
            expected_version=seen,
        )
    )


@router.get("/{slug}/convergence", response=dict[str, Any], summary="What each assistant holds and enforces")
def convergence(request: HttpRequest, slug: str) -> Any:
    return selectors.convergence(found(request, slug).slug)


@router.get("/{slug}/guardrails", response=Guardrails, summary="The limits that risk has set")
def read_guardrails(request: HttpRequest, slug: str) -> Any:
    return found(request, slug).guardrail.full()


@router.put("/{slug}/guardrails", response=Guardrails, summary="Set the limits")
def set_guardrails(request: HttpRequest, slug: str, body: Body[Guardrails]) -> Any:
    use_case = found(request, slug)
    row = guardrails.set_limits(
        use_case=use_case,
        knobs=body.knobs,
        approved_models=body.models,
        terms=body.terms(),
        lanes=body.lanes,
        by=user_of(request),
        reason=body.reason,
    )
    return row.full()


def difference_rows(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    names = describe.rule_names(new, old)
    return [
        {
            "path": change.path,
            "old": change.old,
            "new": change.new,
            "sentence": describe.difference_sentence(change, names),
        }
        for change in diff.changes(old, new)
    ]


def _version(use_case: UseCase, number: int) -> Version:
    row = Version.objects.filter(use_case=use_case, number=number).first()
    if row is None:
        raise Http404(f"“{use_case.slug}” has no version {number}.")
    return row
