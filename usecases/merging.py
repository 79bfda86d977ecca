"""Carry a draft over to a newer version: three-way merge of config documents. Pure."""

from typing import Any

KEYS = ("id", "name", "model")


def merge(base: Any, mine: Any, theirs: Any, path: str = "") -> tuple[Any, list[str]]:
    """Merge two changes of one document; where both changed the same place, mine stands.

    Returns the merged document and the paths where both had changed it differently.
    """
    if mine in (base, theirs):
        return theirs, []
    if theirs == base:
        return mine, []
    if all(isinstance(value, dict) for value in (base, mine, theirs)):
        return _merge_mappings(base, mine, theirs, path)
    key = _key_of(base, mine, theirs)
    return _merge_items(base, mine, theirs, path, key) if key else (mine, [path])


def _merge_mappings(base: Any, mine: Any, theirs: Any, path: str) -> tuple[dict[str, Any], list[str]]:
    merged: dict[str, Any] = {}
    conflicts: list[str] = []
    absent = object()
    for key in dict.fromkeys([*theirs, *mine]):
        place = f"{path}.{key}" if path else key
        value, clashes = merge(base.get(key, absent), mine.get(key, absent), theirs.get(key, absent), place)
        conflicts += clashes
        if value is not absent:
            merged[key] = value
    return merged, conflicts


def _merge_items(base: Any, mine: Any, theirs: Any, path: str, key: str) -> tuple[list[Any], list[str]]:
    """Merge lists of named things by name; the order is mine where I moved something, else theirs."""
    before, ours, others = ({item[key]: item for item in items} for items in (base, mine, theirs))
    merged, conflicts = _merge_mappings(before, ours, others, path)
    order = [item[key] for item in (mine if _moved(base, mine, key) else theirs)]
    rest = [name for name in merged if name not in order]
    return [merged[name] for name in [*order, *rest] if name in merged], conflicts


def _moved(base: list[Any], mine: list[Any], key: str) -> bool:
    before, after = ([item[key] for item in items] for items in (base, mine))
    kept = [name for name in after if name in before]
    return kept != [name for name in before if name in kept]


def _key_of(*lists: Any) -> str | None:
    """Return the key under which every item of every list has a name of its own, if there is one."""
    if not all(isinstance(items, list) and all(isinstance(item, dict) for item in items) for items in lists):
        return None
    for key in KEYS:
        names = [[item.get(key) for item in items] for items in lists]
        if all(all(isinstance(n, str) for n in some) and len(set(some)) == len(some) for some in names):
            return key
    return None
