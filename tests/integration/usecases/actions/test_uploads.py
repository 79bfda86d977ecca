"""What an owner does with an uploaded log: give it, say what it is, have it read, stop that."""

import gzip
import json
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.http import Http404
from django.utils import timezone
from pytest_django.fixtures import Settings

from audit.models import Event
from tests.logs import written
from tests.record import failing_record
from usecases import mappings, uploads
from usecases.actions import uploads as actions
from usecases.models import Upload, UseCase
from usecases.permissions import Forbidden
from usecases.publishing import Refused

Give = Callable[..., Upload]


@pytest.fixture(autouse=True)
def place(settings: Settings, tmp_path: Path) -> Path:
    """A folder of uploads of the test's own."""
    settings.UPLOADS = tmp_path / "uploads"
    return tmp_path / "uploads"


@pytest.fixture
def give(use_case: UseCase, ops: User, tmp_path: Path) -> Give:
    """Give a log: a file as it was written, or its bytes."""

    def given(content: bytes | None = None, *, name: str = "log.csv", by: User = ops, **log: Any) -> Upload:
        source = tmp_path / f"coming-{uuid4()}{'.gz' if name.endswith('.gz') else ''}"
        if content is None:
            written(source, **log)
        else:
            source.write_bytes(content)
        return actions.receive(use_case=use_case, source=source, name=name, by=by)

    return given


def running(upload: Upload, *, seconds_ago: float = 0) -> Upload:
    """Have a worker take an upload, and be heard of so long ago."""
    upload.status, upload.run, upload.started_at = "running", uuid4(), timezone.now()
    upload.progressed_at = timezone.now() - timedelta(seconds=seconds_ago)
    upload.save()
    return upload


def versions(upload: Upload) -> int:
    return int(Upload.history.filter(id=upload.pk).count())


# Give


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_a_file_is_kept_where_only_this_account_reads_it_and_that_is_on_the_record(
    give: Give, place: Path, name: str
) -> None:
    upload = give(name=name)

    kept = uploads.log_of(upload.pk)
    assert (upload.status, upload.name, upload.size) == ("uploaded", name, kept.stat().st_size)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}
    event = Event.objects.get(kind="upload.received")
    assert (event.actor, event.use_case, event.sentence.startswith(f"{name} (")) == ("ops", "claims", True)


