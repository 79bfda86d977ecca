"""What assistants ask and report, apart from the stream. Machines' traffic: no audit events, no page is rendered."""

from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router
from ninja.errors import HttpError
from pydantic import TypeAdapter

from console.api import auth, bodies, reports
from console.api.problems import Invalid
from console.api.schemas_assistants import (
    AckIn,
    Count,
    DecideIn,
    DecisionIn,
    HeartbeatIn,
    HeartbeatOut,
    OutcomeIn,
    Recorded,
    RefusedRecord,
    SigningKeys,
    Stored,
)
from console.tokens import Grant
from routing import selectors
from routing.actions import acks, decisions, heartbeats, outcomes, targets
from routing.engine.decide import Compiled, compile_document
from routing.models import Target
from routing.runtime.masking import masked, masked_mapping
from routing.runtime.verbalised import as_confidence

router = Router(tags=["assistants"])
COMPILED_KEPT = 64
MAX_ATTRIBUTE = 1_000  # characters of one attribute, as our own assistants keep

DECISION = TypeAdapter(DecisionIn)
OUTCOMES = TypeAdapter(list[OutcomeIn])
DECIDE = TypeAdapter(DecideIn)


def _body(*models: type[Any], lines: bool = False) -> dict[str, Any]:
    """Describe a body that is read by hand: one object, or a list where two shapes are given."""
    one = models[0].model_json_schema(ref_template="#/components/schemas/{model}")
    one.pop("$defs", None)
    content: dict[str, Any] = {"application/json": {"schema": one}}
    if lines:
        content = {
            "application/json": {"schema": {"oneOf": [one, {"type": "array", "items": one}]}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        }
    return {"requestBody": {"required": True, "content": content}}


def _grant(request: HttpRequest) -> Grant:
    found: Grant = request.auth  # type: ignore[attr-defined]
    return found


def _many(request: HttpRequest) -> list[Any]:
    return reports.several(request.body, request.headers.get("Content-Type", ""))


@router.get("/stream", auth=auth.assistant, summary="Config stream: server-sent events")
def stream(request: HttpRequest, instance: str, use_case: Annotated[list[str], Query()]) -> Any:
    """`event: config` with an envelope, first the current one of each use case; `event: ping` every ten seconds.

    Served beside Django (`routing.stream`); described here for the schema.
    """
    raise HttpError(503, "The stream is served by the ASGI application only.")


@router.get(
    "/use-cases/{slug}/config", auth=auth.anyone, summary="The current envelope; 304 if it is held already"
)
def config(
    request: HttpRequest,
    slug: str,
    instance: Annotated[str, Query(max_length=120)] = "",
    version: Annotated[Count | None, Query()] = None,
) -> HttpResponse:
    auth.check_scope(request, slug)
    found = Target.objects.filter(use_case=slug).values_list("version", "digest", "envelope").first()
    if found is None:
        raise Http404(f"Nothing is published for “{slug}”.")
    number, digest, envelope = found
    held = _tags(request.headers.get("If-None-Match", ""))
    same = ("*" in held or digest in held) and version in (None, number)
    answer = HttpResponse(status=304) if same else HttpResponse(envelope, content_type="application/json")
    answer.headers["ETag"] = f'"{digest}"'
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _tags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")}


@router.get(
    "/signing-keys", auth=auth.anyone, response=SigningKeys, summary="Keys that envelopes are signed with"
)
def signing_keys(request: HttpRequest) -> Any:
    return {"keys": targets.public_keys()}


@router.post(
    "/acks",
    auth=auth.assistant,
    response=Recorded,
    openapi_extra=_body(AckIn, lines=True),
    summary="A version was applied or refused; one ack or a list",
)
def post_acks(request: HttpRequest) -> Any:
    """Of a web process, `console.batches` takes these together with others' and writes them at once."""
    kind = request.headers.get("Content-Type", "")
    given = reports.acks_in(_grant(request), request.body, kind)
    return reports.recorded(given, acks.record(given))


@router.post(
    "/heartbeats",
    auth=auth.assistant,
    response=HeartbeatOut,
    openapi_extra=_body(HeartbeatIn),
    summary="What an assistant holds and enforces now",
)
def post_heartbeats(request: HttpRequest) -> Any:
    """Of a web process, `console.batches` takes these together with others' and writes them at once."""
    given = reports.heartbeat_in(_grant(request), request.body)
    heartbeats.record([given])
    return reports.told(given, selectors.desired(held.use_case for held in given.use_cases))


@router.post(
    "/decisions",
    auth=auth.assistant,
    response=Stored,
    openapi_extra=_body(DecisionIn, lines=True),
    summary="Decision records; a list or NDJSON. A record at fault never holds the others up",
)
def post_decisions(request: HttpRequest) -> Any:
    """Store what can be stored. A batch in which every record is at fault is refused as a whole (422)."""
    grant = _grant(request)
    records: list[dict[str, Any]] = []
    refused: list[RefusedRecord] = []
    for index, given in enumerate(_many(request)):
        try:
            records.append(_record(given, grant.use_cases))
        except Invalid as fault:
            refused.append(RefusedRecord(index=index, id=_id(given), errors=fault.errors))
    if refused and not records:
        raise Invalid([_placed(error, one.index) for one in refused[:50] for error in one.errors])
    stored = decisions.store(records)
    return {"stored": stored, "duplicates": len(records) - stored, "refused": refused}


def _placed(error: dict[str, str], index: int) -> dict[str, str]:
    """Say in which record of a batch a fault is."""
    return {**error, "path": f"[{index}].{error['path']}".rstrip(".")}


def _record(given: Any, use_cases: frozenset[str]) -> dict[str, Any]:
    if isinstance(given, bodies.Unreadable):
        raise Invalid([{"path": "", "message": "This line is not JSON."}])
    checked: DecisionIn = reports.valid(DECISION, given)
    if checked.use_case not in use_cases:
        words = f"This token may not serve “{checked.use_case}”."
        raise Invalid([{"path": "use_case", "message": words}])
    return _masked(checked.model_dump(mode="json"))


def _masked(record: dict[str, Any]) -> dict[str, Any]:
    """Take personal data out before it is stored. Our runtime did so already; an assistant of somebody's may not."""
    said = {name: masked(record[name]) for name in ("text", "answer")}
    return {**record, **said, "attributes": masked_mapping(record["attributes"], limit=MAX_ATTRIBUTE)}


def _id(given: Any) -> str | None:
    named = given.get("id") if isinstance(given, dict) else None
    return named[:64] if isinstance(named, str) else None


@router.post(
    "/outcomes",
    auth=auth.anyone,
    response=Recorded,
    openapi_extra=_body(OutcomeIn, lines=True),
    summary="Whether answers turned out right; one or a list",
)
def post_outcomes(request: HttpRequest) -> Any:
    given: list[OutcomeIn] = reports.valid(OUTCOMES, _many(request))
    allowed = auth.scope(request, "review")
    by_id = selectors.use_cases_of_decisions([one.decision_id for one in given if one.decision_id])
    by_request = selectors.use_cases_of_requests(
        [one.request_id for one in given if not one.decision_id], allowed
    )
    words, errors = [], []
    for index, one in enumerate(given):
        try:
            words.append(_word(one, allowed, by_id, by_request))
        except Invalid as fault:
            errors += [_placed(error, index) for error in fault.errors]
    if errors:
        raise Invalid(errors)
    told = outcomes.store(words)
    return {"recorded": told, "unchanged": len(words) - told}


def _word(
    one: OutcomeIn, allowed: frozenset[str], by_id: dict[UUID, str], by_request: dict[str, str]
) -> outcomes.Word:
    """Find out which use case an outcome belongs to; its decision may still be on its way."""
    if one.decision_id is None and not one.request_id:
        raise Invalid(
            [{"path": "decision_id", "message": "Name the decision, or the request by “request_id”."}]
        )
    known = by_id.get(one.decision_id) if one.decision_id else by_request.get(one.request_id)
    if known and known not in allowed:
        # Not even whose it is: its id may have come from anywhere.
        raise Invalid([{"path": "decision_id", "message": "You may judge no such decision."}])
    slug = known or one.use_case or (next(iter(allowed)) if len(allowed) == 1 else "")
    if not slug:
        words = "No such decision is known yet; name the use case too."
        raise Invalid([{"path": "use_case", "message": words}])
    if slug not in allowed:
        raise Invalid([{"path": "use_case", "message": f"You may not judge decisions of “{slug}”."}])
    return outcomes.Word(
        use_case=slug,
        correct=one.correct,
        source=one.source,
        at=one.at or timezone.now(),
        decision_id=one.decision_id,
        request_id=one.request_id,
        corrected_answer=masked(one.corrected_answer),
        bucket=one.bucket,
    )


_compiled: dict[tuple[str, int, str], Compiled] = {}


@router.post(
    "/use-cases/{slug}/decide",
    auth=auth.anyone,
    response=dict[str, Any],
    openapi_extra=_body(DecideIn),
    summary="Decide one request, for assistants in any language",
    description="Report in `signals` what the model said of itself (`confidence`) and which `model` it was. Where that "
    "model has a calibration map, the calibrated confidence is judged; the answer's `confidence` is the judged one. "
    "In a decision record it is `confidence`, and what the model said stands in `tried`.",
)
def decide(request: HttpRequest, slug: str) -> Any:
    auth.check_scope(request, slug)
    given: DecideIn = reports.valid(DECIDE, bodies.read(request.body))
    attributes = given.attributes if isinstance(given.attributes, dict) else {}
    signals = given.signals if isinstance(given.signals, dict) else {}
    ready = _ready(slug)
    decision = ready.decide({**attributes, "request_id": given.request_id}, signals)
    judged = ready.judged(signals.get("model"), as_confidence(signals.get("confidence")))
    return {**decision.as_dict(), "request_id": given.request_id, "confidence": judged}


def _ready(slug: str) -> Compiled:
    """Return what is desired now, compiled; each version once in a process."""
    found = Target.objects.filter(use_case=slug).values_list("version", "digest").first()
    if found is None:
        raise Http404(f"Nothing is published for “{slug}”.")
    key = (slug, *found)
    if key not in _compiled:
        target = Target.objects.get(use_case=slug)
        made = compile_document(
            target.document,
            version=target.version,
            state=target.state,
            baseline=target.baseline,
            message=target.message,
        )
        while len(_compiled) >= COMPILED_KEPT:
            _compiled.pop(next(iter(_compiled)), None)
        _compiled[slug, target.version, target.digest] = made
        return made
    return _compiled[key]
