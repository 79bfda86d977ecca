"""The web process as it runs: streams beside Django, fed by one listener."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest

from tests.documents import claims
from tests.stack import Stack

SLUG = "claims"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(assistants=0, worker=False) as running:
        create(running, SLUG)
        yield running


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    return stack.assistant_token("desk", [SLUG, "later"])


def create(stack: Stack, slug: str) -> None:
    body = {"slug": slug, "name": slug, "owner": "ops", "document": claims()}
    answer = stack.api("POST", "/api/v1/use-cases", json=body)
    assert answer.status_code == 201, answer.text


def kill(stack: Stack, what: str = "kill") -> int:
    return int(stack.api("POST", f"/api/v1/use-cases/{SLUG}/{what}", json={}).json()["version"])


class Events:
    """What came over a stream, read in a thread of its own."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []
        self.ended = threading.Event()

    def read(self, answer: httpx.Response) -> None:
        try:
            name = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self.seen.append((name, json.loads(line.removeprefix("data: "))))
        except httpx.TransportError:
            pass
        self.ended.set()

    def wait(self, name: str, seconds: float = 5, **wanted: Any) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for event, data in self.seen:
                if event == name and wanted.items() <= data.items():
                    return dict(data)
            time.sleep(0.01)
        raise AssertionError(f"no {name} with {wanted}; there were {[event for event, _ in self.seen]}")


@contextmanager
def stream(stack: Stack, path: str, **request: Any) -> Iterator[Events]:
    events = Events()
    with httpx.stream("GET", stack.web_url + path, timeout=30, **request) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        reader = threading.Thread(target=events.read, args=[answer], daemon=True)
        reader.start()
        yield events


