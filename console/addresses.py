"""Where a request comes from: the caller's own network address, behind proxies that this installation trusts."""

from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac


def of(request: HttpRequest) -> str | None:
    """Return the caller's address; None where there is no network, as in commands.

    `X-Forwarded-For` is read from its end, for as long as trusted proxies speak: what stands further left was written
    by the caller, who could name another address for each guess.
    """
    found = _read(request.META.get("REMOTE_ADDR"))
    forwarded = request.headers.get("X-Forwarded-For", "").split(",") if settings.TRUSTED_PROXIES else []
    while found and forwarded and _trusted(found):
        told = _read(forwarded.pop())
        if told is None:
            break
        found = told
    return found


def place(address: str) -> str:
    """Return a digest that names an address to this installation alone. Of IPv6, what one household has: a /64."""
    read = ip_address(address)
    whole = str(ip_network((address, 64), strict=False)) if read.version == 6 else str(read)
    return salted_hmac("console.addresses", whole, algorithm="sha256").hexdigest()


def _read(text: str | None) -> str | None:
    try:
        read = ip_address((text or "").strip())
    except ValueError:
        return None
    mapped = getattr(read, "ipv4_mapped", None)
    return str(mapped or read)


def _trusted(address: str) -> bool:
    read = ip_address(address)
    return any(read in ip_network(one, strict=False) for one in settings.TRUSTED_PROXIES)
