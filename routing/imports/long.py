"""Decision records, one JSON object each (DESIGN §7), with an optional `correct`.

A record with an `action` is a decision that was made: it stays as it was made. Without one the document decides, from
the models in `tried`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StrictBool, StrictStr, ValidationError
from pydantic_core import PydanticCustomError

from routing.imports import cells
from routing.imports.faults import BadCell, BadRow
from routing.imports.layout import FIELDS, IGNORE, SIGNALS, Renames
from routing.imports.records import Answer, Recorded
from routing.runtime.masking import storable
from routing.runtime.reported import reported

_ATTRIBUTE: Final = "attributes."
MOST_TRIED: Final = 50


def _as(check: Any) -> BeforeValidator:
    """Use a cell's check in a record; null was not recorded."""

    def checked(value: Any) -> Any:
        try:
            return None if value is None else check(value)
        except BadCell as bad:
            raise PydanticCustomError("cell", "{words}", {"words": str(bad)}) from None

    return BeforeValidator(checked)


_blank = BeforeValidator(lambda value: "" if value is None else value)


def _text(limit: int) -> Any:
    return Annotated[StrictStr, _blank, Field(max_length=limit), AfterValidator(storable)]


Confidence = Annotated[float | None, _as(cells.confidence)]
Amount = Annotated[float | None, _as(cells.amount)]
Tokens = Annotated[int | None, _as(cells.tokens)]
Verdict = Annotated[bool | None, _as(cells.verdict)]


class Try(BaseModel):
    """One model's answer."""

    model: Annotated[StrictStr, Field(min_length=1, max_length=120)]
    confidence: Confidence = None
    cost_usd: Amount = None
    latency_ms: Amount = None
    tokens_in: Tokens = None
    tokens_out: Tokens = None
    correct: Verdict = None
    predicted: Annotated[str, _as(cells.words), _blank] = ""
    error: _text(4_000) = ""  # type: ignore[valid-type]
    called: StrictBool | None = None


class Record(BaseModel):
    """One decision record. What it says of the config it was made under is another console's, and not taken."""

    id: Annotated[str, _as(cells.uuid7), _blank] = ""
    request_id: Annotated[str, _as(cells.request_id)]
    use_case: StrictStr | None = None
    at: Annotated[Any, _as(cells.moment)] = None
    attributes: dict[str, Any] | None = None
    signals: Annotated[dict[str, float | None], BeforeValidator(reported)] = {}
    text: Annotated[str, _as(cells.words), _blank] = ""
    answer: Annotated[str, _as(cells.words), _blank] = ""
    true_answer: Annotated[str, _as(cells.words), _blank] = ""
    model: _text(120) = ""  # type: ignore[valid-type]
    tried: Annotated[list[Try] | None, Field(max_length=MOST_TRIED)] = None
    confidence: Confidence = None
    correct: Verdict = None
    state: Literal["live", "review_all", "baseline"] = "live"
    band: _text(80) = ""  # type: ignore[valid-type]
    action: Literal["answer", "review", "escalate"] | None = None
    rule: _text(80) = ""  # type: ignore[valid-type]
    queue: _text(80) = ""  # type: ignore[valid-type]
    reason: _text(32) = ""  # type: ignore[valid-type]
    detail: _text(4_000) = ""  # type: ignore[valid-type]
    signal: _text(16) = ""  # type: ignore[valid-type]
    audited: StrictBool = False
    audit_share: Annotated[float, _as(cells.confidence)] = 0.0
    holdout: StrictBool = False
    cost_usd: Amount = None
    latency_ms: Amount = None
    tokens_in: Tokens = None
    tokens_out: Tokens = None
    prompt: _text(200) = ""  # type: ignore[valid-type]
    retrieval_index: _text(200) = ""  # type: ignore[valid-type]
    input_digest: _text(64) = ""  # type: ignore[valid-type]
    trace_id: _text(64) = ""  # type: ignore[valid-type]


