"""What one check of a change says. Pure."""

from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Gate:
    """One check. `status`: open (passes), lane (needs an approval), shut (refused for everyone).

    `kind` tells apart what is judged of one path: empty for lane, limit and approved models, else step, endpoint,
    region.
    """

    path: str
    status: str
    message: str
    kind: str = ""

    @property
    def passes(self) -> bool:
        return self.status == "open"


def entries(document: Document, part: str) -> list[dict[str, Any]]:
    """Return the readable entries of a list: drafts are judged while they still have faults."""
    items = document.get(part)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
