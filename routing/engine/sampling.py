"""Random shares that anyone can recompute: decided by a hash of the request's id, never by its content."""

import hashlib

_WHOLE = 2**64


def share(request_id: str, salt: str) -> float:
    """Return the request's place in [0, 1) for one purpose; different salts give independent places.

    Lone surrogates are passed through, so that no id is refused here.
    """
    place = hashlib.sha256(f"{salt}:{request_id}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(place[:8], "big") / _WHOLE