def test_a_file_keeps_its_name_but_not_its_folders(give: Give) -> None:
    assert give(name="C:\\logs\\..\\march\x00.csv").name == "march.csv"


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"a,b\n", "log.xlsx", "neither .csv nor .jsonl"),
        (b"", "log.csv", "The file is empty."),
        ("request_id,x\n".encode("utf-16"), "log.csv", "not UTF-8"),
        (gzip.compress(b"request_id,x\n" * 999, mtime=0)[:40], "log.csv.gz", "log.csv.gz cannot be read"),
        (b"x" * (5 << 20), "log.jsonl", "longer than 4 MiB"),
    ],
)
def test_what_is_no_log_is_refused_and_leaves_nothing(
    give: Give, place: Path, content: bytes, name: str, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        give(content, name=name)
    assert (list(place.iterdir()), Upload.objects.count()) == ([], 0)


def test_a_file_beyond_the_limit_is_refused_with_what_would_help(give: Give, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    with pytest.raises(Refused, match=r"A file may be 1000 bytes at most here\. Pack it with gzip"):
        give()


def test_only_who_may_tune_gives_a_file(give: Give, risk: User, stranger: User) -> None:
    with pytest.raises(Forbidden):
        give(by=risk)
    with pytest.raises(Http404):
        give(by=stranger)


def test_a_failing_audit_row_keeps_no_file(give: Give, place: Path) -> None:
    with failing_record():
        give()
    assert (list(place.iterdir()), Upload.objects.count()) == ([], 0)


# Say what it is


def test_columns_get_another_meaning_and_the_preview_follows(give: Give, ops: User) -> None:
    upload = give(text="question", bad=False, models=("small", "gpt-4o"))
    before = mappings.preview(upload)
    assert [fault for fault in before.faults if "gpt-4o" in fault]
    assert {c.name: c.attribute for c in before.own}["question"] == "question"

    upload = actions.remap(upload=upload, renames=[("gpt-4o", "large"), ("question", "text")], by=ops)

    after = mappings.preview(upload)
    assert (after.faults, after.undated) == ([], False)
    assert {c.name: c.words for c in after.columns}["gpt-4o__cost_usd"] == "large: cost in $"
    assert (after.rows[0].line, after.rows[0].text) == (2, "A pipe burst in my kitchen, claim 0")
    assert {row.action for row in after.rows} <= {"answer", "review", "escalate"}


def test_the_first_rows_show_what_would_be_refused(give: Give) -> None:
    upload = give(b"request_id,small__confidence\na,0.9\nb,high\n,0.5\n")
    rows = mappings.preview(upload).rows
    assert [(row.line, row.refusal.field if row.refusal else "") for row in rows] == [
        (2, ""),
        (3, "small__confidence"),
        (4, "request_id"),
    ]


def test_decision_records_are_understood_by_their_fields(give: Give, ops: User) -> None:
    record = b'{"rid": "a", "tried": [{"model": "gpt", "confidence": 0.9}], "note": "x"}\n'
    upload = give(record * 3, name="log.jsonl")
    found = mappings.preview(upload)
    assert (found.records, [model.name for model in found.models], len(found.faults)) == (True, ["gpt"], 2)

    upload = actions.remap(upload=upload, renames=[("gpt", "small"), ("rid", "request_id")], by=ops)

    found = mappings.preview(upload)
    assert (found.faults, found.rows[0].request) == ([], "a")


def test_records_of_more_fields_than_a_page_can_show_are_told_so(give: Give) -> None:
    records = [
        {"request_id": "a", "tried": [{"model": f"m{i}-{row}"} for i in range(500)]}
        | {f"field-{row}-{number}": 1 for number in range(500)}
        for row in range(6)
    ]
    lines = [json.dumps(record).encode() for record in records]

    wide, narrow = give(b"\n".join(lines), name="log.jsonl"), give(lines[0], name="log.jsonl")

    assert mappings.preview(wide).faults == [
        "The first records have 3002 different fields; 2000 at most can be read."
    ]
    assert len(mappings.preview(narrow).models) == 50


def test_a_log_of_too_many_columns_to_choose_for_keeps_what_they_are(give: Give) -> None:
    wide = ",".join(f"column-{number}" for number in range(1_990))
    cells = "," * 1_989
    upload = give(f"request_id,small__correct,{wide}\nr-1,1,{cells}\n".encode())

    found = mappings.preview(upload)

    assert (found.faults, found.options) == ([], [])
    measure = found.columns[1]
    assert (measure.choice, measure.as_named, measure.words) == (
        "small__correct",
        True,
        "small: right or wrong",
    )
    said = {f"column:{column.place}": column.choice for column in found.columns}
    assert mappings.chosen(found, said, []) == []


def test_a_form_that_was_left_alone_asks_for_nothing_and_a_model_takes_its_columns_along(
    give: Give, ops: User
) -> None:
    upload = give(models=("small", "gpt-4o"), bad=False)
    found = mappings.preview(upload)
    said = {f"column:{column.place}": column.choice for column in found.columns}
    said |= {f"name:{column.place}": column.attribute for column in found.columns if column.attribute}
    said |= {f"model:{model.place}": model.taken_for for model in found.models}
    assert mappings.chosen(found, said, []) == []

    assert mappings.chosen(found, said | {"model:1": "large"}, []) == [("gpt-4o", "large")]
    topic = next(column for column in found.columns if column.name == "topic")
    assert mappings.chosen(found, said | {f"name:{topic.place}": "peril"}, []) == [
        ("topic", "attributes.peril")
    ]
    taken_back = mappings.chosen(found, said, [("topic", "attributes.topic")])
    assert taken_back == []

    late = said | {f"was:{column.place}": column.target for column in found.columns} | {"model:1": "large"}
    now = mappings.preview(actions.remap(upload=upload, renames=[("gpt-4o", "large")], by=ops))
    assert mappings.chosen(now, late | {"column:3": "ignore"}, [("gpt-4o", "large")]) == [
        ("gpt-4o", "large"),
        ("topic", "ignore"),
    ]


def test_the_same_meaning_again_writes_nothing(give: Give, ops: User) -> None:
    upload = actions.remap(upload=give(), renames=[("topic", "ignore")], by=ops)
    before = versions(upload)
    assert actions.remap(upload=upload, renames=[("topic", "ignore")], by=ops) == upload
    assert versions(upload) == before


def test_meanings_do_not_change_under_a_worker(give: Give, ops: User) -> None:
    upload = running(give())
    with pytest.raises(Refused, match="Stop it first"):
        actions.remap(upload=upload, renames=[("topic", "ignore")], by=ops)


# Check and start


@pytest.mark.parametrize(("action", "checking"), [(actions.start, False), (actions.check, True)])
def test_a_file_that_fits_waits_for_a_worker_once(
    give: Give, ops: User, action: Callable[..., Upload], *, checking: bool
) -> None:
    upload = action(upload=give(), by=ops)
    assert (upload.status, upload.checking, upload.started_by) == ("queued", checking, "ops")

    before = versions(upload)
    action(upload=upload, by=ops)
    assert versions(upload) == before


def test_a_file_that_does_not_fit_is_refused_with_every_fault(give: Give, ops: User) -> None:
    upload = give(b"id,gpt__confidence\na,0.9\n")
    with pytest.raises(Refused) as refused:
        actions.start(upload=upload, by=ops)
    words = [error["message"] for error in refused.value.errors]
    assert ["request_id" in words[0], "“gpt” is no model" in words[1], len(words)] == [True, True, 2]
    assert Upload.objects.get().status == "uploaded"


def test_what_a_worker_reads_is_not_started_twice_but_taken_over_when_it_has_died(
    give: Give, ops: User
) -> None:
    upload = running(give())
    with pytest.raises(Refused, match="already"):
        actions.check(upload=upload, by=ops)
    running(upload, seconds_ago=61)
    assert actions.start(upload=upload, by=ops).status == "queued"


def test_a_file_that_is_gone_is_asked_for_again(give: Give, ops: User) -> None:
    upload = give()
    uploads.remove(upload.pk)
    with pytest.raises(Refused, match="Upload it again"):
        actions.start(upload=upload, by=ops)


def test_only_who_may_tune_starts_or_stops(give: Give, risk: User, stranger: User) -> None:
    upload = give()
    for action in (actions.start, actions.check, actions.stop):
        with pytest.raises(Forbidden):
            action(upload=upload, by=risk)
        with pytest.raises(Http404):
            action(upload=upload, by=stranger)


# Stop


def test_a_running_import_is_asked_to_stop_once_and_that_is_on_the_record(give: Give, ops: User) -> None:
    upload = actions.stop(upload=running(give()), by=ops, reason="Wrong month")
    assert (upload.status, upload.stop_asked) == ("running", True)
    actions.stop(upload=upload, by=ops)
    assert [event.reason for event in Event.objects.filter(kind="upload.stopped")] == ["Wrong month"]


def test_what_no_worker_reads_is_stopped_at_once(give: Give, ops: User) -> None:
    waiting = actions.stop(upload=actions.start(upload=give(), by=ops), by=ops)
    dead = actions.stop(upload=running(give(), seconds_ago=61), by=ops)
    assert [waiting.status, dead.status] == ["stopped", "stopped"]
    told = Event.objects.filter(kind="upload.stopped").values_list("sentence", flat=True)
    assert list(told) == ["Import of log.csv stopped."] * 2
    assert uploads.is_there(waiting)
    assert actions.start(upload=waiting, by=ops).status == "queued"


def test_a_file_that_nobody_wants_is_thrown_away(
    give: Give, ops: User, place: Path, django_capture_on_commit_callbacks: Any
) -> None:
    upload = give()
    with django_capture_on_commit_callbacks(execute=True):
        upload = actions.stop(upload=upload, by=ops)
    assert (upload.status, list(place.iterdir())) == ("stopped", [])
    words = "log.csv thrown away; nothing of it was imported."
    assert Event.objects.get(kind="upload.stopped").sentence == words
    before = versions(upload)
    actions.stop(upload=upload, by=ops)
    assert versions(upload) == before


def test_a_failing_audit_row_stops_nothing(give: Give, ops: User) -> None:
    upload = running(give())
    with failing_record():
        actions.stop(upload=upload, by=ops)
    assert not Upload.objects.get().stop_asked
