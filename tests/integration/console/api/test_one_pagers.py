"""One-pagers and JSON Schemas by API."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.one_pagers import one_pager

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from usecases.models import UseCase

Api = Callable[..., Any]
SHEET = "/use-cases/claims/one-pager"


@pytest.fixture
def api(client: "Client", people: "dict[str, User]", use_case: "UseCase") -> Api:
    """Call the API as one of the sample accounts."""
    from console import tokens

    texts: dict[str, str] = {}

    def call(method: str, path: str, body: Any = None, *, by: str = "ops", **headers: str) -> Any:
        if by and by not in texts:
            texts[by] = tokens.issue(name=by, by=people[by], user=people[by])[1]
        if by:
            headers["Authorization"] = f"Bearer {texts[by]}"
        data = b"" if body is None else json.dumps(body).encode()
        return client.generic(
            method, f"/api/v1{path}", data, content_type="application/json", headers=headers
        )

    return call


def test_it_is_written_read_and_told_what_is_missing(api: Api) -> None:
    empty = api("GET", SHEET)
    assert (empty.json()["answered"], empty.json()["written_at"]) == (0, None)

    written = api("PUT", SHEET, one_pager(kill_criteria=None), **{"If-Match": empty.headers["ETag"]})
    assert written.status_code == 200
    told = written.json()
    assert (told["missing"], told["complete"], told["written_by"]) == (["kill criteria"], False, "ops")
    assert api("GET", SHEET, by="risk").json() == told
    asked = api("GET", f"{SHEET}/questions").json()
    assert sum(question["needed"] for question in asked) == told["needed"]


def test_an_edit_of_an_older_one_is_a_conflict_that_says_what_stands(api: Api) -> None:
    seen = api("GET", SHEET).headers["ETag"]
    stands = api("PUT", SHEET, one_pager(), by="risk").headers["ETag"]
    late = api("PUT", SHEET, one_pager(kpi="Cost"), **{"If-Match": seen})
    assert (late.status_code, f'"{late.json()["etag"]}"') == (409, stands)


def test_faults_are_told_by_path_and_strangers_find_nothing(api: Api) -> None:
    wrong = api("PUT", SHEET, one_pager(kpi_target="many", time_box="soon"))
    assert wrong.status_code == 422
    paths = [error["path"] for error in wrong.json()["errors"]]
    assert paths == ["one_pager.answers.kpi_target", "one_pager.answers.time_box"]
    for method, body in (("GET", None), ("PUT", one_pager())):
        nowhere = api(method, "/use-cases/nowhere/one-pager", body, by="stranger")
        hidden = api(method, SHEET, body, by="stranger")
        assert hidden.status_code == nowhere.status_code == 404
        assert hidden.json()["detail"] == nowhere.json()["detail"].replace("nowhere", "claims")


def test_a_use_case_is_created_with_it(api: Api) -> None:
    file = api("GET", "/use-cases/claims/file").json() | {"slug": "two", "one_pager": one_pager()}
    assert api("POST", "/use-cases", file, by="admin").status_code == 201
    assert api("GET", "/use-cases/two/file", by="admin").json() == file


@pytest.mark.parametrize("name", ["document", "use-case"])
def test_schemas_are_served_to_everybody_and_only_once(api: Api, name: str) -> None:
    served = api("GET", f"/schemas/{name}.json", by="")
    assert (served.status_code, served.headers["Content-Type"]) == (200, "application/schema+json")
    assert served.json()["$id"].startswith("urn:operator-console:schema:")
    again = api("GET", f"/schemas/{name}.json", by="", **{"If-None-Match": served.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_there_is_no_other_schema(api: Api) -> None:
    assert api("GET", "/schemas/other.json", by="").status_code == 404
