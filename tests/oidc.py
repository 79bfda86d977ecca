"""A real OpenID Connect provider on loopback, in a process of its own, as a company would run one."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from console.stack import HOST
from tests.ports import own_port


class Provider:
    """Where it is, and who it knows."""

    def __init__(self, url: str) -> None:
        self.url = url

    def knows(self, sub: str, **claims: Any) -> None:
        """Know a person, from now on with these claims."""
        httpx.put(f"{self.url}/users/{sub}", json=claims, timeout=5).raise_for_status()

    def env(self, **more: str) -> dict[str, str]:
        """What a console is started with to send people here."""
        return {
            "OIDC_ISSUER": self.url,
            "OIDC_CLIENT_ID": "console",
            "OIDC_CLIENT_SECRET": "only for tests",
            "OIDC_NAME": "Example SSO",
            **more,
        }

    def authorize(self, there: str, sub: str) -> str:
        """Say at the provider's page who one is; return where it sends the browser back to."""
        answer = httpx.post(there, data={"sub": sub}, timeout=5)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]


@contextmanager
def provider() -> Iterator[Provider]:
    """Run one for as long as the block lasts."""
    port = own_port()
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "oidc_provider_mock",
        "--port",
        str(port),
        "--host",
        HOST,
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    url = f"http://{HOST}:{port}"
    try:
        _wait(process, url)
        yield Provider(url)
    finally:
        process.kill()
        process.communicate()


def _wait(process: "subprocess.Popen[str]", url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the provider ended: {process.communicate()[1]}")
        try:
            found = httpx.get(f"{url}/.well-known/openid-configuration", timeout=1)
            assert json.loads(found.text)["issuer"] == url
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the provider does not answer")
