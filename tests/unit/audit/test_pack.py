"""What a pack's verifier tells a second time is what the product tells: what is enforced, how a tree grows."""

import copy
from hashlib import sha256
from typing import Any

import pytest

from audit import merkle
from audit.pack import enforced
from routing.engine import digest, states
from routing.engine.baseline import BUILT_IN
from tests.documents import claims


def documents() -> list[dict[str, Any]]:
    """Documents in which answers stand in bands and rules, with and without desks to send them to."""
    plain, held = claims(), claims(holdout_share=0.2)
    rule = {"id": "sure", "name": "Sure", "when": {"all": []}, "then": {"action": "answer"}}
    answering = claims() | {"rules": [rule]}
    lonely = copy.deepcopy(BUILT_IN) | {"bands": [{"name": "all", "from": 0.0, "action": "answer"}]}
    desk_only = lonely | {
        "queues": [{"name": "desk", "sla_minutes": 1, "capacity_per_hour": 1, "on_breach": None}]
    }
    return [plain, held, answering, lonely, desk_only, BUILT_IN]


@pytest.mark.parametrize("state", states.STATES)
@pytest.mark.parametrize("message", ["", "Please call us."])
def test_what_is_enforced_is_told_as_the_engine_tells_it(state: str, message: str) -> None:
    for document in documents():
        for baseline in documents():
            before = copy.deepcopy([document, baseline])
            ours = enforced.enforced(document, baseline, state, message)
            theirs = states.effective(document, baseline, state, message)
            assert enforced.digest(ours) == digest.digest(theirs)
            assert [document, baseline] == before


def test_a_tree_that_grows_from_its_peaks_has_the_roots_of_the_whole_one() -> None:
    hashes = [sha256(bytes([number])).digest() for number in range(70)]
    ranges = merkle.ranges_of(hashes)
    for start in range(len(hashes)):
        tree = merkle.Growing(start, merkle.peaks(start, ranges))
        for size in range(start, len(hashes)):
            assert tree.root() == merkle.root(hashes[:size])
            tree.add(hashes[size])
    with pytest.raises(merkle.ProofRefused, match="5 leaves make up 2 subtrees, not 1"):
        merkle.Growing(5, hashes[:1])
