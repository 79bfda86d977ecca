"""Reading Server-Sent Events however the network cuts them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.runtime.events import MAX_EVENT_BYTES, Event, EventParser, StreamBroken

STREAM = (
    b': hello\n\nretry: 1500\n\nevent: config\nid: 7\ndata: {"a":\ndata: 1}\n\n'
    b"event: ping\r\ndata:\r\n\r\ndata: \xe2\x9c\x93 done\rid: 8\r\r\nevent: ping\n\nid: 9\n\ndata: cut"
)
EVENTS = [
    Event("config", '{"a":\n1}', "7"),
    Event("ping", "", "7"),
    Event("message", "✓ done", "8"),
    Event("ping", "", "8"),
]


def test_events_are_read_whole() -> None:
    parser = EventParser()
    assert list(parser.feed(STREAM)) == EVENTS
    assert (parser.last_id, parser.retry_ms) == ("9", 1500)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_where_the_stream_is_cut_into_pieces_makes_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    parser = EventParser()
    pieces = (STREAM[a:b] for a, b in itertools.pairwise(edges))
    assert [event for piece in pieces for event in parser.feed(piece)] == EVENTS


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(rubbish: bytes) -> None:
    list(EventParser().feed(rubbish))


def test_an_event_without_an_end_is_given_up() -> None:
    parser = EventParser()
    lines = (b"data: " + b"x" * 2**20 + b"\n") * (MAX_EVENT_BYTES // 2**20 + 1)
    with pytest.raises(StreamBroken):
        list(parser.feed(lines))


def test_it_resumes_from_where_it_was() -> None:
    assert EventParser("41").last_id == "41"
