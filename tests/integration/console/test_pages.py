"""Pages over all use cases: portfolio, audit, assistants, tokens, sign-in, errors."""

import csv
import io
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.documents import claims
from tests.integration.signing_in import come_in

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from usecases.models import UseCase


def test_signing_in_leads_to_the_portfolio_and_a_wrong_password_is_told(
    client: "Client", ops: "User"
) -> None:
    ops.set_password("a password of twelve")
    ops.save()

    refused = client.post("/sign-in", {"username": "ops", "password": "wrong"})
    assert refused.status_code == 200
    assert 'role="alert"' in refused.content.decode()
    assert (
        client.post("/sign-in", {"username": "ops", "password": "a password of twelve"}).headers["Location"]
        == "/"
    )
    assert client.get("/").status_code == 200
    assert client.post("/sign-out").headers["Location"] == "/sign-in"


def test_the_portfolio_lists_what_the_viewer_may_see(
    client: "Client", ops: "User", hidden: "UseCase"
) -> None:
    client.force_login(ops)

    shown = client.get("/").content.decode()

    assert "Claims summarisation" in shown
    assert "Hidden job" not in shown
    assert "1 use case, 0 running assistants" in shown
    assert "no audits judged yet" in shown
    assert "New use case" not in shown


def test_the_portfolio_is_searched_and_sorted(client: "Client", admin: "User", hidden: "UseCase") -> None:
    client.force_login(admin)

    found = client.get("/?q=hidden desk").content.decode()
    assert "Hidden job" in found
    assert 'data-key="claims"' not in found
    assert "Nothing found for “nothing&quot;" in client.get('/?q=nothing"').content.decode()
    for sort in ("name", "status", "error", "cost", "changed", "nonsense"):
        assert client.get(f"/?sort={sort}").status_code == 200


def test_a_portfolio_without_use_cases_says_how_to_begin(
    client: "Client", admin: "User", stranger: "User"
) -> None:
    client.force_login(admin)
    assert 'href="/use-cases/new"' in client.get("/").content.decode()
    client.force_login(stranger)
    assert "No use cases yet" in client.get("/").content.decode()


def test_the_record_leaks_nothing_of_hidden_use_cases(
    client: "Client", ops: "User", hidden: "UseCase"
) -> None:
    client.force_login(ops)

    for address in ("/audit", "/audit?q=hidden", "/audit?person=admin"):
        shown = client.get(address).content.decode()
        assert "Hidden job" not in shown
        assert '<option value="hidden"' not in shown
    asked, unknown = (
        re.sub(r"\w{64}", "", client.get(f"/audit?use_case={slug}").content.decode())
        for slug in ("hidden", "nowhere")
    )
    assert asked == unknown.replace("nowhere", "hidden"), (
        "what was typed stays chosen, be there such a use case or not"
    )
    assert "Hidden job" not in asked
    exported = b"".join(client.get("/audit.csv")).decode()
    assert "Claims summarisation created." in exported
    assert "hidden" not in exported


def test_the_record_is_filtered_by_person_kind_time_and_words(
    client: "Client", ops: "User", use_case: "UseCase"
) -> None:
    from django.utils import timezone

    from usecases.actions import kill_switches

    kill_switches.engage(use_case=use_case, by=ops, reason="=SUM(A1)")
    client.force_login(ops)
    today = timezone.now()
    tomorrow = (today + timedelta(days=1)).date()

    for query, found in {
        "person=ops": ["kill_switch.engaged"],
        "kind=use_case.created": ["use_case.created"],
        "use_case=claims&q=baseline": ["kill_switch.engaged"],
        f"since={tomorrow}": [],
        f"until={today.date()}": ["kill_switch.engaged", "use_case.created"],
        "since=nonsense": ["kill_switch.engaged", "use_case.created"],
    }.items():
        rows = list(csv.DictReader(io.StringIO(b"".join(client.get(f"/audit.csv?{query}")).decode())))
        assert [row["kind"] for row in rows] == found, query
        assert client.get(f"/audit?{query}").status_code == 200
    assert "'=SUM(A1)" in b"".join(client.get("/audit.csv")).decode()


def test_the_record_opens_to_old_and_new_values(client: "Client", ops: "User", use_case: "UseCase") -> None:
    from usecases.actions import versions

    versions.apply(use_case=use_case, document=claims(0.9), by=ops)
    client.force_login(ops)

    shown = client.get("/audit").content.decode()

    assert "bands.answer.from" in shown
    assert "0.85" in shown


def test_a_long_record_has_pages(client: "Client", ops: "User", use_case: "UseCase") -> None:
    from audit import log

    for n in range(55):
        log.record(kind="drill", sentence=f"Event {n}.", by=ops, use_case="claims")
    client.force_login(ops)

    first = client.get("/audit").content.decode()
    assert "Event 54." in first
    assert "Event 2." not in first
    older = first.split("before=")[1].split('"')[0]
    assert "Event 2." in client.get(f"/audit?before={older}").content.decode()


