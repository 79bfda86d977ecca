"""A record that takes no event: what was to be told there must not happen either."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError

from audit import log


@contextmanager
def failing_record() -> Iterator[None]:
    """Let no event be written, and expect that whoever has to write one fails by that."""

    def broken(**_: Any) -> None:
        raise DatabaseError("disk full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "record", broken)
        with pytest.raises(DatabaseError, match="disk full"):
            yield
