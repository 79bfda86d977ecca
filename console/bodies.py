"""The limit on request bodies, held before Django reads them: it would spool any size to disk first."""

from typing import Any

from routing import problems
from routing.fanout import Send
from routing.stream import Receive, Scope

LIMIT = 8 * 1024 * 1024
TOO_LARGE = "A request body may be 8 MiB at most; send it in parts."
# A client that is still sending would miss the answer if the connection were cut, so the rest is read and thrown away.
THROWN_AWAY = 32 * 1024 * 1024


class TooLarge(Exception):
    """The body went over the limit."""


async def limited(
    application: Any,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    limit: int = LIMIT,
    words: str = TOO_LARGE,
) -> None:
    """Run an application on a request whose body may have `limit` bytes; answer 413 and `words` to a larger one."""
    read, started = 0, False

    async def counting() -> dict[str, Any]:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            raise TooLarge
        return message

    async def noting(message: dict[str, Any]) -> None:
        nonlocal started
        started = True
        await send(message)

    if _declared(scope) > limit:
        await _refuse(receive, send, words)
        return
    try:
        await application(scope, counting, noting)
    except TooLarge:
        if started:
            raise
        await _refuse(receive, send, words)


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _refuse(receive: Receive, send: Send, words: str) -> None:
    thrown = 0
    while thrown < THROWN_AWAY:
        message = await receive()
        thrown += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    body = problems.encoded(problems.document(413, words))
    headers = [
        (b"content-type", problems.CONTENT_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
