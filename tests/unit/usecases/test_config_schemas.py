"""The published JSON Schemas: they take whatever the console takes, and refuse what a schema can know to be wrong."""

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from console.stack import ROOT
from routing.engine.structure import structure_faults
from routing.engine.validation import faults
from tests.documents import claims
from tests.one_pagers import one_pager
from tests.unit.routing.engine.faulty import FAULTY
from tests.unit.routing.engine.loading import HERE, document
from usecases.config_schemas import DIALECT, document_schema, file_schema
from usecases.starting_points import STARTING_POINTS

SAMPLES = sorted((ROOT / "console" / "samples" / "use_cases").glob("*.yaml"))
DOCUMENTS = sorted(path.stem for path in (HERE / "documents").glob("*.json"))
DOCUMENT = jsonschema_rs.validator_for(document_schema())
FILE = jsonschema_rs.validator_for(file_schema())


def test_both_are_schemas_of_2020_12_with_names_of_their_own() -> None:
    for schema in (document_schema(), file_schema()):
        jsonschema_rs.meta.validate(schema)
        assert schema["$schema"] == DIALECT
        assert schema["$id"].startswith("urn:")
        assert schema["title"]
        assert all(jsonschema_rs.is_valid(schema, example) for example in schema["examples"])
    assert document_schema()["$id"] != file_schema()["$id"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_fits(path: Path) -> None:
    config = yaml.safe_load(path.read_text())
    FILE.validate(config)
    DOCUMENT.validate(config["document"])
    DOCUMENT.validate(config["baseline"])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_of_the_golden_cases_fits(name: str) -> None:
    DOCUMENT.validate(document(name))


@pytest.mark.parametrize("start", list(STARTING_POINTS))
def test_every_starting_point_fits(start: str) -> None:
    DOCUMENT.validate(STARTING_POINTS[start].document)


def test_what_the_engine_reads_leniently_fits_too() -> None:
    DOCUMENT.validate(claims(audit_share=None, cost_per_task_usd=None) | {"lease": {"seconds": 300.0}})


def test_what_the_engine_finds_wrong_in_the_structure_the_schema_finds_too() -> None:
    for words, changes, *_ in FAULTY:
        broken = document("claims", changes)
        # Half a character cannot even be written as JSON in UTF-8.
        if structure_faults(broken) and words != "half a character":
            assert not DOCUMENT.is_valid(broken), words


def test_the_schema_refuses_nothing_that_the_engine_takes() -> None:
    refused = [changes for _, changes, *_ in FAULTY if not DOCUMENT.is_valid(document("claims", changes))]
    assert len(refused) > 30
    assert all(faults(document("claims", changes)) for changes in refused)


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": "Not a slug"},
        {"owner": None},
        {"colour": "blue"},
        {"document": {"schema": 1}},
        {"baseline": []},
        {"guardrails": {"knobs": {"bands.answer.from": {"lane": [0.1]}}}},
        {"guardrails": {"approvals": 6}},
        {"guardrails": {"one_pager_needed": "yes"}},
        {"guardrails": {"colour": 1}},
        {"one_pager": {"answers": {"colour": "blue"}}},
        {"one_pager": {"answers": {"personal_data": "perhaps"}}},
        {"one_pager": {"dpia": {"lawful_basis": "habit"}}},
    ],
)
def test_a_file_that_says_what_nobody_knows_is_refused(wrong: dict[str, Any]) -> None:
    config = {"slug": "a", "name": "A", "owner": "o", "document": claims(), "one_pager": one_pager()}
    FILE.validate(config)
    assert not FILE.is_valid(config | wrong)
