"""A worker reads an upload: what it stores, what it tells meanwhile, and how it ends."""

import csv
import gzip
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.db import DatabaseError
from django.utils import timezone
from pytest_django.fixtures import Settings

from audit.models import Event
from routing.actions import imported
from routing.models import Decision, Outcome
from tests.history import ladder
from tests.history import log as real
from tests.logs import REFUSED, written
from usecases import tasks, uploads
from usecases.actions import imports, upload_runs, use_cases
from usecases.actions import uploads as actions
from usecases.models import Upload, UseCase

Queue = Callable[..., Upload]


@pytest.fixture(autouse=True)
def place(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # The beat's own connection would see nothing of what a test's transaction holds, and give the run up.
    monkeypatch.setattr(upload_runs, "BEAT_SECONDS", 3600)
    settings.UPLOADS = tmp_path / "uploads"
    return tmp_path / "uploads"


@pytest.fixture
def queue(use_case: UseCase, ops: User, tmp_path: Path) -> Queue:
    """Give a log and start its import; `check`: only have it checked."""

    def queued(
        source: Path | None = None,
        *,
        name: str = "log.csv",
        use_case: UseCase = use_case,
        renames: list[tuple[str, str]] | None = None,
        check: bool = False,
        **log: Any,
    ) -> Upload:
        coming = tmp_path / f"coming-{uuid4()}"
        coming.write_bytes(source.read_bytes()) if source else written(coming, **log)
        upload = actions.receive(use_case=use_case, source=coming, name=name, by=ops)
        upload = actions.remap(upload=upload, renames=renames or [], by=ops)
        return (actions.check if check else actions.start)(upload=upload, by=ops)

    return queued


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], Any]]:
    """What to do while the second batch waits to be stored; the run's heart beats right after, on this connection.

    The thread of its own, which needs what is committed, beats in the tests of the whole product.
    """
    meanwhile: list[Callable[[], Any]] = []
    store = imported.store
    pulses: list[Any] = []
    batches: list[int] = []

    def storing(rows: Any, **options: Any) -> Any:
        batches.append(len(rows))
        if len(batches) == 2:
            pulses[0]._beat()
            for act in meanwhile:
                act()
            pulses[0]._beat()
        return store(rows, **options)

    monkeypatch.setattr(imported, "store", storing)
    monkeypatch.setattr(upload_runs._Pulse, "start", lambda pulse: pulses.append(pulse))
    monkeypatch.setattr(upload_runs._Pulse, "end", lambda pulse: None)
    return meanwhile


def work(upload: Upload) -> Upload:
    tasks.work_off(str(upload.pk))
    return Upload.objects.get(pk=upload.pk)


def listed(upload: Upload) -> list[tuple[int, str, str]]:
    """The rows of the file of refused ones."""
    with uploads.refused_of(upload).open(newline="") as file:
        return [(int(line), field, reason) for line, field, reason in list(csv.reader(file))[1:]]


def agree(found: list[Any]) -> bool:
    return len(found) == len(REFUSED) and all(
        (line, field) == (wanted, name) and reason.startswith(words)
        for (line, field, reason), (wanted, name, words) in zip(found, REFUSED, strict=True)
    )


def test_good_rows_are_stored_and_refused_ones_told_by_line_field_and_reason(
    queue: Queue, place: Path
) -> None:
    done = work(queue())

    assert done.status == "done"
    assert {k: done.tally[k] for k in ("rows", "stored", "already", "refused")} == {
        "rows": 60,
        "stored": 56,
        "already": 0,
        "refused": 4,
    }
    assert agree(done.refusals)
    assert agree(listed(done))
    assert done.lines == 61
    assert Decision.objects.filter(use_case="claims", instance="import").count() == 56
    assert [path.suffix for path in place.iterdir()] == [".refused"], "the log itself is deleted"
    assert Event.objects.filter(kind="decisions.imported", actor="ops", entry_point="task").count() == 1


def test_the_list_of_refused_rows_cannot_fill_the_disk(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_runs, "MOST_LISTED", 2_000)
    wide = "small__" + "x" * 400
    source = tmp_path / "wide.csv"
    rows = "".join(f"r-{number},high,1\n" for number in range(200))
    source.write_text(f"request_id,{wide},large__correct\n{rows}")

    done = work(queue(source, renames=[(wide, "small__confidence")]))

    assert (done.status, done.tally["refused"], len(done.refusals)) == ("done", 200, 100)
    assert max(len(field) for _, field, _ in done.refusals) == 200
    assert uploads.refused_of(done).stat().st_size < 2_500
    assert listed(done)[-1][2] == upload_runs.ENDS


def test_what_the_database_says_of_a_row_is_not_logged(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*given: Any, **more: Any) -> None:
        raise DatabaseError("DETAIL: Failing row contains (A pipe burst in my kitchen).")

    monkeypatch.setattr(imported, "store", refuse)
    assert work(queue()).status == "failed"
    assert "DatabaseError" in caplog.text
    assert "kitchen" not in caplog.text


def test_the_same_file_again_doubles_nothing(queue: Queue) -> None:
    work(queue())
    outcomes = Outcome.objects.count()

    again = work(queue())

    assert (again.status, again.tally["stored"], again.tally["already"]) == ("done", 0, 56)
    assert agree(again.refusals)
    assert (Decision.objects.count(), Outcome.objects.count()) == (56, outcomes)


def test_a_check_finds_out_the_same_and_stores_nothing(queue: Queue) -> None:
    checked = work(queue(check=True))

    assert (checked.status, checked.checked["stored"], checked.checked["refused"]) == ("uploaded", 56, 4)
    assert agree(checked.refusals)
    assert (Decision.objects.count(), Event.objects.filter(kind__startswith="decisions.").count()) == (0, 0)
    assert uploads.is_there(checked)


