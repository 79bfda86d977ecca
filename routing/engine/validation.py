"""Validation of documents: every fault at once, each with its path and a sentence."""

from typing import Any

from routing.engine.condition_checks import condition_faults
from routing.engine.cross_checks import cross_faults
from routing.engine.faults import MAX_FAULTS, Fault
from routing.engine.json_checks import json_faults
from routing.engine.schema import ConfigDocument
from routing.engine.structure import structure_faults

__all__ = ["Fault", "InvalidDocument", "faults", "parse"]


class InvalidDocument(ValueError):
    """A document that cannot be used. `faults` is everything that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path or 'document'}: {fault.message}" for fault in faults))
        self.faults = faults


def faults(document: object, *, baseline: bool = False) -> list[Fault]:
    """Return every fault of a document, in the order of its parts; none means that assistants take it.

    A baseline must besides work without any model. Checks between fields judge what is readable, so that one slip
    does not hide another. At most 200 are returned.
    """
    unreadable = json_faults(document)
    if any(fault.path == "" for fault in unreadable):
        return unreadable
    found = [
        *structure_faults(document),
        *condition_faults(document),
        *cross_faults(document, baseline=baseline),
    ]
    known = {fault.path for fault in unreadable}
    return [*unreadable, *(fault for fault in dict.fromkeys(found) if fault.path not in known)][:MAX_FAULTS]


def parse(document: Any, *, baseline: bool = False) -> ConfigDocument:
    """Read a document. Raises `InvalidDocument` with all its faults."""
    found = faults(document, baseline=baseline)
    if found:
        raise InvalidDocument(found)
    return ConfigDocument.model_validate(document)
