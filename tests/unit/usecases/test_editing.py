"""An edit takes a document and gives a new one with a sentence; what makes no sense is kept as it was typed."""

import copy
from typing import Any

import pytest

from routing.engine.validation import faults
from tests.documents import CLAIMS, claims
from usecases.editing import UnknownEdit, command, free_id, save_rule, set_fields, value_at


def edited(document: dict[str, Any], words: str, **more: Any) -> dict[str, Any]:
    return command(document, words, **more).document


def names(document: dict[str, Any], part: str, key: str = "name") -> list[str]:
    return [item[key] for item in document[part]]


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("bands.0.from", "0.80", 0.8),
        ("bands.0.from", "0,8", 0.8),
        ("bands.1.action", "escalate", "escalate"),
        ("bands.1.queue", "", None),
        ("thresholds.cost_per_task_usd", "$0.06", 0.06),
        ("thresholds.daily_budget_usd", "$1,250", 1250),
        ("thresholds.latency_s", "9.5 s", 9.5),
        ("thresholds.audit_share", "7.5%", 0.075),
        ("thresholds.audit_share", "7.5", 0.075),
        ("thresholds.retrieval_score", "", None),
        ("models.0.timeout_s", "12 s", 12),
        ("models.1.label", "Large model", "Large model"),
        ("ladder.0.accept_from", ".9", 0.9),
        ("confidence.source", "logprobs", "logprobs"),
        ("confidence.missing", "0.1", 0.1),
        ("queues.0.sla_minutes", "45", 45),
        ("queues.0.on_breach", "", None),
        ("messages.escalate", "  Soon.  ", "Soon."),
        ("pins.prompt", "claims-summary@13", "claims-summary@13"),
        ("lease.seconds", "600", 600),
        ("lease.then", "hold", "hold"),
        ("slide.bands.0.from", "0.79", 0.79),
        ("slide.thresholds.audit_share", "0.1", 0.1),
    ],
)
def test_a_field_is_read_as_people_write_it(path: str, text: str, value: Any) -> None:
    before = copy.deepcopy(CLAIMS)
    edit = set_fields(CLAIMS, {path: text})

    assert value_at(edit.document, path.removeprefix("slide.")) == value
    assert edit.sentence
    assert before == CLAIMS


@pytest.mark.parametrize("text", ["soon", "8 minutes", "nan", "1e999", "--"])
def test_what_is_no_number_stays_as_typed_and_is_told_as_a_fault(text: str) -> None:
    edit = set_fields(CLAIMS, {"thresholds.latency_s": text})

    assert edit.document["thresholds"]["latency_s"] == text
    assert [fault.path for fault in faults(edit.document)] == ["thresholds.latency_s"]


def test_fields_that_read_as_the_document_does_change_nothing() -> None:
    exact = claims(cost_per_task_usd=0.0525, audit_share=0.0333)
    shown = {
        "thresholds.cost_per_task_usd": "$0.0525",
        "thresholds.audit_share": "3.33%",
        "slide.thresholds.cost_per_task_usd": "0.0525",
        "bands.0.from": "0.85",
        "models.1.api_base": "",
        "queues.1.on_breach": "",
        "csrfmiddlewaretoken": "x",
    }
    assert set_fields(exact, shown).document == exact
    assert set_fields(exact, shown).sentence == ""


def test_a_sentence_names_three_changes_and_counts_the_rest() -> None:
    texts = {
        "thresholds.latency_s": "9",
        "thresholds.sensitivity": "0.5",
        "bands.0.from": "0.8",
        "lease.seconds": "60",
    }
    sentence = set_fields(CLAIMS, texts).sentence

    assert sentence.startswith("Answer from 0.80 instead of 0.85; ")
    assert sentence.endswith("; and 1 more")


def test_a_message_or_pin_that_is_emptied_is_gone() -> None:
    document = set_fields(CLAIMS, {"messages.review": "", "pins.prompt": " "}).document
    assert document["messages"] == {"escalate": CLAIMS["messages"]["escalate"]}
    assert list(document["pins"]) == ["retrieval_index"]


def test_renaming_a_queue_or_a_model_renames_it_wherever_it_is_named() -> None:
    document = set_fields(CLAIMS, {"queues.1.name": "seniors", "models.1.name": "huge"}).document

    assert faults(document) == []
    assert document["bands"][2]["queue"] == "seniors"
    assert [queue["on_breach"] for queue in document["queues"]] == ["seniors", None, "seniors"]
    assert names(document, "ladder", "model") == ["small", "huge"]
    assert document["rules"][1]["then"]["start"] == "huge"


def test_a_field_of_something_removed_meanwhile_is_refused() -> None:
    with pytest.raises(UnknownEdit, match="removed in another window"):
        set_fields(CLAIMS, {"bands.7.name": "x"})


def test_adding_a_band_splits_the_widest_stretch_and_stays_valid() -> None:
    edit = command(CLAIMS, "bands.add")

    assert names(edit.document, "bands") == ["answer", "review", "new band", "escalate"]
    assert edit.document["bands"][2]["from"] == 0.3
    assert faults(edit.document) == []
    assert names(edited(edit.document, "bands.add"), "bands").count("new band 2") == 1


def test_removing_the_lowest_band_lets_the_next_one_start_at_nought() -> None:
    document = edited(CLAIMS, "bands.remove:2")
    assert document["bands"][1] == {**CLAIMS["bands"][1], "from": 0.0}
    assert faults(document) == []


def test_the_only_band_stays() -> None:
    one = edited(edited(CLAIMS, "bands.remove:2"), "bands.remove:1")
    assert command(one, "bands.remove:0").sentence == ""


