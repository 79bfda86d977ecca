"""Golden sets as pages: uploaded by risk, read by all who see the use case, with the scores of live and draft."""

from typing import TYPE_CHECKING

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.documents import claims

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from usecases.models import UseCase

ADDRESS = "/use-cases/claims/golden-sets"
HEAD = "id,signals.models.small.confidence,signals.models.large.confidence,expected.action"
CSV = f"{HEAD}\n1,0.95,0.9,answer\n12,0.7,0.8,review\n"


def upload(client: "Client", text: str, name: str = "core.csv") -> "tuple[int, str]":
    file = SimpleUploadedFile(name, text.encode())
    answer = client.post(ADDRESS, {"file": file, "reason": "Spring"}, follow=True)
    return answer.status_code, answer.content.decode()


def test_risk_uploads_a_set_and_owners_see_live_and_draft_on_it(
    client: "Client", risk: "User", ops: "User", use_case: "UseCase"
) -> None:
    from usecases.actions import drafts

    client.force_login(risk)
    status, page = upload(client, CSV)
    assert (status, "Golden set “core” holds 2 cases." in page) == (200, True)

    draft = drafts.open_for(use_case=use_case, by=ops)
    drafts.edit(draft=draft, document=claims(0.78), by=ops, sentence="Answer more")
    client.force_login(ops)
    listed = client.get(ADDRESS).content.decode()
    assert "2 of 2 cases as expected" in listed
    assert "1 of 2 cases as expected" in listed
    assert "Upload the set" not in listed
    one = client.get(f"{ADDRESS}/{use_case.golden_sets.get().pk}").content.decode()
    assert "Not as expected under your draft" in one
    assert "claims-summary@12" in one
    assert client.post(ADDRESS, {}).status_code == 403


def test_a_file_that_cannot_be_taken_is_told_by_row_and_field(
    client: "Client", risk: "User", use_case: "UseCase"
) -> None:
    client.force_login(risk)
    status, page = upload(client, f"{HEAD}\n1,high,0.9,shrug\n")
    assert status == 422
    assert "Row 1, expected.action: has to be answer, review or escalate." in page
    assert "Row 1, signals.models.small.confidence: has to be a number, 0 or more." in page
    assert "there is no column “id”" in upload(client, "expected.action\nanswer")[1]


def test_a_stranger_sees_none(client: "Client", stranger: "User", use_case: "UseCase") -> None:
    client.force_login(stranger)
    assert client.get(ADDRESS).status_code == 404
    assert client.get(f"{ADDRESS}/1").status_code == 404
