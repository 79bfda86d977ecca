"""How far each model's confidence is from how often it is right, and the map that the labels propose."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from console.api import problems
from console.api.auth import person, user_of
from console.api.use_cases import found
from usecases import calibrations
from usecases.windows import Loading

router = Router(tags=["calibration"], auth=person)


class Map(Schema):
    """What a confidence counts: a document takes this as `models[].calibration`."""

    reported: list[float]
    calibrated: list[float]


class Bar(Schema):
    """One stretch of confidence: its labels, their mean confidence, how many were right, with a 95% interval."""

    low: float
    high: float
    labels: int
    confidence: float | None
    right: float | None
    right_low: float
    right_high: float


class Edge(Schema):
    """A confidence that the document asks for, and the reported one that reaches it; null where none does."""

    name: str
    edge: float
    now: float | None
    then: float | None


class InForce(Schema):
    """The live map, on labels of decisions made under it; errors are mean distances from how often it was right."""

    map: Map
    version: int
    at: datetime
    labels: int
    reported_error: float | None
    calibrated_error: float | None


class Proposed(Schema):
    """A map fitted on all labels. Its errors: of what is in force now, and of maps fitted without the label judged."""

    map: Map
    digest: str
    labels: int
    error_now: float
    error_then: float
    edges: list[Edge]


class Signal(Schema):
    """One model under one source of confidence. `desk` and `picked` verdicts never count."""

    model: str
    label: str
    source: str
    judged: bool
    labels: int
    audit: int
    census: int
    desk: int
    picked: int
    silent: int
    lowest: float | None
    since: int | None
    error: float | None
    bars: list[Bar]
    in_force: InForce | None
    proposed: Proposed | None
    why: str


class Calibrations(Schema):
    """Every model of the live document."""

    version: int
    source: str
    signals: list[Signal]
    as_of: datetime
    complete: bool


@router.get(
    "/{slug}/calibration",
    response=Calibrations,
    summary="How sure each model is, how often it is right, and the map that would mend it",
)
def calibration(request: HttpRequest, slug: str) -> Any:
    use_case, by = found(request, slug), user_of(request)
    try:
        return calibrations.read(use_case=use_case, by=by).as_dict()
    except Loading as loading:
        problem = problems.response(503, str(loading), rows=loading.rows, expected=loading.expected)
        problem.headers["Retry-After"] = "1"
        return problem