def test_a_threshold_is_switched_off_and_on_again_at_its_live_value() -> None:
    off = command(CLAIMS, "thresholds.switch:sensitivity", live=CLAIMS)
    assert off.document["thresholds"]["sensitivity"] is None
    assert edited(off.document, "thresholds.switch:sensitivity", live=CLAIMS) == CLAIMS


def test_switching_a_check_that_live_never_had_on_and_off_is_no_change() -> None:
    live = claims()
    del live["thresholds"]["sensitivity"]
    on = edited(live, "thresholds.switch:sensitivity", live=live)
    assert on["thresholds"]["sensitivity"] == 0.7
    assert edited(on, "thresholds.switch:sensitivity", live=live) == live


@pytest.mark.parametrize(
    ("words", "to", "order", "sentence"),
    [
        ("rules.down:legal", None, ["vip", "legal"], "Rule “Legal threats go to people” is now 2 of 2"),
        ("rules.up:vip", None, ["vip", "legal"], "Rule “High stakes start large” is now 1 of 2"),
        ("rules.move:vip", 0, ["vip", "legal"], "Rule “High stakes start large” is now 1 of 2"),
        ("rules.move:legal", 99, ["vip", "legal"], "Rule “Legal threats go to people” is now 2 of 2"),
        ("rules.up:legal", None, ["legal", "vip"], ""),
        ("rules.remove:legal", None, ["vip"], "Rule “Legal threats go to people” removed"),
    ],
)
def test_rules_are_put_in_order(words: str, to: int | None, order: list[str], sentence: str) -> None:
    edit = command(CLAIMS, words, to=to)
    assert names(edit.document, "rules", "id") == order
    assert edit.sentence == sentence


def test_a_copy_of_a_rule_stands_behind_it_under_a_name_of_its_own() -> None:
    twice = edited(edited(CLAIMS, "rules.duplicate:legal"), "rules.duplicate:legal")
    assert names(twice, "rules", "id") == ["legal", "legal-copy-2", "legal-copy", "vip"]
    assert len(set(names(twice, "rules"))) == 4
    assert faults(twice) == []


def test_turning_a_rule_off_and_on_again_is_no_change() -> None:
    off = command(CLAIMS, "rules.switch:vip", live=CLAIMS)
    assert off.sentence == "Rule “High stakes start large” turned off"
    assert edited(off.document, "rules.switch:vip", live=CLAIMS) == CLAIMS


def test_a_rule_is_added_last_with_an_id_made_of_its_name() -> None:
    rule = {"name": "Refunds über 100 €", "when": {"all": []}, "then": {}}
    edit = save_rule(CLAIMS, rule)
    assert edit.document["rules"][-1]["id"] == "refunds-ber-100"
    assert edit.sentence == "Rule “Refunds über 100 €” added, number 3"


def test_ids_are_made_unique_and_never_empty() -> None:
    assert free_id("!!!", []) == "rule"
    assert free_id("Legal", ["legal", "legal-2"]) == "legal-3"


def test_an_edited_rule_takes_the_place_of_the_old_one() -> None:
    rule = {**CLAIMS["rules"][0], "then": {"action": "review"}}
    document = save_rule(CLAIMS, rule, replaces="legal").document
    assert document["rules"] == [rule, CLAIMS["rules"][1]]
    with pytest.raises(UnknownEdit, match="rule is gone"):
        save_rule(CLAIMS, rule, replaces="gone")


def test_models_and_ladder_steps_come_and_go() -> None:
    more = edited(edited(CLAIMS, "models.add"), "ladder.add")
    assert names(more, "ladder", "model") == ["small", "large", "new model"]
    assert [fault.path for fault in faults(more)] == ["models[2].litellm"]
    assert names(edited(more, "ladder.up:2"), "ladder", "model") == ["small", "new model", "large"]
    assert names(edited(more, "ladder.down:0"), "ladder", "model") == ["large", "small", "new model"]
    assert names(edited(more, "ladder.move:2", to=0), "ladder", "model")[0] == "new model"
    assert edited(edited(more, "models.remove:2"), "ladder.add") == CLAIMS
    assert names(edited(CLAIMS, "ladder.remove:0"), "ladder", "model") == ["large"]


def test_queues_and_pins_come_and_go() -> None:
    assert edited(edited(CLAIMS, "queues.add"), "queues.remove:3") == CLAIMS
    pinned = command(CLAIMS, "pins.add:Policy text")
    assert pinned.document["pins"]["policy_text"] == ""
    assert edited(pinned.document, "pins.remove:policy_text") == CLAIMS
    assert command(CLAIMS, "pins.add:prompt").sentence == ""


def test_a_removed_queue_is_told_where_it_is_still_named() -> None:
    found = {fault.path for fault in faults(edited(CLAIMS, "queues.remove:2"))}
    assert "rules[0].then.queue" in found


@pytest.mark.parametrize(
    "words", ["", "bands.explode", "bands.remove:9", "bands.remove:x", "rules.up:gone", "ladder.up:7"]
)
def test_commands_that_name_nothing_are_refused(words: str) -> None:
    with pytest.raises(UnknownEdit):
        command(CLAIMS, words)


def test_edits_work_on_a_document_that_leaves_everything_out() -> None:
    bare: dict[str, Any] = {"schema": 1, "bands": [{"name": "all", "from": 0.0, "action": "escalate"}]}
    for words in ("models.add", "queues.add", "bands.add", "thresholds.switch:latency_s", "pins.add:prompt"):
        bare = edited(bare, words)
    bare = set_fields(bare, {"messages.review": "Wait.", "lease.seconds": "60"}).document
    assert [fault.path for fault in faults(bare)] == ["models[0].litellm"]
