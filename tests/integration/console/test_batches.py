"""Reports that arrive together are written together, and each gets its own answer."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import DataError, OperationalError

from console.batches import Batch


def together(write: Any, *given: str) -> list[Any]:
    """Put all of these at once; return answers and exceptions in their order."""

    async def scenario() -> list[Any]:
        batch: Batch[str] = Batch(write)
        return list(await asyncio.gather(*(batch.put(one) for one in given), return_exceptions=True))

    return asyncio.run(scenario())


def test_whatever_waits_is_written_at_once() -> None:
    sizes: list[int] = []

    def write(given: Sequence[str]) -> list[dict[str, Any]]:
        sizes.append(len(given))
        return [{"said": one} for one in given]

    answers = together(write, *"abcdefgh")

    assert answers == [{"said": one} for one in "abcdefgh"]
    assert sum(sizes) == 8
    assert len(sizes) <= 2


def test_a_report_that_the_database_refuses_costs_only_itself() -> None:
    def write(given: Sequence[str]) -> list[dict[str, Any]]:
        if "bad" in given:
            raise DataError("no such value")
        return [{"said": one} for one in given]

    first, bad, last = together(write, "a", "bad", "b")

    assert (first, last) == ({"said": "a"}, {"said": "b"})
    assert isinstance(bad, DataError)


@pytest.mark.parametrize("error", [OperationalError("away"), RuntimeError("odd")])
def test_an_outage_is_told_to_all_and_the_next_batch_goes_on(error: Exception) -> None:
    failing = [True]

    def write(given: Sequence[str]) -> list[dict[str, Any]]:
        if failing.pop() if failing else False:
            raise error
        return [{"said": one} for one in given]

    async def scenario() -> tuple[list[Any], Any]:
        batch: Batch[str] = Batch(write)
        told = await asyncio.gather(batch.put("a"), batch.put("b"), return_exceptions=True)
        return list(told), await batch.put("c")

    told, later = asyncio.run(scenario())
    assert told == [error, error]
    assert later == {"said": "c"}
