"""Carrying a draft over: both people's changes survive; where both changed one place, the draft's word stands."""

import copy
from typing import Any

from tests.documents import CLAIMS, claims
from usecases.editing import command, save_rule, set_fields
from usecases.merging import merge


def changed(**fields: str) -> dict[str, Any]:
    return set_fields(CLAIMS, {path.replace("__", "."): text for path, text in fields.items()}).document


def test_changes_of_different_places_are_both_kept() -> None:
    mine, theirs = changed(bands__0__from="0.80"), changed(thresholds__latency_s="9", bands__1__from="0.55")
    merged, conflicts = merge(CLAIMS, mine, theirs)

    assert conflicts == []
    assert (merged["bands"][0]["from"], merged["bands"][1]["from"]) == (0.8, 0.55)
    assert merged["thresholds"]["latency_s"] == 9


def test_where_both_changed_one_place_mine_stands_and_it_is_named() -> None:
    merged, conflicts = merge(CLAIMS, changed(bands__0__from="0.80"), changed(bands__0__from="0.90"))
    assert (merged["bands"][0]["from"], conflicts) == (0.8, ["bands.answer.from"])


def test_the_same_change_by_both_is_no_conflict() -> None:
    both = changed(bands__0__from="0.80")
    assert merge(CLAIMS, both, copy.deepcopy(both)) == (both, [])


def test_rules_added_by_both_are_all_there() -> None:
    rule = {"when": {"all": [{"attribute": "a", "op": "eq", "value": 1}]}, "then": {"action": "review"}}
    mine = save_rule(CLAIMS, {"name": "Mine", **rule}).document
    theirs = save_rule(CLAIMS, {"name": "Theirs", **rule}).document
    merged, conflicts = merge(CLAIMS, mine, theirs)
    assert [rule["id"] for rule in merged["rules"]] == ["legal", "vip", "theirs", "mine"]
    assert conflicts == []


def test_my_order_of_the_rules_survives_their_edit_of_one() -> None:
    mine = command(CLAIMS, "rules.up:vip").document
    theirs = command(CLAIMS, "rules.switch:legal", live=CLAIMS).document
    merged, conflicts = merge(CLAIMS, mine, theirs)
    assert [(rule["id"], rule.get("enabled", True)) for rule in merged["rules"]] == [
        ("vip", True),
        ("legal", False),
    ]
    assert conflicts == []


def test_what_they_removed_and_i_left_alone_is_gone() -> None:
    theirs = command(CLAIMS, "rules.remove:legal").document
    merged, conflicts = merge(CLAIMS, claims(answer_from=0.8), theirs)
    assert ([rule["id"] for rule in merged["rules"]], conflicts) == (["vip"], [])


def test_what_they_removed_and_i_changed_is_kept_and_named() -> None:
    mine = set_fields(CLAIMS, {"queues.2.sla_minutes": "90"}).document
    theirs = command(CLAIMS, "queues.remove:2").document
    merged, conflicts = merge(CLAIMS, mine, theirs)
    assert merged["queues"][-1]["sla_minutes"] == 90
    assert conflicts == ["queues.legal-desk"]


def test_a_list_whose_names_are_doubled_is_taken_as_a_whole() -> None:
    mine = changed(queues__0__name="claims-senior")
    merged, conflicts = merge(CLAIMS, mine, changed(queues__0__sla_minutes="10"))
    assert merged["queues"] == mine["queues"]
    assert "queues" in conflicts