PAST: Final = (
    "model",
    "confidence",
    "correct",
    "answer",
    "state",
    "band",
    "action",
    "rule",
    "queue",
    "reason",
    "detail",
    "signal",
    "audited",
    "audit_share",
    "holdout",
    "cost_usd",
    "latency_ms",
    "tokens_in",
    "tokens_out",
    "prompt",
    "retrieval_index",
    "input_digest",
    "trace_id",
)


def is_long(record: Mapping[str, Any]) -> bool:
    """Tell a decision record from a row of a wide log."""
    return "tried" in record or "action" in record or isinstance(record.get("attributes"), dict)


def read_long(
    given: Mapping[str, Any], line: int, *, use_case: str, models: Sequence[str], renames: Renames = ()
) -> Recorded:
    """Return what a decision record says. Raises `BadRow`."""
    names = dict(renames)
    try:
        record = Record.model_validate(_renamed(given, names, models))
    except ValidationError as error:
        raise _bad_row(error) from None
    if record.use_case is not None and record.use_case != use_case:
        raise BadRow("use_case", f"It belongs to {cells.shown(record.use_case)}, not to “{use_case}”.")
    answers = _answers(record, models, names)
    model = _model(record.model, "model", models, names) if record.model else ""
    if not answers and record.action is None:
        raise BadRow("tried", "is missing: there is neither a model's answer nor an action.")
    past = None
    if record.action is not None:
        past = {name: getattr(record, name) for name in PAST} | {"model": "" if model == IGNORE else model}
    elif record.correct is not None:
        _judge(record.correct, model, answers)
    return Recorded(
        line=line,
        request_id=record.request_id,
        answers=answers,
        text=record.text,
        at=record.at,
        true_answer=record.true_answer,
        attributes=record.attributes or {},
        past=past,
        id=record.id,
        form="long",
        signals=record.signals,
    )


def _renamed(given: Mapping[str, Any], names: Mapping[str, str], models: Sequence[str]) -> dict[str, Any]:
    """Return the record under the field names that `--map` gives."""
    if not names:
        return dict(given)
    record = {name: value for name, value in given.items() if name not in names or names[name] in models}
    attributes = record.get("attributes")
    for name in given.keys() & names.keys():
        target = names[name]
        if target in SIGNALS:
            told = record.get("signals")
            record["signals"] = (told if isinstance(told, dict) else {}) | {target: given[name]}
        elif target in FIELDS:
            record[target] = given[name]
        elif target.startswith(_ATTRIBUTE) and isinstance(attributes, dict | None):
            attributes = (attributes or {}) | {target.removeprefix(_ATTRIBUTE): given[name]}
            record["attributes"] = attributes
    return record


def _answers(record: Record, models: Sequence[str], names: Mapping[str, str]) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    for place, given in enumerate(record.tried or []):
        field = f"tried[{place}].model"
        model = _model(given.model, field, models, names)
        if model == IGNORE:
            continue
        if model in answers:
            raise BadRow(field, f"“{model}” is there twice.")
        answers[model] = Answer(**given.model_dump() | {"model": model})
    return answers


def _model(given: str, field: str, models: Sequence[str], names: Mapping[str, str]) -> str:
    model = names.get(given, given)
    if model in models or model == IGNORE:
        return model
    known = ", ".join(models) or "none"
    raise BadRow(field, f"{cells.shown(model)} is no model of this use case, which has: {known}.")


def _judge(correct: bool, model: str, answers: dict[str, Answer]) -> None:
    """Give a record's verdict to the answer that it is about."""
    about = model if model in answers else next(iter(answers)) if len(answers) == 1 and not model else ""
    if not about:
        raise BadRow("correct", "It does not say whose answer that is; give the “model” that answered.")
    answers[about].correct = correct


def _bad_row(error: ValidationError) -> BadRow:
    """Return the first fault, in its place, such as `tried[1].confidence`."""
    first = error.errors(include_url=False)[0]
    path = ""
    for part in first["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    if first["type"] == "missing":
        return BadRow(path, "is missing.")
    return BadRow(path, first["msg"] if first["type"] == "cell" else f"{first['msg']}.")
