"""Blocks made of rows. Imports NumPy: only who really seals something imports this."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from routing import history_rows
from routing.history_rows import moment
from routing.models import Block
from routing.replay import blocks
from routing.replay.assembling import assembled
from routing.replay.building import parts


def sealed(use_case: str, since: datetime, until: datetime) -> Iterator[Block]:
    """Yield the blocks of one run, not yet stored: of all that was received in an interval, newest decisions first."""
    for chunk in history_rows.received(use_case, (since, until), judged=False):
        given, micros = parts(chunk.rows), np.array(chunk.micros, np.int64)
        columns = assembled(given)
        keys = blocks.keys_of(columns.ids)
        assert keys is not None  # the table holds UUIDs only
        draws = {name: getattr(columns, name) for name in blocks.DRAWN}
        yield Block(
            use_case=use_case,
            received_from=since,
            received_until=until,
            at_min=moment(chunk.micros[0]),
            at_max=moment(chunk.micros[-1]),
            count=len(micros),
            memory=columns.bytes + micros.nbytes + sum(places.nbytes for places in draws.values()),
            format=blocks.FORMAT,
            data=blocks.packed(blocks.Block(given, micros, keys, draws)),
        )
