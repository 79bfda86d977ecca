"""Random shares that anyone can recompute: decided by a hash of the request's id, never by its content."""

import struct
from hashlib import sha256

_WHOLE = 2**64
# The first eight bytes of a digest, the highest first.
_FIRST = struct.Struct(">Q24x").unpack


def share(request_id: str, salt: str) -> float:
    """Return the request's place in [0, 1) for one purpose; different salts give independent places.

    Lone surrogates are passed through, so that no id is refused here.
    """
    digest = sha256(f"{salt}:{request_id}".encode("utf-8", "surrogatepass")).digest()
    place: int = _FIRST(digest)[0]
    return place / _WHOLE
