"""A log is read row by row; what cannot be read costs its own row, and says on which line it starts."""

import gzip
import time
from pathlib import Path
from typing import Any

import pytest

from routing.imports import cells, files
from routing.imports.faults import BadCell, Refusal, Unusable
from routing.imports.files import survey
from routing.imports.layout import lay_out, meanings
from routing.imports.reading import open_log
from routing.imports.records import Recorded

MODELS = ("small", "large")


def read(path: Path, content: bytes, *renames: tuple[str, str]) -> tuple[list[Recorded], list[Refusal]]:
    path.write_bytes(content)
    rows = list(open_log(survey(path), use_case="claims", models=MODELS, renames=renames))
    return [r for r in rows if isinstance(r, Recorded)], [r for r in rows if isinstance(r, Refusal)]


def test_lines_are_those_of_the_file_also_after_texts_of_several_lines(tmp_path: Path) -> None:
    content = (
        b'request_id,text,small__confidence\r\na,"one\r\ntwo\r\nthree",0.5\r\n\r\nb,four,0.6\r\nc,five,7\r\n'
    )
    good, bad = read(tmp_path / "log.csv", content)
    assert [(row.request_id, row.line) for row in good] == [("a", 2), ("b", 6)]
    assert good[0].text == "one\r\ntwo\r\nthree"
    assert [str(one) for one in bad] == ["line 7, small__confidence: “7” does not lie between 0 and 1."]


def test_a_quote_that_is_never_closed_costs_its_own_row(tmp_path: Path) -> None:
    rows = b"".join(b"r-%d,hello,0.5\n" % n for n in range(50))
    good, bad = read(tmp_path / "log.csv", b'request_id,text,small__confidence\nx,"hello,0.5\n' + rows)
    assert (len(good), good[0].line) == (50, 3)
    assert [refusal.line for refusal in bad] == [2]
    assert "quotes" in bad[0].reason


def test_a_byte_order_mark_and_spaces_in_the_header_are_no_part_of_a_name(tmp_path: Path) -> None:
    good, bad = read(tmp_path / "log.csv", b"\xef\xbb\xbfrequest_id, small__correct\na,1\n")
    assert (good[0].request_id, good[0].answers["small"].correct, bad) == ("a", True, [])
    good, bad = read(tmp_path / "log.jsonl", b'\xef\xbb\xbf{"request_id": "a", "small__correct": true}\n')
    assert (len(good), bad) == (1, [])


def test_gzip_is_told_by_its_bytes_whatever_the_name_says(tmp_path: Path) -> None:
    content = b"request_id,small__correct\na,1\n"
    assert len(read(tmp_path / "log.csv", gzip.compress(content))[0]) == 1
    assert len(read(tmp_path / "log.csv.gz", content)[0]) == 1


def test_an_empty_cell_was_not_recorded_and_a_model_without_cells_neither(tmp_path: Path) -> None:
    content = b"request_id,small__correct,small__confidence,large__correct,topic\na,,0,,\n"
    (row,), _ = read(tmp_path / "log.csv", content)
    assert list(row.answers) == ["small"]
    assert (row.answers["small"].confidence, row.answers["small"].correct) == (0.0, None)
    assert row.attributes == {}


def test_a_row_may_be_as_wide_as_the_header_only(tmp_path: Path) -> None:
    _, bad = read(tmp_path / "log.csv", b"request_id,small__correct\na\nb,1,2\n")
    assert [refusal.reason for refusal in bad] == [
        "The row has 1 cells, the header 2.",
        "The row has 3 cells, the header 2.",
    ]


def test_a_model_is_all_before_the_last_double_underscore() -> None:
    found = lay_out(["request_id", "our__bot__correct"], ["our__bot"])
    assert found.models == ("our__bot",)


def test_the_right_answer_is_no_attribute_and_a_raw_score_neither() -> None:
    columns = ["request_id", "true_intent", "small__correct", "small__raw_score", "page__title"]
    assert lay_out(columns, MODELS).targets == {
        "request_id": "request_id",
        "true_intent": "true_answer",
        "small__correct": "small__correct",
        "small__raw_score": "ignore",
        "page__title": "attributes.page__title",
    }


