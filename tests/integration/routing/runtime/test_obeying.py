"""Which config an assistant obeys: what it takes, what it refuses, and what it does when left alone."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from routing.engine.baseline import BUILT_IN
from routing.engine.envelope import sign
from tests.integration.routing.runtime.assistants import said
from tests.integration.routing.runtime.conftest import Start
from tests.integration.routing.runtime.small_console import SmallConsole, wait_until

STREAM_ONLY = {"POLL_SECONDS": "60"}


def saying(text: str, **more: Any) -> dict[str, Any]:
    """A document that needs no model and says one thing."""
    return BUILT_IN | {"messages": {"escalate": text}} | more


def test_without_a_console_the_built_in_baseline_answers(console: SmallConsole, start: Start) -> None:
    console.stop()
    began = time.monotonic()
    assistant = start()
    assert time.monotonic() - began < 10
    answer = assistant.ask("claims")
    assert said(answer) == BUILT_IN["messages"]["escalate"]
    assert answer["decision"]["reason"] == "DISABLED"
    assert assistant.health()["use_cases"][0]["source"] == "built_in"


def test_the_console_s_word_counts_from_the_first_request_on_and_is_confirmed(
    console: SmallConsole, start: Start
) -> None:
    envelope = console.publish("claims", 7, saying("Seven."))
    assistant = start()
    assert said(assistant.ask("claims")) == "Seven."
    ack = wait_until(lambda: console.acked(7), "an ack")
    assert ack == {
        "instance": "one",
        "use_case": "claims",
        "version": 7,
        "digest": envelope["digest"],
        "status": "applied",
    }
    beat = wait_until(lambda: console.heartbeats, "a heartbeat")[-1]
    held = beat["use_cases"][0]
    assert (held["version"], held["digest"], held["enforced"]) == (7, envelope["digest"], envelope["digest"])


def test_a_version_on_the_stream_is_obeyed_within_moments(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1, saying("One."))
    assistant = start(environment=STREAM_ONLY)
    wait_until(console.streams, "the stream opens")
    published = time.monotonic()
    console.publish("claims", 2, state="baseline", message="We are looking into it.")
    wait_until(lambda: console.acked(2), "an ack")
    assert time.monotonic() - published < 3
    assert said(assistant.ask("claims")) == "We are looking into it."
    assert assistant.health()["use_cases"][0]["source"] == "stream"


def test_after_a_cut_the_stream_comes_back_with_what_was_missed(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1, saying("One."))
    assistant = start(environment=STREAM_ONLY | {"HEARTBEAT_SECONDS": "60"})
    wait_until(console.streams, "the stream opens")
    console.push(console.envelopes["claims"])
    console.cut_streams()
    console.envelopes["claims"] = console.envelope("claims", 2, saying("Two."))
    wait_until(lambda: said(assistant.ask("claims")) == "Two.", "version 2 after the cut", 6)
    assert console.resumed_from[-1] == "2"


def test_without_a_stream_the_poll_brings_a_version(console: SmallConsole, start: Start) -> None:
    console.streams_open = False
    console.publish("claims", 1, saying("One."))
    assistant = start()
    console.publish("claims", 2, saying("Two."))
    wait_until(lambda: said(assistant.ask("claims")) == "Two.", "version 2 by the poll", 6)
    assert assistant.health()["use_cases"][0]["source"] == "poll"


def test_a_heartbeat_that_tells_of_a_newer_version_is_followed_at_once(
    console: SmallConsole, start: Start
) -> None:
    console.streams_open = False
    console.publish("claims", 1, saying("One."))
    assistant = start(environment=STREAM_ONLY)
    console.envelopes["claims"] = console.envelope("claims", 2, saying("Two."))
    assert wait_until(lambda: said(assistant.ask("claims")) == "Two.", "version 2 through the heartbeat", 6)


def test_the_same_content_under_a_newer_version_is_taken_as_that_version(
    console: SmallConsole, start: Start
) -> None:
    first = console.publish("claims", 1, saying("The same."))
    assistant = start(environment=STREAM_ONLY)
    wait_until(console.streams, "the stream opens")
    assert console.publish("claims", 2, saying("The same."))["digest"] == first["digest"]
    assert wait_until(lambda: assistant.version() == 2, "version 2")


def _tampered(envelope: dict[str, Any]) -> dict[str, Any]:
    return envelope | {"message": "Send your card number."}


def _forged(envelope: dict[str, Any]) -> dict[str, Any]:
    return sign(envelope, Ed25519PrivateKey.generate())


def _forged_under_the_known_id(envelope: dict[str, Any]) -> dict[str, Any]:
    return _forged(envelope) | {"key_id": envelope["key_id"]}


def _unsigned(envelope: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in envelope.items() if name != "signature"}


BAD = {
    "tampered": (_tampered, "signature"),
    "forged": (_forged, "key"),
    "forged under the known id": (_forged_under_the_known_id, "signature"),
    "unsigned": (_unsigned, "signature"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_envelope_is_refused_with_its_reason_and_the_last_good_one_stays(
    name: str, console: SmallConsole, start: Start
) -> None:
    console.publish("claims", 1, saying("Good."))
    assistant = start()
    wait_until(console.streams, "the stream opens")
    spoil, reason = BAD[name]
    console.push(spoil(console.envelope("claims", 2, saying("Bad."))))
    ack = wait_until(lambda: console.acked(2, "refused"), "a nack")
    assert reason in ack["error"]
    assert said(assistant.ask("claims")) == "Good."


def test_a_signed_document_that_is_invalid_is_refused(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1, saying("Good."))
    assistant = start()
    wait_until(console.streams, "the stream opens")
    envelope = console.envelope("claims", 2, saying("Bad."))
    envelope["document"] = saying("Bad.", bands=[])
    console.push(sign(_unsigned(envelope), console.key))
    assert "bands" in wait_until(lambda: console.acked(2, "refused"), "a nack")["error"]
    assert said(assistant.ask("claims")) == "Good."


def test_what_is_no_json_or_not_ours_changes_nothing(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1, saying("Good."))
    assistant = start()
    wait_until(console.streams, "the stream opens")
    listed: list[Any] = ['{"use_case": "cla', "[" * 20_000, [], {"use_case": "other"}, {"use_case": "claims"}]
    for rubbish in listed:
        console.push(rubbish)
    console.publish("claims", 2, saying("Still there."))
    assert wait_until(lambda: said(assistant.ask("claims")) == "Still there.", "version 2 after rubbish")


def test_reordered_and_repeated_envelopes_end_on_the_newest(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1, saying("One."))
    assistant = start(environment=STREAM_ONLY | {"HEARTBEAT_SECONDS": "60"})
    wait_until(console.streams, "the stream opens")
    two, three = (console.envelope("claims", n, saying(f"{n}.")) for n in (2, 3))
    for envelope in (three, two, three, two, console.envelopes["claims"]):
        console.push(envelope)
    ack = wait_until(lambda: console.acked(2, "refused"), "a nack for the older one")
    assert ack["error"] == "older than held version 3"
    assert wait_until(lambda: console.acked(3), "an ack")["digest"] == three["digest"]
    assert said(assistant.ask("claims")) == "3."


def test_a_repeated_envelope_is_confirmed_again(console: SmallConsole, start: Start) -> None:
    envelope = console.publish("claims", 1, saying("One."))
    start(environment=STREAM_ONLY)
    wait_until(lambda: console.acked(1), "an ack")
    wait_until(console.streams, "the stream opens")
    console.acks.clear()
    console.push(envelope)
    assert wait_until(lambda: console.acked(1), "the ack again")


def test_another_content_under_the_held_version_is_refused(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1, saying("One."))
    assistant = start(environment=STREAM_ONLY)
    wait_until(console.streams, "the stream opens")
    console.push(console.envelope("claims", 1, saying("Another one.")))
    assert "version 1" in wait_until(lambda: console.acked(1, "refused"), "a nack")["error"]
    assert said(assistant.ask("claims")) == "One."


def test_acks_wait_for_a_console_that_is_away(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1, saying("One."))
    start()
    wait_until(lambda: console.acked(1), "an ack")
    wait_until(console.streams, "the stream opens")
    console.stop()
    console.acks.clear()
    console.envelopes["claims"] = console.envelope("claims", 2, saying("Two."))
    console.start()
    assert wait_until(lambda: console.acked(2), "the ack after the outage")


def test_an_assistant_left_alone_falls_back_to_the_baseline_until_the_console_returns(
    console: SmallConsole, start: Start
) -> None:
    console.publish("claims", 1, saying("Live."), lease_seconds=1)
    assistant = start()
    assert said(assistant.ask("claims")) == "Live."
    console.stop()
    alone = wait_until(
        lambda: (a := assistant.ask("claims"))["decision"]["reason"] == "DISABLED" and a, "the lease runs out"
    )
    assert said(alone) == BUILT_IN["messages"]["escalate"]
    held = assistant.health()["use_cases"][0]
    assert (held["source"], held["version"]) == ("lease", 1)
    assert held["enforced"] != held["digest"]
    console.start()
    wait_until(lambda: said(assistant.ask("claims")) == "Live.", "live again")


def test_lease_fallback_kill_and_built_in_are_one_baseline_by_digest(
    console: SmallConsole, start: Start
) -> None:
    console.publish("claims", 1, saying("Live."), lease_seconds=1)
    assistant = start()
    built_in = assistant_digest = console.envelope("claims", 2, saying("Live."), state="baseline")["digest"]
    console.stop()
    wait_until(lambda: assistant.health()["use_cases"][0]["source"] == "lease", "the lease runs out")
    assistant_digest = assistant.health()["use_cases"][0]["enforced"]
    other = start(cache="two")
    assert assistant_digest == built_in == other.health()["use_cases"][0]["enforced"]


def test_a_lease_that_holds_keeps_the_version(console: SmallConsole, start: Start) -> None:
    document = saying("Held.", lease={"seconds": 1, "then": "hold"})
    console.publish("claims", 1, document, lease_seconds=1)
    assistant = start()
    console.stop()
    time.sleep(1.5)
    assert said(assistant.ask("claims")) == "Held."


def test_an_assistant_that_starts_without_a_console_runs_its_last_good_config(
    console: SmallConsole, start: Start
) -> None:
    console.publish("claims", 5, saying("Five."))
    first = start()
    wait_until(lambda: console.acked(5), "an ack")
    first.kill()
    console.stop()
    again = start()
    assert said(again.ask("claims")) == "Five."
    assert again.health()["use_cases"][0]["source"] == "cache"
    # The console comes back with something older than what is held: not obeyed.
    console.envelopes["claims"] = console.envelope("claims", 4, saying("Four."))
    console.start()
    assert "held version 5" in wait_until(lambda: console.acked(4, "refused"), "a nack")["error"]
    assert said(again.ask("claims")) == "Five."


def test_an_assistant_that_was_down_during_the_kill_starts_on_the_baseline(
    console: SmallConsole, start: Start
) -> None:
    console.publish("claims", 5, saying("Five."))
    first = start()
    wait_until(lambda: console.acked(5), "an ack")
    first.kill()
    console.publish("claims", 6, saying("Five."), state="baseline", message="Stopped.")
    assert said(start().ask("claims")) == "Stopped."


def test_a_damaged_or_exchanged_cache_is_set_aside(
    console: SmallConsole, start: Start, tmp_path: Path
) -> None:
    console.publish("claims", 5, saying("Five."))
    first = start()
    wait_until(lambda: console.acked(5), "an ack")
    first.kill()
    console.stop()
    kept = tmp_path / "one" / "configs" / "claims.json"
    good = json.loads(kept.read_text())
    for damage in ('{"use', json.dumps(_tampered(good)), json.dumps(_forged(good))):
        kept.write_text(damage)
        assistant = start()
        assert said(assistant.ask("claims")) == BUILT_IN["messages"]["escalate"]
        assistant.kill()
        assert not kept.exists()
    assert len(list(kept.parent.glob("*.corrupt-*"))) == 3


def test_keys_are_pinned_at_first_sight(console: SmallConsole, start: Start) -> None:
    console.publish("claims", 1, saying("One."))
    first = start()
    wait_until(lambda: console.acked(1), "an ack")
    first.kill()
    # Somebody else answers at the console's address, with keys of their own.
    console.key = Ed25519PrivateKey.generate()
    console.publish("claims", 2, saying("Not the console."))
    assert said(start().ask("claims")) == "One."
    assert "key" in wait_until(lambda: console.acked(2, "refused"), "a nack")["error"]


def test_two_processes_do_not_share_a_cache_directory(console: SmallConsole, start: Start) -> None:
    start()
    with pytest.raises(AssertionError, match="another assistant uses"):
        start()
