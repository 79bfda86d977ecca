"""The cards of the Models tab: models, ladder, where confidence comes from, pins."""

from typing import Any

from usecases.calibrations import map_of
from usecases.views.draft_bands import model_labels
from usecases.views.draft_rules import model_words
from usecases.views.draft_work import Document, Work, by_key, listed, mapped

SOURCES = (
    ("verbalised", "Said by the model in its answer"),
    ("logprobs", "How probable its own words were"),
    ("context", "Sent by the caller"),
)
PINS = {"prompt": "Prompt", "retrieval_index": "Retrieval index"}


def models_cards(work: Work) -> dict[str, Any]:
    """Return everything the tab shows."""
    document = work.document
    labels = model_labels(document)
    names = [str(model.get("name")) for model in listed(document, "models")]
    asked = {str(rung.get("model")) for rung in listed(document, "ladder")}
    live, confidence = mapped(work.compared, "confidence"), mapped(document, "confidence")
    models = entry_rows(work, "models", "name", ("name", "label", "litellm", "timeout_s", "api_base"))
    for row in models:
        row["called"] = model_words(str(row["title"]), labels)
        row["uses"] = _uses(work, str(row["title"]))
        row["points"] = _points(document, str(row["title"]))
    return {
        "models": models,
        "models_faults": work.fault_map.get("models", ()),
        "ladder": _ladder(work, labels),
        "ladder_faults": work.fault_map.get("ladder", ()),
        "names": [(name, model_words(name, labels)) for name in names],
        "more_rungs": any(name not in asked for name in names),
        "confidence_source": work.shown(
            "confidence.source", confidence.get("source", "context"), live.get("source", "context")
        ),
        "confidence_missing": work.shown(
            "confidence.missing", confidence.get("missing", 0.0), live.get("missing", 0.0)
        ),
        "sources": SOURCES,
        "pins": _pins(work),
        "approved": work.bounds["models"],
    }


def entry_rows(work: Work, part: str, key: str, fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the entries of a list, each with its fields beside those of the same name in live."""
    live = by_key(work.compared, part, key)
    rows = []
    for index, item in enumerate(listed(work.document, part)):
        was = live.get(item.get(key))
        shown = {
            name: work.shown(
                f"{part}.{index}.{name}", item.get(name), (was or {}).get(name), known=was is not None
            )
            for name in fields
        }
        rows.append({"index": index, "new": was is None, "title": item.get(key) or "", **shown})
    return rows


def _ladder(work: Work, labels: dict[str, str]) -> list[dict[str, Any]]:
    rows = entry_rows(work, "ladder", "model", ("model", "accept_from"))
    for row in rows:
        row["label"] = model_words(str(row["model"].value), labels)
        row["first"], row["last"] = row["index"] == 0, row["index"] == len(rows) - 1
        row["step"] = row["index"] + 1
    return rows


def _uses(work: Work, name: str) -> str:
    """Say when a model is asked."""
    order = [str(rung.get("model")) for rung in listed(work.document, "ladder")]
    starts = [r for r in listed(work.document, "rules") if mapped(r, "then").get("start") == name]
    if name in order:
        words = (
            "is asked first"
            if order[0] == name
            else f"is asked when {order[order.index(name) - 1]} is not sure"
        )
    else:
        words = "is not asked: it is not on the ladder"
    return words + (
        f"; {len(starts)} rule{'s start' if len(starts) > 1 else ' starts'} with it" if starts else ""
    )


def _points(document: Document, name: str) -> int:
    """Count the points of a model's calibration map; 0 where its confidence counts as reported."""
    reported = (map_of(document, name) or {}).get("reported")
    return len(reported) if isinstance(reported, list) else 0


def _pins(work: Work) -> list[dict[str, Any]]:
    pins, live = mapped(work.document, "pins"), mapped(work.compared, "pins")
    keys = dict.fromkeys([*PINS, *pins, *live])
    return [
        {
            "key": key,
            "label": PINS.get(key, key.replace("_", " ").capitalize()),
            "own": key not in PINS and key in pins,
            "field": work.shown(f"pins.{key}", pins.get(key), live.get(key)),
        }
        for key in keys
    ]
