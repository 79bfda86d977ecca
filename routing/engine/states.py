"""The steps of the kill switch: which document is enforced in each of them."""

import copy
from collections.abc import Mapping
from typing import Any, Literal, get_args

State = Literal["live", "review_all", "baseline"]
STATES: tuple[str, ...] = get_args(State)


def effective(
    document: Mapping[str, Any], baseline: Mapping[str, Any], state: str, message: str = ""
) -> dict[str, Any]:
    """Return the document that is enforced, itself a document; its digest is what assistants report.

    1. `live`: the document as it is.
    2. `review_all`: nothing is answered without a person. Every `answer` becomes `review`, and no request is held
       out, since the baseline may answer by itself.
    3. `baseline`: the baseline. With a message, customers read it whatever the action.
    Raises `ValueError` for any other state.
    """
    if state == "live":
        return copy.deepcopy(dict(document))
    if state == "review_all":
        return _reviewed(document)
    if state == "baseline":
        return _saying(baseline, message)
    raise ValueError(f"no such state: {state!r}")


def _reviewed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Turn every `answer` into `review`; a queue that is already named stays."""
    reviewed = copy.deepcopy(dict(document))
    queue = _review_queue(reviewed)
    rules = reviewed.get("rules", [])
    for part in [*reviewed["bands"], *(rule["then"] for rule in rules)]:
        if part.get("action") == "answer":
            part["action"] = "review"
            part["queue"] = part.get("queue") or queue
    if reviewed.get("thresholds", {}).get("holdout_share"):
        reviewed["thresholds"]["holdout_share"] = 0.0
    return reviewed


def _review_queue(document: Mapping[str, Any]) -> str | None:
    """Return the first review band's queue, else the document's first queue, else None."""
    bands = (band.get("queue") for band in document["bands"] if band["action"] == "review")
    queues = (queue["name"] for queue in document.get("queues", []))
    return next((name for name in [*bands, *queues] if name), None)


def _saying(baseline: Mapping[str, Any], message: str) -> dict[str, Any]:
    """Put the message in place of every text, and where what this baseline can do has none yet."""
    said = copy.deepcopy(dict(baseline))
    if message:
        texts = said.get("messages", {})
        present = [key for key, text in texts.items() if text is not None]
        said["messages"] = texts | dict.fromkeys([*present, *_actions(said)], message)
    return said


def _actions(document: Mapping[str, Any]) -> list[str]:
    """Name the actions that a document can take; a threshold may escalate whatever bands and rules say."""
    parts = [*document["bands"], *(rule["then"] for rule in document.get("rules", []))]
    return sorted({"escalate"} | {part["action"] for part in parts if part.get("action")})
