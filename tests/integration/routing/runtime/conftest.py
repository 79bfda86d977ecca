"""A small console, a model provider, and assistants that end with their test."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.integration.routing.runtime.assistants import Assistant
from tests.integration.routing.runtime.model_provider import ModelProvider
from tests.integration.routing.runtime.small_console import SmallConsole


class Start(Protocol):
    """Starts an assistant for a use case; the same cache name again is the same machine again."""

    def __call__(self, slug: str = "claims", *, cache: str = "one", **more: Any) -> Assistant: ...


@pytest.fixture
def console() -> Iterator[SmallConsole]:
    small = SmallConsole()
    small.start()
    yield small
    small.stop()


@pytest.fixture
def start(console: SmallConsole, tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as ending:

        def begin(
            slug: str = "claims",
            *,
            cache: str = "one",
            environment: Mapping[str, str] | None = None,
            **more: Any,
        ) -> Assistant:
            assistant = Assistant(console.url, tmp_path / cache, slug, environment=environment, **more)
            ending.callback(assistant.kill)
            return assistant

        yield begin


@pytest.fixture(scope="package")
def provider() -> Iterator[ModelProvider]:
    models = ModelProvider()
    models.start()
    yield models
    models.stop()
