"""The pages of importing a log: who reaches them, what they say, and that they work without scripts."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from routing.models import Decision
from tests.documents import claims
from tests.logs import REFUSED, written
from usecases.actions import upload_runs, use_cases
from usecases.models import Upload, UseCase

IMPORT = "/use-cases/claims/import"
Give = Callable[..., Upload]


@pytest.fixture(autouse=True)
def place(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The beat's own connection would see nothing of what a test's transaction holds, and give the run up.
    monkeypatch.setattr(upload_runs, "BEAT_SECONDS", 3600)
    settings.UPLOADS = tmp_path / "uploads"


@pytest.fixture
def give(client: Client, ops: User, use_case: UseCase, tmp_path: Path) -> Give:
    """Give a log by the form, as `ops`."""
    client.force_login(ops)

    def given(**log: Any) -> Upload:
        content = written(tmp_path / "log.csv", **log).read_bytes()
        answer = client.post(IMPORT, {"file": SimpleUploadedFile("log.csv", content)})
        assert (answer.status_code, answer.headers["Location"][:24]) == (302, f"{IMPORT}/"[:24])
        return Upload.objects.latest("uploaded_at")

    return given


def page(client: Client, upload: Upload, part: str = "") -> str:
    answer = client.get(f"{IMPORT}/{upload.pk}{part}")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("who", "expected"), [("ops", 200), ("admin", 200), ("risk", 403), ("stranger", 404)]
)
def test_only_who_may_tune_reaches_imports(
    client: Client, people: dict[str, User], give: Give, who: str, expected: int
) -> None:
    upload = give()
    client.force_login(people[who])
    seen = {path: client.get(path).status_code for path in (IMPORT, f"{IMPORT}/{upload.pk}")}
    assert seen == dict.fromkeys(seen, expected)
    if expected != 200:
        for button in ("map", "check", "start", "stop"):
            assert client.post(f"{IMPORT}/{upload.pk}/{button}").status_code == expected
        assert client.post(IMPORT, {}).status_code == expected
        assert client.get(f"{IMPORT}/{upload.pk}/refused.csv").status_code == expected


def test_an_upload_is_not_reached_through_another_use_case(client: Client, admin: User, give: Give) -> None:
    upload = give()
    use_cases.create(slug="other", name="Other", owner="ops", document=claims(), by=admin)
    assert client.get(f"/use-cases/other/import/{upload.pk}").status_code == 404
    assert client.get(f"{IMPORT}/{uuid4()}").status_code == 404


def test_the_way_to_the_import_stands_on_the_decisions_page_for_who_may_use_it(
    client: Client, people: dict[str, User], use_case: UseCase
) -> None:
    for who, there in (("ops", True), ("risk", False)):
        client.force_login(people[who])
        assert (f'href="{IMPORT}"' in client.get("/use-cases/claims/decisions").content.decode()) is there


def test_a_log_is_given_mapped_checked_and_imported_by_plain_forms(client: Client, give: Give) -> None:
    upload = give(text="question")
    shown = page(client, upload)
    assert "A pipe burst in my kitchen, claim 0" in shown
    assert 'value="question"' in shown

    said = {"column:1": "text", "column:3": "attribute", "name:3": "peril"}
    assert client.post(f"{IMPORT}/{upload.pk}/map", said).status_code == 302
    upload.refresh_from_db()
    assert upload.renames == [["question", "text"], ["topic", "attributes.peril"]]

    client.post(f"{IMPORT}/{upload.pk}/check")
    upload_runs.work_off(upload=upload.pk)
    assert "Import 56 rows" in page(client, upload)

    client.post(f"{IMPORT}/{upload.pk}/start", said | {"column:0": "request_id"})
    assert "It starts as soon as a worker is free." in page(client, upload)
    upload_runs.work_off(upload=upload.pk)
    done = page(client, upload)
    assert "56 stored, 0 there already, 4 refused." in done
    assert 'href="/use-cases/claims/tune"' in done
    assert Decision.objects.get(request_id="r-000000").attributes == {"peril": "fire"}
    assert Decision.objects.get(request_id="r-000000").text.startswith("A pipe burst")


def test_a_choice_brings_the_fresh_preview_alone(client: Client, give: Give) -> None:
    upload = give(bad=False, models=("small", "gpt"))
    assert "“gpt” is no model of this use case, which has: small, large." in page(client, upload)
    answer = client.post(
        f"{IMPORT}/{upload.pk}/map", {"model:1": "large"}, headers={"HX-Request": "true"}
    ).content.decode()
    assert answer.lstrip().startswith('<form class="stack" id="mapping"')
    assert "no model of this use case, which" not in answer


def test_a_file_that_is_refused_is_told_in_the_form_and_to_the_script(client: Client, give: Give) -> None:
    give()
    sheet = {"file": SimpleUploadedFile("log.xlsx", b"PK")}
    answer = client.post(IMPORT, sheet)
    assert (answer.status_code, "neither .csv nor .jsonl" in answer.content.decode()) == (422, True)
    sheet["file"].seek(0)
    answer = client.post(IMPORT, sheet, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["message"]) == (
        422,
        "“log.xlsx” is neither .csv nor .jsonl, plain or with .gz at the end.",
    )
    assert client.post(IMPORT, {}).status_code == 422


def test_every_refused_row_is_there_to_download_harmless_in_a_spreadsheet(client: Client, give: Give) -> None:
    upload = give()
    Upload.objects.filter(pk=upload.pk).update(renames=[["topic", "attributes.=1+1"]])
    client.post(f"{IMPORT}/{upload.pk}/start")
    upload_runs.work_off(upload=upload.pk)

    answer = client.get(f"{IMPORT}/{upload.pk}/refused.csv")

    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["line", "field", "reason"]
    assert [(int(line), field) for line, field, _ in rows[1:]] == [
        (line, field) for line, field, _ in REFUSED
    ]
    shown = page(client, upload)
    assert all(reason in shown for _, _, reason in REFUSED)


def test_what_is_missing_is_said_a_worker_or_its_sign_of_life(client: Client, give: Give, ops: User) -> None:
    upload = give()
    client.post(f"{IMPORT}/{upload.pk}/start")
    ago = timezone.now() - timedelta(seconds=61)
    Upload.objects.filter(pk=upload.pk).update(progressed_at=ago)
    assert "No worker has taken it for 61 s" in page(client, upload)

    Upload.objects.filter(pk=upload.pk).update(status="running", run=uuid4(), started_at=ago)
    silent = page(client, upload)
    assert "No progress for 61 s: its worker has died." in silent
    assert "Start again" in silent
    client.post(f"{IMPORT}/{upload.pk}/start")
    assert Upload.objects.get().status == "queued"


def test_former_uploads_stand_below_with_what_became_of_them(client: Client, give: Give) -> None:
    upload = give()
    client.post(f"{IMPORT}/{upload.pk}/start")
    upload_runs.work_off(upload=upload.pk)
    give()
    shown = client.get(IMPORT).content.decode()
    assert shown.count("log.csv</a>") == 2
    assert "imported</span>" in shown
    assert "not imported yet</span>" in shown


def test_a_start_that_is_refused_says_why(client: Client, give: Give) -> None:
    upload = give(models=("gpt",))
    client.post(f"{IMPORT}/{upload.pk}/start")
    assert "The file does not fit this use case yet." in page(client, upload)
    assert Upload.objects.get().status == "uploaded"
