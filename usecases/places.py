"""Where a model is asked and in which region that is: addresses compared by their parts, never as text. Pure.

An allowed endpoint is an address prefix such as `https://eu.example.com/openai`, or a host, which stands for https on
its usual port. `https://eu.example.com.evil` and `https://eu.example.com@evil` are other hosts.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}
# What programs read in different ways: backslashes, spaces, control characters.
_STRANGE: Final = re.compile(r"[\\\s\x00-\x1f\x7f]")
_AMBIGUOUS: Final = re.compile(r"%(?:2e|2f|5c|25|[01][0-9a-f])|%(?![0-9a-f]{2})", re.IGNORECASE)
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.:\[\]_-]*[a-z0-9\]])?")


class Place(NamedTuple):
    """An address in its parts."""

    scheme: str
    host: str
    port: int
    path: tuple[str, ...]

    def within(self, other: "Place") -> bool:
        """Say whether this address lies at or below another."""
        return self[:3] == other[:3] and self.path[: len(other.path)] == other.path

    def __str__(self) -> str:
        port = "" if _PORTS[self.scheme] == self.port else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{port}{''.join(f'/{step}' for step in self.path)}"


def place(address: Any) -> Place | None:
    """Read an address or a bare host; None for what cannot be read in one way only."""
    if not isinstance(address, str) or not address or _STRANGE.search(address):
        return None
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        port = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").rstrip(".")
    readable = parts.scheme in _PORTS and _HOST.fullmatch(host) and host.isascii()
    if not readable or "@" in parts.netloc or parts.query or parts.fragment:
        return None
    steps = tuple(step for step in parts.path.split("/") if step)
    # Servers differ in what they decode, and when: an escaped slash or dot may be a way out of the allowed path.
    if any(_AMBIGUOUS.search(step) or step.split(";")[0] in (".", "..") for step in steps):
        return None
    return Place(parts.scheme, host, port or _PORTS[parts.scheme], steps)


def allowed(address: Any, endpoints: Iterable[str]) -> bool:
    """Say whether an address lies at or below one of the allowed endpoints; what cannot be read does not."""
    asked = place(address)
    found = (place(endpoint) for endpoint in endpoints)
    return asked is not None and any(asked.within(one) for one in found if one is not None)


def common(one: Iterable[str], other: Iterable[str]) -> list[str]:
    """Return the endpoints that lie in both lists: of two where one contains the other, the narrower."""
    mine, theirs = ([p for p in map(place, names) if p is not None] for names in (one, other))
    meets = [a if a.within(b) else b for a in mine for b in theirs if a.within(b) or b.within(a)]
    return list(dict.fromkeys(str(meet) for meet in meets))


def region(model: Mapping[str, Any], regions: Mapping[str, str]) -> str:
    """Return the region in which a model is asked; empty where it is not known.

    A model with an address of its own is where that host is: the same model is offered in many places.
    """
    address = model.get("api_base")
    if address:
        found = place(address)
        hosts = {key.lower(): value for key, value in regions.items()}
        return hosts.get(found.host, "") if found else ""
    name = model.get("litellm")
    return regions.get(name, "") if isinstance(name, str) else ""


def faults(given: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield path and words of everything wrong with `endpoints`, `regions` and `model_regions`."""
    for key in ("endpoints", "regions"):
        names = given.get(key, [])
        if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names):
            yield key, "has to be a list of texts."
        elif len(names) > 100:
            yield key, "has to be a list of at most 100."
        elif key == "endpoints":
            for index, name in enumerate(names):
                if place(name) is None:
                    yield (
                        f"endpoints[{index}]",
                        "has to be an address such as “https://eu.example.com/openai”.",
                    )
    known = given.get("model_regions", {})
    if not isinstance(known, Mapping) or not all(
        isinstance(part, str) and part.strip() for pair in known.items() for part in pair
    ):
        yield "model_regions", "has to map models or hosts to regions, such as “eu.example.com: eu”."