def config_stream(stack: Stack, token: str, slug: str = SLUG) -> Any:
    path = f"/api/v1/stream?instance=a&use_case={slug}"
    return stream(stack, path, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def session(stack: Stack) -> httpx.Cookies:
    return signed_in(stack, "ops", stack.password("ops"))


def signed_in(stack: Stack, name: str, password: str) -> httpx.Cookies:
    """Sign in as a browser does."""
    with httpx.Client(base_url=stack.web_url) as browser:
        browser.get("/sign-in")
        form = {
            "username": name,
            "password": password,
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        }
        assert browser.post("/sign-in", data=form).status_code == 302
        return browser.cookies


def test_a_stream_begins_with_what_stands_and_brings_what_follows(stack: Stack, token: str) -> None:
    with config_stream(stack, token) as events:
        first = events.wait("config")
        killed = kill(stack)
        assert killed > first["version"]
        assert events.wait("config", version=killed)["state"] == "baseline"
        restored = kill(stack, "restore")
        assert events.wait("config", version=restored)["digest"] == first["digest"]


def test_a_use_case_created_later_needs_no_restart(stack: Stack, token: str) -> None:
    refused = httpx.get(
        f"{stack.web_url}/api/v1/stream?instance=a&use_case=later",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert (refused.status_code, refused.headers["content-type"]) == (404, "application/problem+json")

    create(stack, "later")

    with config_stream(stack, token, "later") as events:
        assert events.wait("config")["version"] == 1


def test_a_cut_listener_catches_up_and_streams_stay_open(stack: Stack, token: str) -> None:
    with config_stream(stack, token) as events:
        events.wait("config")
        with psycopg.connect(stack.database_url, autocommit=True) as connection:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'console listener'"
            assert connection.execute(cut).fetchall() == [(True,)]
        for what in ("kill", "restore"):
            events.wait("config", version=kill(stack, what))
        assert not events.ended.is_set()


def test_a_revoked_token_loses_its_stream_and_opens_no_other(stack: Stack) -> None:
    text = stack.assistant_token("short-lived", [SLUG])
    with config_stream(stack, text) as events:
        events.wait("config")
        stack.manage("shell", "-c", REVOKE)
        assert events.ended.wait(5)
    again = httpx.get(
        f"{stack.web_url}/api/v1/stream?instance=a&use_case={SLUG}",
        headers={"Authorization": f"Bearer {text}"},
    )
    assert again.status_code == 401
    assert stack.api("GET", "/api/v1/signing-keys", token=text).status_code == 401


REVOKE = """
from audit import log
from console import tokens
from console.models import Token
tokens.revoke(token=Token.objects.get(name="short-lived"), by=log.System("command"))
"""


def test_pages_hear_of_publications_and_of_reports(stack: Stack, token: str, session: httpx.Cookies) -> None:
    for asked in (SLUG, "all"):
        with stream(stack, f"/live?use_case={asked}", cookies=session) as events:
            version = events.wait("ready")["versions"][SLUG]
            killed = kill(stack)
            events.wait("changed", use_case=SLUG, version=killed)
            assert killed == version + 1
            before = len(events.seen)
            ack = {"use_case": SLUG, "version": killed, "digest": "d" * 64, "status": "applied"}
            stack.api(
                "POST", "/api/v1/acks", token=token, json=[ack | {"instance": f"a{n}"} for n in range(30)]
            )
            time.sleep(0.8)
            assert 1 <= len(events.seen) - before <= 4
            kill(stack, "restore")


def test_pages_close_at_once_where_a_session_or_an_account_ends(stack: Stack) -> None:
    """Each web process hears of it (NOTIFY); streams of others stay open."""
    here, elsewhere = (signed_in(stack, "risk", stack.password("risk")) for _ in range(2))
    others = signed_in(stack, "ops", stack.password("ops"))
    watched = [stream(stack, "/live?use_case=all", cookies=cookies) for cookies in (here, elsewhere, others)]
    with watched[0] as mine, watched[1] as ended, watched[2] as theirs:
        for events in (mine, ended, theirs):
            events.wait("ready")
        with httpx.Client(base_url=stack.web_url, cookies=here) as browser:
            form = {"csrfmiddlewaretoken": here["csrftoken"]}
            assert browser.post("/account/sessions/end", data=form).headers["Location"] == "/account"
        assert ended.ended.wait(5)
        assert not mine.ended.is_set()
        assert httpx.get(f"{stack.web_url}/live", cookies=elsewhere).status_code == 401

        stack.manage("shell", "-c", SWITCH.format("deactivate"))
        assert mine.ended.wait(5)
        assert not theirs.ended.is_set()
        assert httpx.get(f"{stack.web_url}/live", cookies=here).status_code == 401
    stack.manage("shell", "-c", SWITCH.format("activate"))


SWITCH = """
from audit import log
from console import accounts
from django.contrib.auth.models import User
accounts.{}(person=User.objects.get(username="risk"), by=log.System("command"), reason="Left the bank.")
"""


def test_who_may_not_watch(stack: Stack, session: httpx.Cookies) -> None:
    assert httpx.get(f"{stack.web_url}/live?use_case={SLUG}").status_code == 401
    assert httpx.get(f"{stack.web_url}/live?use_case=nobody", cookies=session).status_code == 404
    assert httpx.post(f"{stack.web_url}/live", cookies=session).status_code == 405


def test_an_oversized_body_is_refused_before_it_is_read(stack: Stack, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    large = b"[" + b" " * (9 * 1024 * 1024) + b"]"

    def parts() -> Iterator[bytes]:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    for content in (large, parts()):
        answer = httpx.post(f"{stack.web_url}/api/v1/decisions", content=content, headers=headers, timeout=30)
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


def test_a_large_log_is_read_from_who_may_tune_alone(stack: Stack) -> None:
    where = f"/api/v1/use-cases/{SLUG}/imports?name=log.csv"
    large = b"request_id,small__confidence\n" + b"a,0.5\n" * (12 << 18)

    def send(by: str) -> httpx.Response:
        return stack.api("POST", where, by=by, content=large, headers={"Content-Type": "text/csv"})

    assert len(large) > 16 * 1024 * 1024
    assert (send("risk").status_code, send("ops").status_code) == (413, 202)
    uploads = stack.data_dir / "uploads"
    assert sorted(path.stat().st_size for path in uploads.iterdir())[-1] == len(large)
    assert [path for path in uploads.iterdir() if path.suffix == ".body"] == []


@pytest.mark.parametrize("path", ["/api/v1/acks", "/api/v1/heartbeats"])
def test_reports_written_together_are_refused_like_any_other(stack: Stack, token: str, path: str) -> None:
    foreign = {"use_case": "foreign", "version": 1, "digest": "", "status": "applied"}
    ack = {"instance": "a", **foreign, "use_cases": [foreign]}
    headers = {"Authorization": f"Bearer {token}"}
    for content, given, status in (
        (b"{}", {}, 401),
        (b"{}", {"Authorization": f"Bearer {stack.token('admin')}"}, 403),
        (b"{", headers, 400),
        (b'{"instance": 1}', headers, 422),
        (json.dumps(ack).encode(), headers, 403),
    ):
        answer = httpx.post(stack.web_url + path, content=content, headers=given)
        assert (answer.status_code, answer.json()["status"]) == (status, status), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    wrong = httpx.get(stack.web_url + path, headers=headers)
    assert (wrong.status_code, wrong.headers["content-type"]) == (405, "application/problem+json")


def test_head_answers_as_get_does_without_the_content(stack: Stack) -> None:
    """RFC 9110, 9.3.2: what is read with GET can be asked for with HEAD; what is not read cannot."""
    for path in (
        "/api/v1/schemas/document.json",
        "/api/v1/use-cases",
        "/api/v1/use-cases/nobody",
        "/healthz",
    ):
        read, asked = (stack.api(method, path) for method in ("GET", "HEAD"))
        assert (asked.status_code, asked.content) == (read.status_code, b""), path
        for name in ("Content-Type", "Content-Length", "ETag"):
            assert asked.headers.get(name) == read.headers.get(name), (path, name)
    assert stack.api("HEAD", "/api/v1/kill").status_code == 405
    path = "/api/v1/schemas/use-case.json"
    known = {"If-None-Match": f'"other", W/{stack.api("GET", path).headers["ETag"]}'}
    for method in ("GET", "HEAD"):
        unchanged = stack.api(method, path, headers=known)
        assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_health_names_its_parts(stack: Stack) -> None:
    assert httpx.get(f"{stack.web_url}/healthz").json() == {"status": "ok"}
    ready = httpx.get(f"{stack.web_url}/readyz")
    parts = ready.json()["parts"]
    assert ready.status_code == 200
    assert [parts[name] for name in ("database", "migrations", "listener", "redis")] == ["ok"] * 4


def test_openapi_describes_what_assistants_use(stack: Stack) -> None:
    described = httpx.get(f"{stack.web_url}/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    paths = set(described["paths"])
    own = ("stream", "use-cases/{slug}/config", "acks", "heartbeats", "decisions", "outcomes", "signing-keys")
    assert {f"/api/v1/{path}" for path in (*own, "use-cases/{slug}/decide")} <= paths


def test_a_stop_ends_open_streams_and_does_not_wait_for_them(stack: Stack, token: str) -> None:
    with config_stream(stack, token) as events:
        events.wait("config")
        begun = time.monotonic()
        stack.processes["web"].stop()
        assert events.ended.wait(1)
        assert time.monotonic() - begun < 2
    stack.start_web()


def test_streams_tell_a_stranger_nothing(stack: Stack) -> None:
    made = "from django.contrib.auth.models import User; User.objects.create_user('stranger', password='{}')"
    password = "of-a-stranger-7"
    stack.manage("shell", "-c", made.format(password))
    cookies = signed_in(stack, "stranger", password)
    foreign = {"Authorization": f"Bearer {stack.assistant_token('foreign', ['other'])}"}
    for path, said in (
        ("/live?use_case={}", {"cookies": cookies}),
        ("/api/v1/stream?instance=a&use_case={}", {"headers": foreign}),
    ):
        hidden, nowhere = (httpx.get(stack.web_url + path.format(slug), **said) for slug in (SLUG, "absent"))
        assert hidden.status_code in (403, 404)
        assert hidden.status_code == nowhere.status_code
        assert hidden.text == nowhere.text.replace("absent", SLUG)
    with stream(stack, "/live", cookies=cookies) as events:
        assert events.wait("ready")["versions"] == {}
        kill(stack, "restore")
        kill(stack)
        time.sleep(0.5)
        assert [name for name, _ in events.seen] == ["ready"]
