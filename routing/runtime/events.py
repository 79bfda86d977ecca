"""Server-Sent Events, from bytes as they arrive to events. No I/O here."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

# An envelope holds two documents of at most 256 KiB; a line beyond this is no event of ours.
MAX_EVENT_BYTES = 4 * 1024 * 1024


class StreamBroken(Exception):
    """What arrives is no event stream that we could read."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name, its data, and the id to resume from."""

    name: str
    data: str
    last_id: str


class EventParser:
    """Fed with pieces of a stream cut anywhere, yields the events that are complete."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry_ms: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""
        self._name = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Yield each event that this piece completes. Raises StreamBroken when one grows too large."""
        text = self._rest + self._decoder.decode(piece)
        # A carriage return at the very end may be half of CR LF.
        held_back = "\r" if text.endswith("\r") else ""
        text = text[: len(text) - len(held_back)]
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = lines.pop() + held_back
        for line in lines:
            event = self._line(line)
            if event is not None:
                yield event
        if self._size + len(self._rest) > MAX_EVENT_BYTES:
            raise StreamBroken("an event of the stream is too large")

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._complete()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
            self._size += len(value)
        elif field == "event":
            self._name = value
        elif field == "id" and "\0" not in value:
            self.last_id = value
        elif field == "retry" and value.isascii() and value.isdigit():
            self.retry_ms = int(value[:9])
        return None

    def _complete(self) -> Event | None:
        name, data = self._name or "message", self._data
        self._name, self._data, self._size = "", [], 0
        return Event(name, "\n".join(data), self.last_id) if data or name != "message" else None
