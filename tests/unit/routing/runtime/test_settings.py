"""What an assistant is told at its start."""

from pathlib import Path

import pytest

from routing.runtime.settings import read

GIVEN = [
    "--console",
    "http://console/",
    "--use-case",
    "claims",
    "--use-case",
    "refunds",
    "--use-case",
    "claims",
]


def test_command_line_and_environment_are_read() -> None:
    environment = {"CONSOLE_TOKEN": "t", "GATEWAY_API_KEYS": "a, b,", "POLL_SECONDS": "3"}
    settings = read([*GIVEN, "--port", "8100", "--cache", "c", "--instance", "one"], environment)
    assert (settings.console, settings.token, settings.port) == ("http://console", "t", 8100)
    assert settings.use_cases == ("claims", "refunds")
    assert settings.gateway_keys == ("a", "b")
    assert (settings.poll_seconds, settings.heartbeat_seconds) == (3.0, 5.0)
    assert settings.cache == Path("c")
    assert "'t'" not in repr(settings)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "CONSOLE_TOKEN"),
        ({"CONSOLE_TOKEN": "t", "POLL_SECONDS": "soon"}, "POLL_SECONDS"),
        ({"CONSOLE_TOKEN": "t", "HEARTBEAT_SECONDS": "0"}, "HEARTBEAT_SECONDS"),
    ],
)
def test_what_is_missing_is_named(
    environment: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        read(GIVEN, environment)
    assert words in capsys.readouterr().err