def test_assistants_are_listed_with_what_they_hold_of_visible_use_cases(
    client: "Client", ops: "User", hidden: "UseCase"
) -> None:
    from routing.models import Assistant, Holding

    assistant = Assistant.objects.create(instance="assistant-1")
    for slug in ("claims", "hidden"):
        Holding.objects.create(assistant=assistant, use_case=slug, version=0)
    client.force_login(ops)

    shown = client.get("/assistants").content.decode()

    assert "assistant-1" in shown
    assert "Claims summarisation" in shown
    assert "Hidden job" not in shown


def test_a_token_of_mine_is_shown_once_and_can_be_revoked(client: "Client", ops: "User") -> None:
    from console.models import Token

    come_in(client, ops)
    made = client.post("/tokens", {"name": "Reporting"}).content.decode()
    token = Token.objects.get(name="Reporting")

    assert f"{token.prefix}" in made
    assert 'id="secret">oc_' in made
    assert 'id="secret"' not in client.get("/tokens").content.decode()
    client.post(f"/tokens/{token.pk}/revoke")
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_only_admins_make_tokens_for_assistants(
    client: "Client", ops: "User", admin: "User", use_case: "UseCase"
) -> None:
    from console.models import Token

    form = {"kind": "assistant", "name": "assistants", "use_case": ["claims"]}
    come_in(client, ops)
    assert client.post("/tokens", form).status_code == 403
    come_in(client, admin)
    assert client.post("/tokens", form | {"use_case": ["unknown"]}).status_code == 422
    assert client.post("/tokens", form).status_code == 200
    token = Token.objects.get()
    assert token.use_cases == ["claims"]
    client.force_login(ops)
    assert client.post(f"/tokens/{token.pk}/revoke").status_code == 404


def test_an_address_that_leads_nowhere_has_a_page(client: "Client", ops: "User") -> None:
    assert "Not here" in client.get("/nowhere").content.decode()
    client.force_login(ops)
    missing = client.get("/use-cases/nowhere/")
    assert missing.status_code == 404
    assert "There is no use case “nowhere”." in missing.content.decode()


def test_a_server_error_and_an_outage_ask_the_database_nothing(db: None) -> None:
    from django.db import connection
    from django.test import RequestFactory
    from django.test.utils import CaptureQueriesContext

    from console.middleware import outage_response
    from console.views.errors import server_error

    request = RequestFactory().get("/")
    with CaptureQueriesContext(connection) as queries:
        broken, away = server_error(request), outage_response(request)

    assert (broken.status_code, away.status_code, len(queries)) == (500, 503, 0)
    assert "Something broke on our side" in broken.content.decode()
    assert "The database does not answer" in away.content.decode()


def test_a_wrong_address_during_an_outage_tells_of_the_outage() -> None:
    from django.db import OperationalError
    from django.http import Http404
    from django.test import RequestFactory

    from console.views.errors import not_found

    class Unknown:
        """Who is signed in stands in the database, which is away."""

        @property
        def is_authenticated(self) -> bool:
            raise OperationalError

    request = RequestFactory().get("/nowhere")
    request.user = Unknown()  # type: ignore[assignment]

    assert not_found(request, Http404()).status_code == 503


def test_a_form_from_before_the_last_sign_in_is_told(ops: "User", use_case: "UseCase") -> None:
    from django.test import Client

    careful = Client(enforce_csrf_checks=True)
    careful.force_login(ops)

    refused = careful.post("/use-cases/claims/kill")

    assert refused.status_code == 403
    assert "The page was too old" in refused.content.decode()
    assert use_case.versions.count() == 1


def test_pages_allow_no_inline_script_or_style(client: "Client", ops: "User", use_case: "UseCase") -> None:
    client.force_login(ops)
    for address in ("/", "/audit", "/use-cases/claims/", "/use-cases/claims/guardrails"):
        answer = client.get(address)
        shown = answer.content.decode()
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert " style=" not in shown
        assert "<style" not in shown
        assert " onclick" not in shown


def test_nothing_that_is_shown_is_framed_sniffed_or_kept_whatever_comes_of_a_request(
    client: "Client", admin: "User", use_case: "UseCase"
) -> None:
    client.raise_request_exception = False
    pages = (
        "/sign-in",
        "/nowhere",
        "/use-cases/none/",
        "/sign-in/failed",
        "/api/v1/nowhere",
        "/api/v1/use-cases",
    )
    answers = [client.get(path) for path in pages]
    come_in(client, admin)
    paths = (
        "/",
        "/audit",
        "/audit.csv",
        "/audit.jsonl",
        "/tokens",
        "/account",
        "/use-cases/claims/",
        "/use-cases/x/",
    )
    answers += [client.get(path) for path in paths]
    answers += [client.get("/audit", headers={"Host": "evil.example"}), client.post("/use-cases/claims/kill")]
    for answer in answers:
        where = (answer.request["PATH_INFO"], answer.status_code)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, where
        assert "frame-ancestors 'none'" in policy, where
        assert "unsafe" not in policy, where
        assert answer.headers["X-Content-Type-Options"] == "nosniff", where
        assert answer.headers["Referrer-Policy"] == "same-origin", where
        if answer.status_code != 400:  # of a foreign host nothing is read, and nothing told
            assert "no-store" in answer.headers["Cache-Control"], where
        if where[0].endswith(("csv", "jsonl")):
            assert answer.headers["Content-Disposition"].startswith("attachment; filename="), where
