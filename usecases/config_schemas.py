"""JSON Schemas (2020-12) of the config document and of a use case's file, for editors and pipelines. Pure.

The document's comes from the engine's own models, so that it cannot say another thing than the console does. What one
field says about another (names that exist, bands without gaps) no schema knows: `apply_config --dry-run` does.
"""

import copy
from functools import lru_cache
from typing import Any, Final

from routing.engine.schema import ConfigDocument
from usecases import terms
from usecases.models import TIERS
from usecases.one_pagers import QUESTIONS, Question
from usecases.starting_points import STARTING_POINTS

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
DOCUMENT_ID: Final = "urn:operator-console:schema:document:1"
FILE_ID: Final = "urn:operator-console:schema:use-case:1"
EXAMPLE: Final = STARTING_POINTS["one"].document
TEXT: Final[Schema] = {"type": "string"}
NAMES: Final[Schema] = {"type": "array", "items": {"type": "string", "minLength": 1}}


@lru_cache(maxsize=1)
def document_schema() -> Schema:
    """Return the schema of a config document."""
    found = ConfigDocument.model_json_schema(by_alias=True)
    for name in ("audit_share", "holdout_share"):
        # The engine reads null as none of the requests; its model says so in code alone.
        share = found["$defs"]["Thresholds"]["properties"][name]
        bounds = {key: share.pop(key) for key in ("type", "minimum", "maximum")}
        share["anyOf"] = [bounds, {"type": "null"}]
    return {
        "$schema": DIALECT,
        "$id": DOCUMENT_ID,
        **found,
        "title": "Config document",
        "examples": [EXAMPLE],
    }


@lru_cache(maxsize=1)
def file_schema() -> Schema:
    """Return the schema of the file that `apply_config` takes and `export_config` writes."""
    document = copy.deepcopy(document_schema())
    shared = document.pop("$defs")
    inner = {key: value for key, value in document.items() if not key.startswith("$") and key != "examples"}
    return {
        "$schema": DIALECT,
        "$id": FILE_ID,
        "title": "Use case",
        "description": "A use case as a file, for apply_config and POST /api/v1/use-cases.",
        "type": "object",
        "additionalProperties": False,
        "required": ["slug", "name", "owner", "document"],
        "properties": _properties(),
        "$defs": {**shared, "ConfigDocument": inner, "Guardrails": _guardrails(), "OnePager": _one_pager()},
        "examples": [
            {"slug": "refunds", "name": "Refunds", "owner": "refunds-ops", "document": EXAMPLE},
        ],
    }


def _properties() -> Schema:
    document = {"$ref": "#/$defs/ConfigDocument"}
    slug = r"^[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?$"
    return {
        "slug": {
            **TEXT,
            "pattern": slug,
            "description": "What assistants and addresses call it; it never changes.",
        },
        "name": {**TEXT, "minLength": 1, "maxLength": 120, "description": "As its owner would say it."},
        "owner": {
            **TEXT,
            "minLength": 1,
            "maxLength": 120,
            "description": "The desk that owns the outcome.",
        },
        "risk": {
            "enum": [*TIERS, None],
            "description": "The risk tier; medium where not said.",
        },
        "description": _or_null(TEXT),
        "document": document,
        "baseline": {
            "anyOf": [document, {"type": "null"}],
            "description": "What runs after a kill: every path of it works without a model.",
        },
        "message": _or_null({**TEXT, "maxLength": 2000}, "What customers read on baseline."),
        "guardrails": _or_null({"$ref": "#/$defs/Guardrails"}, "The limits that risk has set."),
        "one_pager": _or_null({"$ref": "#/$defs/OnePager"}, "Left out: it stays as it is."),
    }


def _or_null(schema: Schema, description: str = "") -> Schema:
    found: Schema = {"anyOf": [schema, {"type": "null"}]}
    return {**found, "description": description} if description else found


def _guardrails() -> Schema:
    pair = {"type": ["array", "null"], "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    knob = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "lane": {**pair, "description": "Inside, an owner's change applies by itself: [low, high]."},
            "limit": {**pair, "description": "Outside, it is refused for everyone: [low, high]."},
            "step": {"type": ["object", "null"], "description": "How far it may loosen in so many hours."},
            "reason": TEXT,
        },
    }
    said = {key: _TERMS.get(key, {}) | {"description": terms.WORDS[key].capitalize()} for key in terms.USUAL}
    return {
        "type": "object",
        "title": "Guardrails",
        "additionalProperties": False,
        "properties": {
            "knobs": _or_null({"type": "object", "additionalProperties": knob}, "Bounds by the knob's path."),
            "models": _or_null(NAMES, "Approved LiteLLM names; none: any may be used."),
            "lanes": _or_null(NAMES, "Shared lanes that hold besides, by their slugs."),
            **said,
        },
    }


_TERMS: Final[dict[str, Schema]] = {
    **{key: {"type": "integer", "minimum": low, "maximum": high} for key, (low, high) in terms.WHOLE.items()},
    **{key: {"type": "boolean"} for key in terms.FLAGS},
    "approvers": {
        "type": "object",
        "additionalProperties": False,
        "properties": {"groups": NAMES, "people": NAMES},
    },
    "freezes": {"type": "array", "items": {"type": "object"}},
    "quiet_hours": {"type": "object"},
    "endpoints": NAMES,
    "regions": NAMES,
    "model_regions": {"type": "object", "additionalProperties": TEXT},
    "golden_set": {"type": ["object", "null"]},
}


def _one_pager() -> Schema:
    parts = {
        part: _or_null(
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {question.key: _answer(question) for question in asked},
            }
        )
        for part, asked in QUESTIONS.items()
    }
    return {"type": "object", "title": "One-pager", "additionalProperties": False, "properties": parts}


def _answer(question: Question) -> Schema:
    words = " ".join(filter(None, [f"{question.words}.", question.help]))
    if question.choices:
        keys = [key for key, _ in question.choices]
        # YAML reads a bare yes as true.
        bare = [True, False] if {"yes", "no"} <= set(keys) else []
        return {"enum": [*keys, "", None, *bare], "description": words}
    kinds = ["string", "null", "number"] if question.kind != "date" else ["string", "null"]
    return {"type": kinds, "maxLength": question.limit, "description": words}


SCHEMAS: Final = {"document": document_schema, "use-case": file_schema}
