"""The API's description can be built on: names are unique, and nothing in it goes without words."""

from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from pydantic import BaseModel

import console.api
from console.api import api


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def twice(names: list[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def test_every_operation_has_a_name_of_its_own_that_says_resource_and_function() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert twice(names) == []
    assert {"kill_switches_kill", "changes_approve", "units_put_unit"} <= set(names)


def test_every_shape_has_a_name_of_its_own() -> None:
    """Two of one name would be described as one, and half of the answers would not keep it."""
    modules = [import_module(f"console.api.{one.name}") for one in iter_modules(console.api.__path__)]
    shapes = [
        name
        for module in modules
        for name, found in vars(module).items()
        if isinstance(found, type) and issubclass(found, BaseModel) and found.__module__ == module.__name__
    ]
    described = api.get_openapi_schema()["components"]["schemas"]
    assert [name for name in twice(shapes) if name in described] == []


def test_nothing_goes_without_words() -> None:
    silent = [
        f"{label}: {one['name']}"
        for label, operation in operations()
        for one in operation.get("parameters", ())
        if not (one.get("description") or one["schema"].get("description"))
        and one["name"] not in ("pk", "uid", "name")
    ]
    assert silent == []
    assert [
        label for label, operation in operations() if not (operation["summary"] and operation["tags"])
    ] == []
