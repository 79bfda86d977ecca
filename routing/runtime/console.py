"""The console as an assistant meets it: its HTTP contracts, each call one method.

Every authenticated answer renews the lease. Nothing here retries; callers do, each in its own rhythm.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from routing.runtime.lease import Contact

# Pings come every 10 s: a stream silent for this long is cut or half open.
STREAM_SILENCE_S = 25.0
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class ConsoleAway(Exception):
    """The console could not be reached, or answered with an error worth trying again."""


class ConsoleRefused(ConsoleAway):
    """The console has read what was sent and will not take it; sending it again changes nothing."""


# Everything else may pass: a wrong token is mended, a proxy comes back, a limit runs out.
REFUSALS = frozenset({400, 403, 409, 413, 415, 422})


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a batch was received: status, the console's words, and which records it would not take."""

    status: int
    words: str = ""
    refused: Mapping[int, str] = field(default_factory=dict)


class Console:
    """HTTP client of one console for one instance."""

    def __init__(self, address: str, token: str, instance: str, contact: Contact) -> None:
        self.instance = instance
        self._contact = contact
        self._client = httpx.AsyncClient(
            base_url=address,
            headers={"Authorization": f"Bearer {token}", "User-Agent": "operator-console-assistant/1"},
            timeout=httpx.Timeout(5.0),
            # A proxy meant for the outside must not stand between two processes of one machine.
            trust_env=urlsplit(address).hostname not in _LOOPBACK,
        )

    async def signing_keys(self) -> object:
        """Return the console's public keys as it shows them."""
        response = await self._request("GET", "/api/v1/signing-keys")
        return _parsed(_good(response))

    async def config(self, use_case: str, version: int, digest: str) -> object | None:
        """Return the current envelope; None where the held version and digest are current."""
        response = await self._request(
            "GET",
            f"/api/v1/use-cases/{quote(use_case, safe='')}/config",
            params={"instance": self.instance, "version": version},
            headers={"If-None-Match": f'"{digest}"'},
        )
        if response.status_code == 304:
            self._contact.renew()
            return None
        body = _parsed(_good(response))
        self._contact.renew()
        return body

    async def acknowledge(self, acks: Sequence[dict[str, Any]]) -> None:
        """Tell what became of envelopes."""
        _good(await self._request("POST", "/api/v1/acks", json=list(acks)))

    async def heartbeat(self, body: dict[str, Any], timeout_s: float = 5.0) -> dict[str, Any]:
        """Tell what is held and enforced; returns the console's answer."""
        response = await self._request("POST", "/api/v1/heartbeats", json=body, timeout=timeout_s)
        answer = _parsed(_good(response))
        self._contact.renew()
        return answer if isinstance(answer, dict) else {}

    async def deliver(self, batch: bytes, timeout_s: float = 15.0) -> Delivery:
        """Send decision records (a JSON list); any status below 500 comes back as it is."""
        response = await self._request(
            "POST",
            "/api/v1/decisions",
            content=batch,
            headers={"Content-Type": "application/json"},
            timeout=timeout_s,
        )
        if response.status_code >= 500:
            raise ConsoleAway(f"the console answered {response.status_code}")
        if response.is_success:
            return Delivery(response.status_code, refused=_refused(response))
        return Delivery(response.status_code, response.text[:500])

    @asynccontextmanager
    async def stream(
        self, use_cases: Sequence[str], last_event_id: str
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the config stream; yields its bytes as they come. Raises ConsoleAway."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        params: list[tuple[str, str | int | float | bool | None]] = [
            ("instance", self.instance),
            *(("use_case", slug) for slug in use_cases),
        ]
        timeout = httpx.Timeout(5.0, read=STREAM_SILENCE_S)
        try:
            async with self._client.stream(
                "GET", "/api/v1/stream", params=params, headers=headers, timeout=timeout
            ) as response:
                kind = response.headers.get("content-type", "")
                if response.status_code != 200 or not kind.startswith("text/event-stream"):
                    raise ConsoleAway(f"the stream was answered with {response.status_code} {kind}")
                yield response.aiter_bytes()
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise ConsoleAway(str(error) or type(error).__name__) from error

    def heard(self) -> None:
        """Note an event of the stream as contact."""
        self._contact.renew()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            try:
                return await self._client.request(method, path, **options)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                # Most likely a kept connection that the console closed just as it was used again.
                # All that assistants send may arrive twice, so it is sent again on a fresh one.
                return await self._client.request(method, path, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ConsoleAway(str(error) or type(error).__name__) from error


def _good(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    kind = ConsoleRefused if response.status_code in REFUSALS else ConsoleAway
    raise kind(f"the console answered {response.status_code}: {response.text[:200]}")


def _refused(response: httpx.Response) -> dict[int, str]:
    """Return the places in a taken batch of the records that were not taken, with the reason of each."""
    try:
        answer = _parsed(response)
    except ConsoleAway:
        return {}
    listed = answer.get("refused") if isinstance(answer, dict) else None
    refusals = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return {
        item["index"]: json.dumps(item.get("errors"))[:500]
        for item in refusals
        if isinstance(item.get("index"), int)
    }


def _parsed(response: httpx.Response) -> object:
    try:
        parsed: object = json.loads(response.content)
    except (ValueError, RecursionError) as error:
        raise ConsoleAway("the console's answer is not JSON") from error
    return parsed
