"""Faults happen to real processes. A module gets one stack; a module's `STACK` says what it holds."""

from collections.abc import Iterator

import pytest

from tests.stack import Stack


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A running installation: `STACK = {"samples": True}` at the top of a module is passed to `Stack`."""
    with Stack(**getattr(request.module, "STACK", {})) as running:
        yield running
