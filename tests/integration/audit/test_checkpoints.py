"""The record is signed as it grows; one event of it is proved to somebody who has nothing but the proof."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from audit import checkpoints, erasure, keys, merkle, proofs, tasks
from audit.checkpoints import RecordChanged
from audit.keys import audit_key
from audit.models import Checkpoint, Event, Link, Subtree
from audit.pack import segment
from audit.verify import Refused, main, public_key_text, verify_inclusion
from tests.integration.audit.records import OPS, execute, faults, inspected, seal, unguarded, write

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.django_db


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Store the roots of four leaves instead of 1,024: the same tree, of a size that a test can write."""
    monkeypatch.setattr(checkpoints, "CHUNK", 4)
    for module in ("ranges", "signatures"):
        monkeypatch.setattr(f"audit.inspection.{module}.BLOCK", 4)


def written(count: int) -> list[Event]:
    events = [write(number) for number in range(count)]
    seal()
    return events


def test_a_checkpoint_is_signed_when_events_have_come_and_not_otherwise() -> None:
    tasks.sign_checkpoint()
    assert not Checkpoint.objects.exists()
    written(3)
    for _ in range(2):
        tasks.sign_checkpoint()
    first = Checkpoint.objects.get()
    tip = Link.objects.get(seq=3)
    assert (first.size, first.head) == (3, tip.head)
    assert first.root == merkle.root([bytes(link.leaf) for link in Link.objects.order_by("seq")])
    written(1)
    tasks.sign_checkpoint()
    assert [one.size for one in Checkpoint.objects.order_by("size")] == [3, 4]
    report = inspected()
    assert (report.events, report.checkpoints, report.signed, report.faults) == (4, 2, 4, [])


def test_everything_on_the_schedule_is_work_that_a_worker_knows() -> None:
    from console.celery import app

    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert "audit.tasks.sign_checkpoint" in scheduled
    assert scheduled <= set(app.tasks)


@pytest.mark.usefixtures("small_chunks")
def test_roots_and_proofs_are_the_same_whether_subtrees_are_stored_or_not() -> None:
    signed = []
    for count in (3, 1, 1, 8, 1):
        written(count)
        made = checkpoints.make()
        assert made
        signed.append(made)
    hashes = [bytes(link.leaf) for link in Link.objects.order_by("seq")]
    assert [one.root for one in signed] == [merkle.root(hashes[: one.size]) for one in signed]
    assert [one.number for one in Subtree.objects.order_by("number")] == [0, 1, 2]
    for event in Event.objects.all():
        verify_inclusion(proofs.inclusion(event))
    for older in signed:
        proof = [bytes.fromhex(step) for step in proofs.consistency(older, signed[-1])]
        merkle.verify_consistency(older.size, 14, bytes(older.root), bytes(signed[-1].root), proof)
    assert faults() == []


def test_nothing_is_signed_once_the_record_is_not_the_one_signed_before() -> None:
    written(3)
    checkpoints.make()
    unguarded()
    execute("DELETE FROM audit_link WHERE seq = 3")
    with pytest.raises(RecordChanged, match="holds fewer now"):
        checkpoints.make()
    execute("UPDATE audit_link SET seq = 3, head = sha256(head) WHERE seq = 2")
    with pytest.raises(RecordChanged, match="not the one that was signed"):
        checkpoints.make()


