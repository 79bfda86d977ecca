"""How the parts of an event are called where people read of them."""

from collections.abc import Collection

FIELDS = {"actor": "the person", "new": "the new value", "old": "the old value"}


def of_fields(names: Collection[str]) -> str:
    """Name fields in a sentence: “the person, the reason and the new value”."""
    words = [FIELDS.get(name, f"the {name}") for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
