"""What is different between two documents, entry by entry: matched by name, so that moving a rule is one difference."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from routing.engine.schema import ConfigDocument

# Lists whose entries are matched by this key; for `True` their order matters too.
_MATCHED = {
    "bands": ("name", False),
    "rules": ("id", True),
    "ladder": ("model", True),
    "models": ("name", False),
    "queues": ("name", False),
}
_ORDER = (
    *("bands", "thresholds", "rules", "ladder", "models", "queues"),
    *("messages", "pins", "confidence", "lease"),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `path` is like `bands.answer.from`; old or new is None where there was or is nothing.

    A whole entry that came or went has its own path (`bands.answer`), a changed order that of its list (`rules`, with
    the ids in order).
    """

    path: str
    old: Any
    new: Any


def changes(old: Any, new: Any) -> list[Difference]:
    """Return every difference, in the order in which a page shows the parts.

    A setting that is spelled out and one that is left at its default are the same. Takes drafts with faults too; then
    settings are compared as they are written.
    """
    before, after = _settled(old), _settled(new)
    if before is None or after is None:
        before, after = _group(old), _group(new)
    parts = dict.fromkeys([*_ORDER, *sorted({*before, *after} - set(_ORDER))])
    return [found for part in parts for found in _part(part, before.get(part), after.get(part))]


def _settled(document: Any) -> dict[str, Any] | None:
    """Return the document with every default written out, None where it cannot be read."""
    try:
        return ConfigDocument.model_validate(document).model_dump(by_alias=True)
    except (ValidationError, RecursionError):
        return None


def _group(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _part(part: str, old: Any, new: Any) -> Iterator[Difference]:
    if part in _MATCHED and _matchable(part, old) and _matchable(part, new):
        yield from _list(part, old or [], new or [])
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _fields(part, old, new)
    elif not _same(old, new):
        yield Difference(part, old, new)


def _matchable(part: str, entries: Any) -> bool:
    """Tell whether entries can be told apart by name."""
    if entries is None:
        return True
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        return False
    names = [entry.get(_MATCHED[part][0]) for entry in entries]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _list(part: str, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Iterator[Difference]:
    key, ordered = _MATCHED[part]
    before = {entry[key]: entry for entry in old}
    after = {entry[key]: entry for entry in new}
    for name in [*before, *(name for name in after if name not in before)]:
        path = f"{part}.{name}"
        if name in before and name in after:
            yield from _fields(path, _flat(part, before[name]), _flat(part, after[name]), skip=key)
        else:
            yield Difference(path, before.get(name), after.get(name))
    stayed = [name for name in before if name in after]
    if ordered and stayed != [name for name in after if name in before]:
        yield Difference(part, list(before), list(after))


def _flat(part: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Lift what a rule sets to the rule, as the knobs' paths do."""
    if part != "rules" or not isinstance(entry.get("then"), Mapping):
        return entry
    return {**{key: value for key, value in entry.items() if key != "then"}, **entry["then"]}


def _fields(
    path: str, old: Mapping[str, Any], new: Mapping[str, Any], skip: str = ""
) -> Iterator[Difference]:
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if key != skip and not _same(before, after):
            yield Difference(f"{path}.{key}", before, after)


def _same(old: Any, new: Any) -> bool:
    """Compare as JSON does: 1 and 1.0 are one number, true is none."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return bool(old == new)
