"""`POST …/imports`: a decision log in, read by a worker, its state asked for by id."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from console import tokens
from routing.models import Decision
from tests.logs import REFUSED, written
from usecases.actions import upload_runs
from usecases.models import Upload, UseCase

Call = Callable[..., Any]
PATH = "/api/v1/use-cases/claims/imports"


@pytest.fixture
def call(client: Client, people: dict[str, User], use_case: UseCase) -> Call:
    """Ask the API as one of the sample accounts."""

    def asked(method: str, path: str, *given: Any, by: str = "ops", **more: Any) -> Any:
        text = tokens.issue(name=str(uuid4()), by=people[by], user=people[by])[1]
        return getattr(client, method)(path, *given, headers={"Authorization": f"Bearer {text}"}, **more)

    return asked


@pytest.fixture
def log(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    # The beat's own connection would see nothing of what a test's transaction holds, and give the run up.
    monkeypatch.setattr(upload_runs, "BEAT_SECONDS", 3600)
    settings.UPLOADS = tmp_path / "uploads"
    return written(tmp_path / "log.csv", text="question").read_bytes()


def test_a_log_given_as_a_form_is_imported_and_its_refusals_are_told(call: Call, log: bytes) -> None:
    form = {"file": SimpleUploadedFile("log.csv", log), "map": ["question=text", "topic=ignore"]}
    given = call("post", PATH, form)
    assert (given.status_code, given.json()["status"]) == (202, "queued")
    upload_runs.work_off(upload=Upload.objects.get().pk)

    told = call("get", f"{PATH}/{given.json()['id']}").json()

    assert (told["status"], told["dry_run"], told["lines"], told["errors"]) == ("done", False, 61, [])
    tally = {name: told["tally"][name] for name in ("rows", "stored", "already", "refused")}
    assert tally == {"rows": 60, "stored": 56, "already": 0, "refused": 4}
    assert [(row["line"], row["field"]) for row in told["refusals"]] == [row[:2] for row in REFUSED]
    assert Decision.objects.get(request_id="r-000000").attributes == {}


def test_a_log_given_as_the_body_is_checked_alone_where_that_is_asked(call: Call, log: bytes) -> None:
    path = f"{PATH}?name=log.csv&map=question=text&dry_run=true"
    given = call("post", path, log, content_type="text/csv")
    assert (given.status_code, given.json()["dry_run"]) == (202, True)
    upload_runs.work_off(upload=Upload.objects.get().pk)

    told = call("get", f"{PATH}/{given.json()['id']}").json()

    assert (told["status"], told["tally"]["stored"], Decision.objects.count()) == ("checked", 56, 0)


def test_a_log_that_does_not_fit_is_refused_with_every_fault_and_not_kept(
    call: Call, log: bytes, settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = call(
            "post", f"{PATH}?name=log.csv&map=small=tiny&map=nothing=text", log, content_type="text/csv"
        )
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    words = " ".join(error["message"] for error in answer.json()["errors"])
    assert ("“tiny” is no model" in words, "no column and no model “nothing”" in words) == (True, True)
    assert list(Path(settings.UPLOADS).iterdir()) == []


@pytest.mark.parametrize(
    ("query", "path"),
    [("", "name"), ("?name=log.csv&map=question", "map[0]")],
)
def test_what_the_request_leaves_out_is_named(call: Call, log: bytes, query: str, path: str) -> None:
    answer = call("post", PATH + query, log, content_type="text/csv")
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, path)


def test_a_form_without_a_file_and_a_file_of_another_kind_are_refused(call: Call, log: bytes) -> None:
    assert call("post", PATH, {}).json()["errors"][0]["path"] == "file"
    answer = call("post", f"{PATH}?name=log.xlsx", log, content_type="text/csv")
    assert (answer.status_code, "neither .csv" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize(("by", "expected"), [("risk", 403), ("stranger", 404)])
def test_only_who_may_tune_gives_logs_and_asks_for_them(
    call: Call, log: bytes, by: str, expected: int
) -> None:
    given = call("post", f"{PATH}?name=log.csv&map=question=text", log, content_type="text/csv").json()
    assert call("get", f"{PATH}/{given['id']}", by=by).status_code == expected
    answer = call("post", f"{PATH}?name=log.csv", log, content_type="text/csv", by=by)
    assert (answer.status_code, Upload.objects.count()) == (expected, 1)
    assert call("get", f"{PATH}/{uuid4()}").status_code == 404


def test_the_contract_is_described(client: Client) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    given = paths["/api/v1/use-cases/{slug}/imports"]["post"]
    assert set(given["requestBody"]["content"]) == {"multipart/form-data", "application/octet-stream"}
    assert "202" in given["responses"]