def test_models_of_records_are_renamed_and_left_out(tmp_path: Path) -> None:
    line = b'{"request_id": 7, "q": "hi", "tried": [{"model": "mini"}, {"model": "old"}, {"model": "large"}]}'
    (row,), bad = read(tmp_path / "log.jsonl", line, ("mini", "small"), ("old", "ignore"), ("q", "text"))
    assert (row.request_id, row.text, list(row.answers), bad) == ("7", "hi", ["small", "large"], [])


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("7", 7),
        ("-0.5", -0.5),
        ("true", True),
        ("False", False),
        ("007", "007"),
        ("1e3", "1e3"),
        ("nan", "nan"),
        ("9" * 20, "9" * 20),
        ("gold", "gold"),
        ("1_000", "1_000"),
        (" 7", " 7"),
        ("+7", "+7"),
    ],
)
def test_an_attribute_is_a_number_where_it_is_written_as_one(cell: str, value: Any) -> None:
    assert cells.typed(cell) == value
    assert type(cells.typed(cell)) is type(value)


@pytest.mark.parametrize(
    ("check", "cell"),
    [
        (cells.number, "0,5"),
        (cells.number, "1_0"),
        (cells.number, "inf"),
        (cells.number, True),
        (cells.number, [1]),
        (cells.number, 10**400),
        (cells.confidence, "-0.1"),
        (cells.tokens, "1e12"),
        (cells.verdict, "2"),
        (cells.verdict, None),
        (cells.moment, "1999-01-01"),
        (cells.moment, "0001-01-01T00:00:00+14:00"),
        (cells.moment, 1_700_000_000),
        (cells.request_id, "x" * 201),
        (cells.request_id, "  "),
        (cells.uuid7, "6f0f4f7e-0a34-4b0e-9a55-6d1f3f1f2a10"),
    ],
)
def test_what_does_not_fit_its_field_is_refused(check: Any, cell: Any) -> None:
    with pytest.raises(BadCell):
        check(cell)


def test_whole_numbers_written_with_a_point_are_counts_and_verdicts() -> None:
    assert (cells.tokens("132.0"), cells.verdict("1.0"), cells.verdict(0)) == (132, True, False)


def test_a_refusal_shows_no_personal_data() -> None:
    with pytest.raises(BadCell, match=r"“\[email\]” is not a number"):
        cells.number("me@example.org")


def test_what_was_reported_with_a_request_is_no_attribute(tmp_path: Path) -> None:
    text = b"request_id,small__correct,retrieval_score,sensitivity\na,1,0.4,\nb,1,high,0.1\n"
    (row,), (bad,) = read(tmp_path / "log.csv", text)
    assert (row.signals, row.attributes) == ({"retrieval_score": 0.4}, {})
    assert (bad.field, bad.line) == ("retrieval_score", 3)

    line = (
        b'{"request_id": "a", "tried": [{"model": "small"}], "signals": {"sensitivity": 0.2}, "match": 0.5}'
    )
    (row,), _ = read(tmp_path / "log.jsonl", line, ("match", "retrieval_score"))
    assert row.signals == {"sensitivity": 0.2, "retrieval_score": 0.5}


def test_a_file_that_unpacks_without_end_is_refused_before_anything_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_UNPACKED", 4 << 20)
    packed, plain = tmp_path / "log.csv.gz", tmp_path / "log.csv"
    packed.write_bytes(gzip.compress(b"request_id\n" + b"1\n" * (4 << 20)))
    plain.write_bytes(b"request_id\n" + b"1\n" * (4 << 20))

    with pytest.raises(Unusable, match="Unpacked, the file is larger than"):
        survey(packed)
    assert survey(plain).lines == 1 + (4 << 20), "what lies on disk as it is has its size"
    monkeypatch.setattr(files, "MOST_LINES", 1_000)
    with pytest.raises(Unusable, match="more than 1,000 lines"):
        survey(plain)


def test_many_columns_and_many_wrong_names_are_told_in_no_time() -> None:
    columns = ["request_id", "small__correct", *(f"column-{number}__{'x' * 200}" for number in range(1_990))]
    renames = [(f"column-{number}__{'x' * 199}y", "text") for number in range(4_000)]
    began = time.process_time()

    faults = meanings(columns, ["small"], renames).faults

    assert time.process_time() - began < 3
    assert (len(faults), sum("Did you mean" in fault for fault in faults)) == (4_000, 5)


def test_names_are_read_without_what_no_page_and_no_database_holds(tmp_path: Path) -> None:
    line = (
        b'{"request_id": "a\\u0000", "small__confidence": 0.5, "\\ud800": "\\udfff", "\\ud83d\\ude00": "x"}\n'
    )
    log = tmp_path / "log.jsonl"
    log.write_bytes(line)

    opened = open_log(survey(log), use_case="claims", models=["small"])

    (row,) = opened
    assert isinstance(row, Recorded)
    assert opened.layout is not None
    assert opened.layout.columns == ("request_id", "small__confidence", "�", "😀")
    assert (row.request_id, row.attributes) == ("a�", {"�": "�", "😀": "x"})
