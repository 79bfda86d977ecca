"""Evidence of a month: what is in it, what is not, and that it is verified on a machine without the product."""

import gc
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.http import Http404
from django.test import Client

from audit import erasure, leaves, log
from audit.keys import audit_key
from audit.models import Event
from audit.pack import segment
from audit.pack.verification import verify
from audit.verify import main, public_key_text
from tests.integration.audit.records import seal
from tests.integration.evidence.month import ERASED_NAME, SINCE, UNTIL
from tests.integration.evidence.packs import Lived, closed, made_of, opened, taken
from usecases import evidence_pack
from usecases.actions import evidence
from usecases.publishing import Refused

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[3]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with the record's own folder, `cryptography` and what that needs; no Django, no product."""
    shutil.copytree(ROOT / "audit", tmp_path / "audit", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("cryptography", "cffi", "_cffi_backend"):
        found = find_spec(name)
        if found is not None and found.origin:
            origin = Path(found.origin)
            origin = origin.parent if origin.name == "__init__.py" else origin
            (tmp_path / origin.name).symlink_to(origin)
    return tmp_path


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the verifier with an interpreter that sees that folder and the standard library alone."""
    code = (
        f"import sys, runpy; sys.path.insert(0, {str(folder)!r}); sys.argv = ['verify', *{list(arguments)!r}]\n"
        "try:\n import django\nexcept ModuleNotFoundError:\n runpy.run_module('audit.verify', run_name='__main__')"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_pack_verifies_on_a_machine_without_the_product(lived: Lived, elsewhere: Path) -> None:
    file = elsewhere / "pack.zip"
    file.write_bytes(lived.pack)
    done = run(elsewhere, str(file), "--public-key", public_key_text(audit_key().public_key()))
    assert (done.returncode, done.stderr) == (0, "")
    assert "verified: evidence of “claims” from 2026-03-01T00:00:00.000000Z" in done.stdout
    assert "24 events, 10 versions, 2 changes, 5 approvals, 1 overrides, 3 kills" in done.stdout
    assert "the key came with the pack" in run(elsewhere, str(file)).stdout

    files = lived.files
    files["summary.html"] += b"<p>Nothing ever went wrong.</p>"
    done = run(elsewhere, str(closed(files, elsewhere / "bad.zip")), "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["verified"], said["pinned"]) == (1, False, False)
    assert said["faults"][0]["file"] == "summary.html"
    assert run(elsewhere, str(elsewhere / "none.zip")).returncode == 2


def test_a_key_that_begins_with_a_dash_is_a_key(lived: Lived, tmp_path: Path) -> None:
    file = tmp_path / "pack.zip"
    file.write_bytes(lived.pack)
    assert main([str(file), "--public-key", "-" + "A" * 42]) == 1, "it is another key, and no option"


def test_the_same_period_gives_the_same_files_whoever_takes_it_and_whenever(lived: Lived) -> None:
    pack, manifest = taken(made_of(lived.month, by="ops"))
    assert pack != lived.pack, "the manifest tells who made it, and when"
    old, new = lived.files, opened(pack)
    assert (old.pop("manifest.json"), list(old)) != (new.pop("manifest.json"), list(new))
    assert old == new
    assert manifest["made"]["by"] == "ops"


def test_a_pack_tells_the_period_and_nothing_from_after_it(lived: Lived) -> None:
    files = lived.files
    events = [json.loads(line) for line in files["events.jsonl"].splitlines()]
    assert lived.manifest["counts"]["events"] == len(events) == 24
    versions = sorted(int(name[9:-5]) for name in files if name.startswith("versions/"))
    assert versions == list(range(2, 12)), "from the one that was live when it began"
    assert not any(b"April" in content for content in files.values())
    change = json.loads(files["changes/2.json"])
    assert [one["person"] for one in change["approvals"]] == ["", "risk", "admin"]
    stop = json.loads(files["kills.json"])["kills"][0]
    assert (stop["to"], stop["by"], stop["assistants"]) == (
        "baseline",
        "risk",
        {"expected": 2, "confirmed": 2},
    )
    assert stop["left_by"]["version"] == 7
    limits = [
        one["limits"]["knobs"]["bands.answer.from"]["limit"] for one in json.loads(files["guardrails.json"])
    ]
    assert limits == [[0.6, 1.0], [0.65, 1.0]], "the ones in force when it began, and those set in it"
    page = files["summary.html"].decode()
    assert all(words in page for words in ("<td>0.65 to 1.00</td>", "<li>Approvals past the lane: 2</li>"))
    assert "with 95% confidence" in page
    assert "{&#x27;" not in page, "words, not code"


def test_where_everything_is_erased_that_can_be_the_pack_still_verifies(lived: Lived, tmp_path: Path) -> None:
    for event in Event.objects.filter(use_case="claims").exclude(kind=leaves.ERASURE):
        erasure.erase(event=event, fields=leaves.ERASABLE, by=log.System("admin"), reason="All of it")
    seal()
    pack, _ = taken(made_of(lived.month, by="auditor"))
    file = tmp_path / "pack.zip"
    file.write_bytes(pack)
    report = verify(file, [audit_key().public_key()])
    assert report.faults == ()
    assert any("erased by events outside of the period" in note for note in report.notes)
    for name, content in opened(pack).items():
        for words in (
            b"Wrong answers about storms",
            b"Peak season",
            b"Why so low",
            b"Storm: too many",
            b'"risk"',
        ):
            assert words not in content, (name, words)


def test_nothing_of_other_use_cases_is_told_and_what_was_erased_stays_erased(lived: Lived) -> None:
    for name, content in lived.files.items():
        assert b"Not for your eyes" not in content, name
        assert b"refunds" not in content, name
        assert ERASED_NAME.encode() not in content, name
        assert b"My desk can take it" not in content, name


def test_a_period_without_events_and_one_from_the_beginning_verify_too(lived: Lived, tmp_path: Path) -> None:
    periods = (
        (datetime(2026, 3, 25, tzinfo=UTC), UNTIL),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 3, tzinfo=UTC)),
        (datetime(2026, 3, 10, 10, tzinfo=UTC), datetime(2026, 3, 12, tzinfo=UTC)),
    )
    counts = []
    for since, until in periods:
        pack, manifest = taken(made_of(lived.month, since, until))
        file = tmp_path / "pack.zip"
        file.write_bytes(pack)
        assert verify(file, [audit_key().public_key()]).faults == ()
        counts.append((manifest["counts"]["events"], manifest["record"]["first"]))
    assert counts[:2] == [(0, 0), (0, 0)]
    assert counts[2][1] == 1


def test_whoever_takes_a_pack_is_recorded_with_the_manifests_digest(lived: Lived) -> None:
    made = evidence.export(
        use_case=lived.month.claims, since=SINCE, until=UNTIL, by=lived.month.risk, reason="Yearly audit"
    )
    made.file.close()
    event = Event.objects.latest("id")
    assert (event.kind, event.actor, event.reason) == ("evidence.exported", "risk", "Yearly audit")
    assert event.new == {
        "manifest": made.digest,
        "since": "2026-03-01T00:00:00.000000Z",
        "until": "2026-04-01T00:00:00.000000Z",
        "events": 24,
    }


def test_without_the_event_that_tells_of_it_there_is_no_pack(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_of(lived.month)
    monkeypatch.setattr(log, "record", lambda **given: 1 / 0)
    monkeypatch.setattr(evidence_pack, "make", lambda *given: made)
    with pytest.raises(ZeroDivisionError):
        evidence.export(use_case=lived.month.claims, since=SINCE, until=UNTIL, by=lived.month.risk)
    assert made.file.closed


@pytest.mark.parametrize(
    ("since", "until", "path"),
    [
        (UNTIL, SINCE, "until"),
        (datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC), "since"),
        (datetime(2001, 1, 1, tzinfo=UTC), UNTIL, "since"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(
    lived: Lived, since: datetime, until: datetime, path: str
) -> None:
    with pytest.raises(Refused) as refusal:
        evidence.export(use_case=lived.month.claims, since=since, until=until, by=lived.month.risk)
    assert [error["path"] for error in refusal.value.errors] == [path]


def test_a_pack_that_is_refused_half_way_leaves_nothing_open(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: ignored.append(told.exc_value))
    monkeypatch.setattr(segment, "MOST_LINKS", 0)
    with pytest.raises(Refused, match="too long for one pack"):
        made_of(lived.month)
    gc.collect()
    assert ignored == []


def test_a_stranger_learns_nothing(lived: Lived) -> None:
    from django.contrib.auth.models import User

    stranger = User.objects.create_user("stranger")
    with pytest.raises(Http404):
        evidence.export(use_case=lived.month.claims, since=SINCE, until=UNTIL, by=stranger)
    client = Client()
    client.force_login(stranger)
    for slug in ("claims", "nowhere"):
        assert client.get(f"/use-cases/{slug}/evidence").status_code == 404
        assert client.post(f"/use-cases/{slug}/evidence", {"period": "last_month"}).status_code == 404


def test_the_page_offers_periods_and_answers_with_the_pack(lived: Lived, tmp_path: Path) -> None:
    client = Client()
    client.force_login(lived.month.ops)
    page = client.get("/use-cases/claims/evidence").content.decode()
    assert public_key_text(audit_key().public_key()) in page
    assert "From one day to another" in page
    assert 'href="/use-cases/claims/evidence"' in client.get("/use-cases/claims/changes").content.decode()
    days = {"period": "days", "since": "2026-03-01", "until": "2026-03-31"}
    response = client.post("/use-cases/claims/evidence", days)
    assert (response.status_code, response["Content-Type"]) == (200, "application/zip")
    assert 'filename="evidence-claims-20260301-20260401.zip"' in response["Content-Disposition"]
    file = tmp_path / "pack.zip"
    file.write_bytes(b"".join(response.streaming_content))  # type: ignore[attr-defined]
    assert verify(file).verified
    seal()
    assert (
        "Evidence of 2026-03-01 until 2026-04-01 taken"
        in client.get("/use-cases/claims/evidence").content.decode()
    )
    for wrong in ({"period": "days", "since": "31.3."}, {"period": "ever"}, days | {"until": "2026-02-01"}):
        refused = client.post("/use-cases/claims/evidence", wrong)
        assert refused.status_code == 422
        assert "No pack was made" in refused.content.decode()


def test_programs_get_the_pack_and_every_fault_of_what_they_ask(lived: Lived, tmp_path: Path) -> None:
    from console import tokens

    token = tokens.issue(name="auditor", by=lived.month.risk, user=lived.month.risk)
    secret = token[1] if isinstance(token, tuple) else token
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    asked = {"use_case": "claims", "since": "2026-03-01", "until": "2026-04-01T00:00:00Z"}
    response = client.get("/api/v1/audit/evidence", asked)
    assert (response.status_code, response["Content-Type"]) == (200, "application/zip")
    file = tmp_path / "pack.zip"
    file.write_bytes(b"".join(response.streaming_content))  # type: ignore[attr-defined]
    assert verify(file).verified
    for wrong, path in (({"until": "2026-01-01"}, "until"), ({"since": "yesterday"}, "since")):
        refused = client.get("/api/v1/audit/evidence", asked | wrong)
        assert (refused.status_code, refused["Content-Type"]) == (422, "application/problem+json")
        assert [error["path"] for error in refused.json()["errors"]] == [path]
    assert client.get("/api/v1/audit/evidence", asked | {"use_case": "nowhere"}).status_code == 404


def test_the_command_writes_the_pack(lived: Lived, tmp_path: Path) -> None:
    file, said = tmp_path / "pack.zip", StringIO()
    days = ("--since", "2026-03-01", "--until", "2026-04-01")
    call_command("evidence_pack", "claims", *days, "--output", str(file), "--by", "risk", stderr=said)
    assert verify(file).verified
    assert "24 events, signed with" in said.getvalue()
    with pytest.raises(CommandError, match="There is no use case"):
        call_command("evidence_pack", "nowhere", *days, "--output", str(file))
    with pytest.raises(CommandError, match="has to end after it begins"):
        call_command(
            "evidence_pack", "claims", "--since", "2026-04-01", "--until", "2026-03-01", "--output", str(file)
        )
    beyond = ("--since", "0001-01-01T00:00+14:00", "--until", "2026-04-01")
    with pytest.raises(CommandError, match=r"--since .* is no moment"):
        call_command("evidence_pack", "claims", *beyond, "--output", str(file))
    with pytest.raises(CommandError, match="cannot be written: No such file or directory"):
        call_command("evidence_pack", "claims", *days, "--output", str(tmp_path / "missing" / "pack.zip"))
