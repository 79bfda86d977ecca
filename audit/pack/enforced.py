"""Which document a version has assistants enforce, told a second time: the verifier takes nothing of the product's.

A test holds this against `routing.engine.states`, as `audit.leaves` is held against what the database spells.
"""

import copy
from hashlib import sha256
from typing import Any

from audit.canonical import canonical
from audit.pack.faults import Wrong

Document = dict[str, Any]


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hex."""
    return sha256(canonical(value)).hexdigest()


def enforced(document: Document, baseline: Document, state: str, message: str) -> Document:
    """Return what assistants enforce in a state. Raises Wrong for a state that there is not."""
    if state == "live":
        return document
    if state == "review_all":
        return _reviewed(copy.deepcopy(document))
    if state == "baseline":
        return _saying(copy.deepcopy(baseline), message)
    raise Wrong(f"there is no state {state!r}")


def _reviewed(document: Document) -> Document:
    """Have a person review every answer, and hold nothing out."""
    named = [band.get("queue") for band in document["bands"] if band["action"] == "review"]
    named += [queue["name"] for queue in document.get("queues", [])]
    queue = next(filter(None, named), None)
    for part in _parts(document):
        if part.get("action") == "answer":
            part["action"], part["queue"] = "review", part.get("queue") or queue
    if document.get("thresholds", {}).get("holdout_share"):
        document["thresholds"]["holdout_share"] = 0.0
    return document


def _saying(baseline: Document, message: str) -> Document:
    """Have customers read the message, whatever the action."""
    if message:
        texts = baseline.get("messages", {})
        said = {key for key, text in texts.items() if text is not None}
        said |= {"escalate"} | {part["action"] for part in _parts(baseline) if part.get("action")}
        baseline["messages"] = texts | dict.fromkeys(said, message)
    return baseline


def _parts(document: Document) -> list[Document]:
    return [*document["bands"], *(rule["then"] for rule in document.get("rules", []))]