def test_an_event_is_proved_without_the_record_and_without_what_is_erased(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event = written(5)[2]
    with pytest.raises(proofs.NotSigned):
        proofs.inclusion(event)
    erasure.erase(event=event, fields=["actor"], by=OPS, reason="Asked for.")
    seal()
    checkpoints.make()
    event.refresh_from_db()
    proof, file = proofs.inclusion(event), tmp_path / "proof.json"
    assert (proof["erased"], sorted(proof["shown"])) == (["actor"], ["new", "old", "reason", "sentence"])
    assert "ops" not in json.dumps(proof)
    file.write_text(json.dumps(proof))
    assert main([str(file), "--public-key", public_key_text(audit_key().public_key())]) == 0
    assert "number 3 of the record\n  version.applied: Answer from 0.2" in capsys.readouterr().out
    assert main([str(file), "--public-key", public_key_text(Ed25519PrivateKey.generate().public_key())]) == 1
    assert "which is not known here" in capsys.readouterr().out
    assert main([str(tmp_path / "none.json")]) == 2
    (late,) = written(1)
    with pytest.raises(proofs.NotSigned):
        proofs.inclusion(late)


def test_a_proof_is_checked_where_the_product_is_not(tmp_path: Path) -> None:
    event = written(2)[1]
    checkpoints.make()
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(proofs.inclusion(event)))
    code = (
        "import sys; sys.modules |= dict.fromkeys(('django', 'psycopg', 'rfc8785', 'uuid6', 'pydantic'));"
        f"from audit.verify import main; sys.exit(main([{str(file)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the key came with the proof" in done.stdout


def changed(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Make a tampering that sets one part of a proof; a function as value gets the old one."""

    def change(proof: dict[str, Any]) -> None:
        part: Any = proof
        *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
        for key in parents:
            part = part[key]
        part[last] = value(part[last]) if callable(value) else value

    return change


def flipped(text: str) -> str:
    return ("1" if text[0] == "0" else "0") + text[1:]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed("shown.actor.value", "risk"), "actor is not what was written"),
        (changed("shown.actor.salt", flipped), "actor is not what was written"),
        (changed("shown.new.value", None), "new is not what was written"),
        (changed("content.digests.old", flipped), "old is not what was written"),
        (changed("content.at", "2026-01-01T00:00:00.000000Z"), "not in the record"),
        (changed("content.kind", "kill_switch.engaged"), "not in the record"),
        (changed("content.version", 9), "not in the record"),
        (changed("content.more", "x"), "not of version 1"),
        (changed("content.v", 2), "not of version 1"),
        (changed("seq", 4), "not in the record"),
        (changed("seq", 9), "has none at 8"),
        (changed("seq", "2"), "not a number"),
        (changed("path.0", flipped), "not in the record"),
        (changed("path", lambda path: path[:-1]), "too short"),
        (changed("path", lambda path: [*path, path[0]]), "too long"),
        (changed("checkpoint.root", flipped), "not in the record"),
        (changed("checkpoint.head", flipped), "signature does not fit"),
        (changed("checkpoint.previous", flipped), "signature does not fit"),
        (changed("checkpoint.at", "2026-01-01T00:00:00.000000Z"), "signature does not fit"),
        (changed("checkpoint.signature", flipped), "signature does not fit"),
        (changed("checkpoint.signature", "xyz"), "this is no proof"),
        (changed("checkpoint.key_id", flipped), "not known here"),
        (changed("checkpoint.size", 6), "signature does not fit"),
        (changed("checkpoint", None), "this is no proof"),
        (changed("public_key", "AAAA"), "this is no proof"),
    ],
)
def test_a_proof_that_was_tampered_with_is_refused_with_the_reason(
    change: Callable[[dict[str, Any]], None], words: str
) -> None:
    event = written(5)[1]
    checkpoints.make()
    sound = proofs.inclusion(event)
    verify_inclusion(sound)
    proof = copy.deepcopy(sound)
    change(proof)
    with pytest.raises(Refused, match=words):
        verify_inclusion(proof)
    verify_inclusion(sound | {"shown": {}})  # showing less is no tampering


def test_those_who_start_at_once_find_one_key(tmp_path: Path) -> None:
    for round_ in range(20):
        keys.key_in.cache_clear()
        file = tmp_path / str(round_) / "audit.pem"
        with ThreadPoolExecutor(8) as pool:
            found = {key.private_bytes_raw() for key in pool.map(keys.key_in, [file] * 8)}
        keys.key_in.cache_clear()
        assert found == {keys.key_in(file).private_bytes_raw()}
        assert [one.name for one in file.parent.iterdir()] == ["audit.pem"]
        assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"no key", None])
def test_a_key_that_cannot_be_read_signs_nothing_and_readiness_tells(
    client: Client, settings: Settings, tmp_path: Path, content: bytes | None
) -> None:
    def part() -> str:
        return str(client.get("/readyz").json()["parts"]["record"])

    written(2)
    file = tmp_path / "audit.pem"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    sound, settings.AUDIT_KEY_FILE = settings.AUDIT_KEY_FILE, file

    with pytest.raises((ValueError, OSError)):
        checkpoints.make()
    assert not Checkpoint.objects.exists()
    assert part() == "ok", "not for long yet"
    later = timezone.now() + timedelta(minutes=6)
    with mock.patch("django.utils.timezone.now", return_value=later):
        assert part().startswith("not signed since ")
        settings.AUDIT_KEY_FILE = sound
        assert checkpoints.make()
        assert part() == "ok"


def test_another_key_goes_on_record(settings: Settings, tmp_path: Path) -> None:
    written(1)
    first = checkpoints.make()
    settings.AUDIT_KEY_FILE = tmp_path / "audit.pem"
    written(1)
    second = checkpoints.make()
    assert first
    assert second
    assert first.key_id != second.key_id
    told = Event.objects.get(kind="record.key_changed")
    key = audit_key().public_key()
    assert (told.old, told.new) == (
        {"key_id": first.key_id},
        {"key_id": second.key_id, "public_key": public_key_text(key)},
    )
    seal()
    checkpoints.make()
    assert Event.objects.filter(kind="record.key_changed").count() == 1
    verify_inclusion(proofs.inclusion(told), [key])
    assert [fault.text.partition(": ")[2] for fault in faults()] == [
        f"it is signed with the key {first.key_id}, which is not known here"
    ]


@pytest.mark.usefixtures("small_chunks")
def test_proofs_of_many_events_read_no_part_of_the_record_twice() -> None:
    written(30)
    signed = checkpoints.make()
    assert signed
    events = Event.objects.order_by("pk")
    tree = checkpoints.tree(30)
    for seq in range(1, 31):
        assert proofs.path(seq, tree, 30) == proofs.path(seq, checkpoints.ranges, 30)

    for count in (10, 30):
        earlier = Event.objects.filter(pk__lte=events[count - 1].pk)
        with CaptureQueriesContext(connection) as queries:
            told = list(segment._earlier(earlier, signed))
        assert len(told) == count
        assert len(queries) <= 2 + 8 + 6 + 2, (
            "events, places, chunks of four leaves, ranges of those, two with a rest"
        )
    for one in told:
        verify_inclusion(one | {"checkpoint": checkpoints.as_json(signed)}, [audit_key().public_key()])
