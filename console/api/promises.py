"""What a use case promises, what the labels certify of it, and which setting keeps it at the least cost."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Body, Router, Status

from console.api.auth import person, user_of
from console.api.schemas_promises import (
    CertificateOut,
    Certify,
    PromiseIn,
    PromiseOut,
    Recommended,
    StandingOut,
    Wish,
)
from console.api.use_cases import found
from console.api.what_if import patient, written
from usecases import advice, promise_standing, promises
from usecases.actions import certificates
from usecases.actions import promises as actions
from usecases.models import Certificate, Promise
from usecases.publishing import latest
from usecases.windows import Loading

router = Router(tags=["promises"], auth=person)
NEWEST = 50


@router.get("/{slug}/promise", response=PromiseOut, summary="What is promised, and what people cost")
def read(request: HttpRequest, slug: str) -> Any:
    return _promise(promises.of(found(request, slug)))


@router.put("/{slug}/promise", response=PromiseOut, summary="State what is promised, and what people cost")
def state(request: HttpRequest, slug: str, body: Body[PromiseIn]) -> Any:
    use_case = found(request, slug)
    wish = body.model_dump(exclude_unset=True, exclude={"reason"})
    return _promise(actions.state(use_case=use_case, promise=wish, by=user_of(request), reason=body.reason))


@router.get(
    "/{slug}/certificates", response=list[CertificateOut], summary="What was certified, the newest first"
)
def certified(request: HttpRequest, slug: str) -> Any:
    rows = list(Certificate.objects.filter(use_case=found(request, slug))[:NEWEST])
    return [_certificate(row, user_of(request) if place == 0 else None) for place, row in enumerate(rows)]


@router.post(
    "/{slug}/certificates",
    response={201: CertificateOut},
    summary="Certify the live answer threshold; refused with what is missing",
)
@patient
def certify(request: HttpRequest, slug: str, body: Body[Certify | None] = None) -> Any:
    use_case, wish = found(request, slug), body or Certify()
    row = certificates.issue(use_case=use_case, by=user_of(request), window=wish.window, reason=wish.reason)
    return Status(201, _certificate(row, user_of(request)))


@router.post(
    "/{slug}/recommendation",
    response=Recommended,
    summary="The setting that keeps the promise at the least cost, or what is missing for one",
)
@patient
def recommend(request: HttpRequest, slug: str, body: Body[Wish | None] = None) -> Any:
    use_case, wish = found(request, slug), body or Wish()
    document = latest(use_case).document if wish.document is None else wish.document
    ask = advice.ladder if wish.kind == "ladder" else advice.threshold
    answer = ask(use_case=use_case, document=document, by=user_of(request), window=wish.window)
    return written(answer.as_dict())


def _promise(row: Promise) -> dict[str, Any]:
    stated = {"stated_by": row.stated_by, "stated_at": row.stated_at if row.pk else None}
    return {**actions.as_dict(row), **stated, "sentence": actions.sentence(row)}


def _certificate(row: Certificate, by: Any) -> CertificateOut:
    shown = CertificateOut.from_orm(row)
    if by is not None:
        try:
            shown.standing = StandingOut(**asdict(promise_standing.standing_of(row, by)))
        except Loading as loading:
            shown.standing = StandingOut(state="loading", headline=str(loading))
    return shown
