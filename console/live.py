"""`GET /live?use_case=SLUG|all`: tells open pages that something changed, so that they fetch that part anew.

Events carry no content: `changed` names the use case and its version, `ready` (first after each connect) names what
is current, so that a page rendered a moment too early finds out. Session and rights are looked up once, when the
stream opens; every stream ends after some minutes and is opened anew, so a right that was taken ends there too. When
a session ends, or its person is switched off, `dismiss` closes its streams at once.
"""

import asyncio
import json
import random
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qs

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connection

from console import second_factor
from console.sessions import digest
from routing.fanout import END, Message, Send, abort, sent_at_once
from routing.stream import FIRST, Receive, Refusal, Scope, refuse
from usecases import permissions

PATH = "/live"
EVERY = "all"
PING_SECONDS = 15.0
QUIET_SECONDS = 0.25  # a use case is named at most four times a second, however many assistants report
LIFETIME_SECONDS = (240.0, 360.0)
RETRY_MS = (500, 2000)
PING: Message = {"type": "http.response.body", "body": b": ping\n\n", "more_body": True}


class Watcher:
    """One open page. `everything`: it lists all use cases, so a new one concerns it too.

    `names`: what a notification that ends it may say, of its person and of its session.
    """

    __slots__ = ("everything", "names", "send", "use_cases")

    def __init__(
        self, *, use_cases: frozenset[str], everything: bool, send: Send, names: frozenset[str]
    ) -> None:
        self.use_cases = use_cases
        self.everything = everything
        self.send = send
        self.names = names


class Live:
    """The ASGI app, and what tells its watchers. `versions` maps each published use case to its version now."""

    def __init__(self, versions: Callable[[], Mapping[str, int]]) -> None:
        self._versions = versions
        self._watchers: set[Watcher] = set()
        self._told_at: dict[str, float] = {}
        self._due: dict[str, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._watchers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            watcher = await self._admit(scope, send)
        except Refusal as refusal:
            await refuse(send, refusal)
            return
        await send(FIRST)
        self._open(watcher)
        try:
            async with asyncio.timeout(random.uniform(*LIFETIME_SECONDS)):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            await send(END)
        finally:
            self._watchers.discard(watcher)

    async def _admit(self, scope: Scope, send: Send) -> Watcher:
        if scope["method"] != "GET":
            raise Refusal(405, "Live events are read with GET.")
        asked = parse_qs(scope["query_string"].decode("latin-1"), errors="replace").get("use_case", [EVERY])[
            0
        ]
        try:
            found = await sync_to_async(_visible, thread_sensitive=False)(scope)
        except (OperationalError, InterfaceError) as error:
            raise Refusal(503, "The database does not answer; try again shortly.") from error
        if found is None:
            raise Refusal(401, "Sign in first.")
        slugs, names = found
        if asked == EVERY:
            return Watcher(use_cases=slugs, everything=True, send=send, names=names)
        if asked not in slugs:
            raise Refusal(404, f"There is no use case “{asked}”.")
        return Watcher(use_cases=frozenset([asked]), everything=False, send=send, names=names)

    def _open(self, watcher: Watcher) -> None:
        versions = {slug: number for slug, number in self._versions().items() if slug in watcher.use_cases}
        first = f"retry: {random.randint(*RETRY_MS)}\nevent: ready\ndata: {json.dumps({'versions': versions})}\n\n"
        self._watchers.add(watcher)
        self._push(watcher, {"type": "http.response.body", "body": first.encode(), "more_body": True})

    def changed(self, use_cases: Iterable[str]) -> None:
        """Tell the watchers of these use cases, at once if they have been quiet, else a moment later."""
        loop = asyncio.get_running_loop()
        for slug in set(use_cases) - self._due.keys():
            wait = self._told_at.get(slug, 0.0) + QUIET_SECONDS - loop.time()
            if wait <= 0:
                self._tell(slug)
            else:
                self._due[slug] = loop.call_later(wait, self._tell, slug)

    def created(self) -> None:
        """Have the pages that list everything open their streams anew: they may see one more use case now."""
        for watcher in [watcher for watcher in self._watchers if watcher.everything]:
            self._watchers.discard(watcher)
            sent_at_once(watcher.send(END))

    def dismiss(self, names: Iterable[str]) -> None:
        """End the streams of sessions that have ended, and of people who were switched off."""
        gone = set(names)
        for watcher in [watcher for watcher in self._watchers if watcher.names & gone]:
            self._watchers.discard(watcher)
            sent_at_once(watcher.send(END))

    def _tell(self, slug: str) -> None:
        self._due.pop(slug, None)
        self._told_at[slug] = asyncio.get_running_loop().time()
        data = json.dumps({"use_case": slug, "version": self._versions().get(slug, 0)})
        message = {
            "type": "http.response.body",
            "body": f"event: changed\ndata: {data}\n\n".encode(),
            "more_body": True,
        }
        for watcher in [watcher for watcher in self._watchers if slug in watcher.use_cases]:
            self._push(watcher, message)

    def _push(self, watcher: Watcher, message: Message) -> None:
        """Send without waiting; a page that does not read is forgotten, its browser comes back by itself."""
        if not sent_at_once(watcher.send(message)):
            self._watchers.discard(watcher)
            abort(watcher.send)

    def close(self) -> None:
        """End all streams."""
        for watcher in list(self._watchers):
            self._watchers.discard(watcher)
            sent_at_once(watcher.send(END))

    async def keep_alive(self) -> None:
        """Keep proxies from taking a quiet stream for a dead one."""
        while True:
            await asyncio.sleep(PING_SECONDS)
            for watcher in list(self._watchers):
                self._push(watcher, PING)


def _visible(scope: Scope) -> tuple[frozenset[str], frozenset[str]] | None:
    """Return the use cases that the session's person may see, and the session's names; None for nobody signed in."""
    try:
        request = second_factor.admitted(scope)
        if request is None:
            return None
        slugs = frozenset(permissions.visible(request.user).values_list("slug", flat=True))
        names = [f"person:{request.user.pk}", f"session:{digest(str(request.session.session_key))}"]
        return slugs, frozenset(names)
    finally:
        connection.close()
