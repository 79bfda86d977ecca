"""One table: who may open which page of a use case."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from usecases.models import UseCase

PAGES = (
    *("", "changes", "changes/1", "cases", "cases.csv", "what-if", "calibration"),
    *("promise", "promise/labels", "promise/ladders"),
    *("decisions", "decisions.csv", "assistants", "guardrails"),
)
BUTTONS = {
    "kill": {"ops": 302, "risk": 302, "admin": 302, "stranger": 404},
    "restore": {"ops": 302, "risk": 302, "admin": 302, "stranger": 404},
    "message": {"ops": 302, "risk": 302, "admin": 302, "stranger": 404},
    "changes/1/revert": {"ops": 302, "risk": 403, "admin": 302, "stranger": 404},
    "guardrails": {"ops": 403, "risk": 302, "admin": 302, "stranger": 404},
    # Who may, is told that no map is proposed, and that this model is not there.
    "calibration/propose": {"ops": 422, "risk": 403, "admin": 422, "stranger": 404},
    "calibration/remove": {"ops": 422, "risk": 403, "admin": 422, "stranger": 404},
    # Who may, is told how many labels are missing, and that no setting was named.
    "promise/certify": {"ops": 422, "risk": 403, "admin": 422, "stranger": 404},
    "promise/use": {"ops": 422, "risk": 403, "admin": 422, "stranger": 404},
    # Who may, is told that there are no decisions yet.
    "what-if/keep": {"ops": 422, "risk": 403, "admin": 422, "stranger": 404},
}


@pytest.mark.parametrize(
    ("who", "expected"), [("ops", 200), ("risk", 200), ("admin", 200), ("stranger", 404)]
)
def test_who_may_see_a_page(
    client: "Client", people: "dict[str, User]", use_case: "UseCase", who: str, expected: int
) -> None:
    client.force_login(people[who])

    seen = {page: client.get(f"/use-cases/claims/{page}").status_code for page in PAGES}

    assert seen == dict.fromkeys(PAGES, expected)


@pytest.mark.parametrize("who", ["ops", "risk", "admin", "stranger"])
def test_who_may_press_a_button(
    client: "Client", people: "dict[str, User]", use_case: "UseCase", who: str
) -> None:
    client.force_login(people[who])

    answers = {button: client.post(f"/use-cases/claims/{button}").status_code for button in BUTTONS}

    assert answers == {button: rights[who] for button, rights in BUTTONS.items()}


def test_nobody_signed_in_is_asked_to_sign_in(client: "Client", use_case: "UseCase") -> None:
    for page in ("/", "/audit", "/assistants", "/tokens", "/use-cases/new", "/use-cases/claims/"):
        assert client.get(page).headers["Location"].startswith("/sign-in?next="), page


def test_a_looker_sees_no_button_and_the_action_refuses_too(
    client: "Client", stranger: "User", use_case: "UseCase"
) -> None:
    from guardian.shortcuts import assign_perm

    assign_perm("usecases.view_usecase", stranger, use_case)
    client.force_login(stranger)

    page = client.get("/use-cases/claims/").content.decode()

    assert "To baseline" not in page
    assert "Review everything" not in page
    refused = client.post("/use-cases/claims/kill")
    assert refused.status_code == 403
    assert "You may not stop or restore “Claims summarisation”." in refused.content.decode()
    assert use_case.versions.count() == 1


def test_the_address_of_a_button_opened_by_hand_leads_home(
    client: "Client", ops: "User", use_case: "UseCase"
) -> None:
    client.force_login(ops)

    assert client.get("/use-cases/claims/kill").headers["Location"] == "/"
    assert use_case.versions.count() == 1
