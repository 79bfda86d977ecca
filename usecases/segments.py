"""An impact by segment: which attributes decisions have, and the counts for each value of one of them.

Read from the shared histories like a what-if; nothing is written. NumPy comes with the first question.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from usecases import permissions, windows
from usecases.models import UseCase
from usecases.publishing import latest
from usecases.what_if import strict


def by_attribute(
    *, use_case: UseCase, document: Mapping[str, Any], by: Any, window: Any = None, attribute: str = ""
) -> tuple[list[str], str, list[dict[str, Any]]]:
    """Return all attributes, the one asked for (the first where there is none of that name), and its segments.

    Those that rules read come first. `document` is one without faults. Raises `Http404`, `Loading`.
    """
    permissions.check(by, "view", use_case)
    from routing.replay.segments import segments

    standing = latest(use_case)
    past = windows.read(use_case.slug, window)
    names = _ordered(past.columns.attributes, document, standing.document)
    if not names or not len(past.columns):
        return names, "", []
    chosen = attribute if attribute in names else names[0]
    found = segments(past.columns, document, chosen, live=standing.document, baseline=standing.baseline)
    counted: list[dict[str, Any]] = strict(found)
    return names, chosen, counted


def _ordered(known: Mapping[str, Any], *documents: Mapping[str, Any]) -> list[str]:
    """Return the attributes that decisions have: first those that rules of these documents read."""
    read = [
        name
        for document in documents
        for rule in document.get("rules") or ()
        for name in _read(rule.get("when"))
        if name in known
    ]
    return list(dict.fromkeys([*read, *sorted(known)]))


def _read(when: Any) -> Iterator[str]:
    """Yield the attributes that a condition reads, in its order."""
    if isinstance(when, Mapping):
        if isinstance(when.get("attribute"), str):
            yield when["attribute"]
        for part in when.values():
            yield from _read(part)
    elif isinstance(when, list):
        for part in when:
            yield from _read(part)
