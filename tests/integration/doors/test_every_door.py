"""No door is forgotten: every address, operation and command stands in the table of rights."""

import re
from collections.abc import Iterator
from typing import Any

from django.core.management import get_commands
from django.urls import get_resolver

from tests.integration.doors.table import API, COMMANDS, PAGES

OURS = ("console", "usecases", "routing", "audit")
WHERE = (
    "add a line to tests/integration/doors/table.py, such as "
    'Door("kill", "POST", "kill", body={"to": "baseline"}): name, method, what it needs (a key of NEEDS), '
    "and `thing` where its address names more than the use case"
)


def pages(resolver: Any) -> Iterator[str]:
    """Return the names of all addresses that are not the API's; what has no name, by its pattern."""
    for entry in resolver.url_patterns:
        if getattr(entry, "app_name", "") == "ninja":
            continue
        if hasattr(entry, "url_patterns"):
            yield from pages(entry)
        else:
            yield entry.name or str(entry.pattern)


def operations() -> set[tuple[str, str]]:
    """Return method and path of every operation of the API, as its description gives them."""
    from console.api import api

    return {
        (method, re.sub(r"\{[a-z]+:", "{", prefix + path))
        for prefix, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
    }


def test_every_page_and_partial_is_in_the_table() -> None:
    found, named = set(pages(get_resolver())), {door.name for door in PAGES}
    assert not found - named, f"{sorted(found - named)}: {WHERE} (PAGES)"
    assert not named - found, f"{sorted(named - found)} lead nowhere any more: take them out of PAGES"


def test_every_operation_of_the_api_is_in_the_table() -> None:
    found, named = operations(), {(door.method, door.name) for door in API}
    assert not found - named, f"{sorted(found - named)}: {WHERE} (API)"
    assert not named - found, f"{sorted(named - found)} lead nowhere any more: take them out of API"


def test_every_command_is_in_the_table() -> None:
    found = {name for name, app in get_commands().items() if app in OURS}
    named = {door.name for door in COMMANDS}
    assert not found - named, f"{sorted(found - named)}: {WHERE} (COMMANDS)"
    assert not named - found, f"{sorted(named - found)} are gone: take them out of COMMANDS"