def test_real_requests_to_nine_models_are_imported_from_a_packed_file(queue: Queue, admin: User) -> None:
    source = real("llm_cascades")
    document = ladder("small", "large")
    use_case = use_cases.create(slug="real", name="Real", owner="ops", document=document, by=admin).use_case
    with gzip.open(source, "rt", newline="") as file:
        named = {name.rpartition("__")[0] for name in next(csv.reader(file)) if "__" in name}
    known = {"llama3.2-1b": "small", "llama3.1-405b": "large"}
    renames = [(name, known.get(name, "ignore")) for name in sorted(named)]

    done = work(queue(source, name="decisions.csv.gz", use_case=use_case, renames=renames))

    assert (done.status, done.tally["stored"], done.tally["refused"], done.lines) == ("done", 3116, 0, 3117)
    decision = Decision.objects.get(use_case="real", request_id="mmlu-train-0000")
    assert [entry["model"] for entry in decision.tried] == ["small", "large"]


def test_a_message_that_comes_twice_or_late_does_nothing(queue: Queue) -> None:
    done = work(queue())
    before = Upload.objects.values().get()
    assert upload_runs.work_off(upload=done.pk) is False
    assert upload_runs.work_off(upload=uuid4()) is False
    assert Upload.objects.values().get() == before


def test_two_are_read_at_once_and_the_third_waits_for_its_turn(queue: Queue) -> None:
    first, second, third = queue(), queue(), queue()
    for busy in (first, second):
        Upload.objects.filter(pk=busy.pk).update(status="running", progressed_at=timezone.now())
    assert (upload_runs.work_off(upload=third.pk), upload_runs.next_ones()) == (False, [])

    long_ago = timezone.now() - timedelta(minutes=2)
    Upload.objects.filter(pk=first.pk).update(progressed_at=long_ago)
    assert upload_runs.next_ones() == [third.pk]
    assert work(third).status == "done"


def test_a_file_that_is_cut_off_fails_with_the_reason_and_imports_nothing(
    queue: Queue, tmp_path: Path
) -> None:
    whole = written(tmp_path / "whole.csv.gz", rows=120_000, bad=False).read_bytes()
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(whole[: len(whole) - 50])

    failed = work(queue(cut, name="cut.csv.gz"))

    assert failed.status == "failed"
    assert failed.error.startswith("cut.csv.gz cannot be read: ")
    assert Decision.objects.count() == 0


def test_whoever_lost_the_right_meanwhile_imports_nothing(queue: Queue, ops: User) -> None:
    upload = queue()
    Group.objects.get(name="operations").user_set.remove(ops)
    failed = work(upload)
    assert (failed.status, Decision.objects.count()) == ("failed", 0)
    assert "no use case" in failed.error


def test_a_batch_that_the_database_refuses_is_told_and_can_be_started_again(
    queue: Queue, ops: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise DatabaseError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(imported, "store", full)
        failed = work(queue())
    assert (failed.status, "start it again" in failed.error) == ("failed", True)
    assert work(actions.start(upload=failed, by=ops)).tally["stored"] == 56


def test_progress_is_told_while_it_reads_and_what_is_stored_stays_when_it_is_stopped(
    queue: Queue, ops: User, slow: list[Callable[[], Any]]
) -> None:
    upload = queue(rows=5000)
    seen: list[Upload] = []

    def stop() -> None:
        seen.append(Upload.objects.get(pk=upload.pk))
        Upload.objects.filter(pk=upload.pk).update(stop_asked=True)

    slow.append(stop)
    stopped = work(upload)

    assert (seen[0].status, seen[0].tally["rows"], seen[0].lines) == ("running", imports.BATCH, 5001)
    assert (stopped.status, stopped.tally["rows"]) == ("stopped", 2 * imports.BATCH)
    assert Decision.objects.count() == stopped.tally["stored"] == 2 * imports.BATCH - 4
    assert uploads.is_there(stopped)

    done = work(actions.start(upload=stopped, by=ops))
    assert (done.tally["already"], done.tally["stored"]) == (2 * imports.BATCH - 4, 5000 - 2 * imports.BATCH)


def test_a_run_that_was_given_up_ends_and_leaves_the_word_to_the_next(
    queue: Queue, slow: list[Callable[[], Any]]
) -> None:
    upload = queue(rows=5000)
    other = uuid4()
    slow.append(lambda: Upload.objects.filter(pk=upload.pk).update(run=other, tally={"rows": 7}))

    now = work(upload)

    assert (now.status, now.run, now.tally) == ("running", other, {"rows": 7})
    assert Decision.objects.count() == 2 * imports.BATCH - 4


def test_logs_are_deleted_after_a_day_and_lists_of_refused_rows_after_a_month(
    queue: Queue, place: Path
) -> None:
    done, waiting = work(queue()), queue()
    forgotten = queue()
    Upload.objects.filter(pk=forgotten.pk).update(status="uploaded")
    leftover = place / "tmpabc.upload.csv"
    leftover.touch()
    for path in place.iterdir():
        day = timezone.now().timestamp() - 25 * 3600
        os.utime(path, (day, day))

    tasks.housekeeping()

    assert [uploads.is_there(upload) for upload in (waiting, forgotten)] == [True, False]
    assert (uploads.refused_of(done).exists(), leftover.exists()) == (True, False)
    month = timezone.now().timestamp() - 31 * 24 * 3600
    os.utime(uploads.refused_of(done), (month, month))
    assert upload_runs.tidy() == 1
