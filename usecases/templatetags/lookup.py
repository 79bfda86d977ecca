"""Look things up by a key that is itself a variable; templates know no such thing."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def at(mapping: Any, key: str) -> Any:
    """Return what stands under a key; nothing where there is none."""
    return mapping.get(key, ()) if isinstance(mapping, Mapping) else ()
