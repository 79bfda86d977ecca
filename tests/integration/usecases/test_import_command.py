"""`manage.py import_decisions`: what an owner sees who brings their history."""

import csv
import gzip
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import Event
from routing.models import Decision
from tests.history import ladder
from usecases.actions import use_cases

HEADER = b"request_id,text,at,topic,small__correct,small__confidence,small__cost_usd,small__latency_ms,small__tokens_in"
GOOD = b"good-1,hello,2026-01-02T03:04:05Z,billing,1,0.95,0.001,120,15\n"
# Each is wrong in one way; the words are part of what is told of it.
BAD = [
    (b"b-1,hello,,billing,1,0.95,a lot,120,15\n", "small__cost_usd", "“a lot” is not a number"),
    (b"b-2,hello,,billing,1,1.2,0.001,120,15\n", "small__confidence", "does not lie between 0 and 1"),
    (b"b-3,hello,,billing,maybe,0.95,0.001,120,15\n", "small__correct", "neither 1 (right) nor 0 (wrong)"),
    (b",hello,,billing,1,0.95,0.001,120,15\n", "request_id", "is missing"),
    (b"good-1,again,,billing,1,0.95,0.001,120,15\n", "request_id", "is on line 2 already"),
    (b"b-6,hello,,billing,1,0.95,0.001\n", "", "has 7 cells, the header 9"),
    (b"b-7,hell\xff,,billing,1,0.95,0.001,120,15\n", "text", "is not UTF-8"),
    (b"b-8,hello,yesterday,billing,1,0.95,0.001,120,15\n", "at", "is not a time"),
    (b"b-9,hello,,billing,1,nan,0.001,120,15\n", "small__confidence", "is not a finite number"),
    (b"b-10,hello,,billing,1,0.95,0.001,-3,15\n", "small__latency_ms", "less than 0"),
    (b"b-11,hello,,billing,1,0.95,0.001,120,1.5\n", "small__tokens_in", "is not a count"),
    (b'b-12,"hello" you,,billing,1,0.95,0.001,120,15\n', "", "quotes"),
]


@pytest.fixture(autouse=True)
def assistant(admin: User) -> None:
    use_cases.create(
        slug="assistant", name="Assistant", owner="ops", document=ladder("small", "large"), by=admin
    )


def imported(*arguments: object) -> tuple[int, str, str]:
    """Run the command; return its exit code, stdout and stderr."""
    out, err = StringIO(), StringIO()
    try:
        call_command("import_decisions", "assistant", *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    except CommandError as fault:
        return fault.returncode, out.getvalue(), str(fault)
    return 0, out.getvalue(), err.getvalue()


def bad_file(folder: Path) -> Path:
    path = folder / "log.csv"
    path.write_bytes(
        HEADER + b"\n" + GOOD + b"".join(line for line, _, _ in BAD) + GOOD.replace(b"good-1", b"good-2")
    )
    return path


def test_every_bad_row_is_told_with_its_line_and_the_rest_is_imported(tmp_path: Path) -> None:
    code, out, err = imported(bad_file(tmp_path))
    assert code == 1
    told = err.splitlines()
    assert len(told) == len(BAD)
    for line, ((_, field, words), refusal) in enumerate(zip(BAD, told, strict=True), start=3):
        assert refusal.startswith(f"refused: line {line}, {field}" if field else f"refused: line {line}:")
        assert words in refusal
    assert f"{2} imported, 0 were there already, {len(BAD)} refused" in out
    assert set(Decision.objects.values_list("request_id", flat=True)) == {"good-1", "good-2"}


def test_a_report_keeps_the_refused_rows(tmp_path: Path) -> None:
    report = tmp_path / "refused.csv"
    code, _, err = imported(bad_file(tmp_path), "--report", report)
    assert (code, err) == (1, "")
    with report.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["line"] for row in rows] == [str(line) for line in range(3, 3 + len(BAD))]
    assert rows[0]["field"] == "small__cost_usd"


def test_a_report_is_never_written_over_the_log(tmp_path: Path) -> None:
    source = bad_file(tmp_path)
    before = source.read_bytes()
    code, _, err = imported(source, "--report", source)
    assert (code, source.read_bytes()) == (2, before)
    assert "overwrite the log" in err


def test_bad_lines_of_json_are_told_and_the_rest_is_imported(tmp_path: Path) -> None:
    lines = [
        b'{"request_id": "a", "small__confidence": 0.95, "small__correct": 1, "topic": {"deep": [1, 2]}}',
        b"{not json",
        b"[1, 2]",
        b'{"request_id": "c", "small__confidence": NaN}',
        b'{"request_id": "d", "tried": [{"model": "other"}]}',
        b'{"request_id": "e", "tried": [{"model": "small"}, {"model": "large", "confidence": 7}]}',
        b'{"request_id": "f", "tried": []}',
        b'{"request_id": "g", "use_case": "another", "tried": [{"model": "small"}]}',
        b'{"request_id": "h", "huge__confidence": 0.5}',
        b'{"request_id": "i", "text": "\xff", "small__confidence": 0.5}',
        b'{"request_id": "j", "tried": [{"model": "small", "confidence": 0.97}]}',
    ]
    source = tmp_path / "log.jsonl"
    source.write_bytes(b"\n".join(lines))
    code, out, err = imported(source)
    told = dict(refusal.removeprefix("refused: ").split(": ", 1) for refusal in err.splitlines())
    assert (code, list(told)) == (
        1,
        [
            "line 2",
            "line 3",
            "line 4",
            "line 5, tried[0].model",
            "line 6, tried[1].confidence",
            "line 7, tried",
            "line 8, use_case",
            "line 9",
            "line 10",
        ],
    )
    assert "2 imported" in out
    assert Decision.objects.get(request_id="a").attributes == {"topic": {"deep": [1, 2]}}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("log.txt", b"", "neither .csv nor .jsonl"),
        ("log.csv", b"", "is empty"),
        (
            "log.csv",
            b"request_id,huge__correct\nr,1\n",
            "“huge” is no model of this use case, which has: small, large",
        ),
        ("log.csv", b"id,small__correct\nr,1\n", "No column is “request_id”"),
        ("log.csv", b"request_id,text\nr,hello\n", "small__confidence"),
        ("log.csv", b"request_id,small__correct,small__correct\nr,1,1\n", "there twice"),
        ("log.csv", "request_id,small__correct\nr,1\n".encode("utf-16"), "not UTF-8"),
        (
            "log.csv.gz",
            gzip.compress(b"request_id,small__correct\n" + b"r,1\n" * 5000, mtime=0)[:-20],
            "cannot be read",
        ),
        ("log.jsonl", b'{"request_id": "r", "huge__correct": 1}\n', "“huge” is no model"),
        ("log.jsonl", b"\n", "no record"),
        ("log.csv", b"request_id,small__correct\nr," + b"1" * (5 << 20), "longer than 4 MiB"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_writes_nothing(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    source = tmp_path / name
    source.write_bytes(content)
    events = Event.objects.count()
    code, _, err = imported(source)
    assert code == 2
    assert words in err
    assert (Decision.objects.count(), Event.objects.count()) == (0, events)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("tezt=ignore", "Did you mean “text”"),
        ("text=colour", "“colour” is nothing that column “text” can be"),
        ("mini=tiny", "“tiny” is no model of this use case"),
        ("text=request_id", "Two columns are request_id"),
        ("text", "does not read COLUMN=FIELD"),
    ],
)
def test_a_map_that_fits_nothing_is_explained(tmp_path: Path, option: str, words: str) -> None:
    source = tmp_path / "log.csv"
    source.write_bytes(b"request_id,text,mini__correct\nr-1,hello,1\n")
    code, _, err = imported(source, "--map", "mini=small", "--map", option)
    assert code == 2
    assert words in err


def test_columns_are_mapped_by_hand(tmp_path: Path) -> None:
    source = tmp_path / "log.csv"
    source.write_bytes(
        b"key,question,when,label,mini__correct,mini__confidence,mini__raw,secret,class\n"
        b"007,hello,2026-01-02,A,0,0.95,-1.3,x,gold\n"
    )
    maps = "key=request_id question=text when=at label=true_answer mini=small secret=ignore class=attributes.tier"
    options = [word for given in maps.split() for word in ("--map", given)]
    code, out, _ = imported(source, *options, "--by", "ops", "--progress")
    assert code == 0
    assert "Columns not taken: mini__raw, secret." in out
    decision = Decision.objects.get()
    assert (decision.request_id, decision.text, decision.attributes) == ("007", "hello", {"tier": "gold"})
    assert decision.at.isoformat() == "2026-01-02T00:00:00+00:00"


def test_who_has_no_right_and_what_does_not_exist_is_told(tmp_path: Path) -> None:
    source = tmp_path / "log.csv"
    source.write_bytes(HEADER + b"\n" + GOOD)
    assert imported(source, "--by", "risk")[::2] == (
        2,
        "You may not tune “Assistant”. An admin can give you that right.",
    )
    assert "no account “nobody”" in imported(source, "--by", "nobody")[2]
    assert "cannot be read" in imported(tmp_path / "none.csv")[2]


def test_a_database_that_takes_no_batch_is_no_refused_row(tmp_path: Path) -> None:
    source = tmp_path / "log.csv"
    source.write_bytes(HEADER + b"\n" + GOOD)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no table is altered while its triggers are pending
        cursor.execute("ALTER TABLE audit_event ADD CONSTRAINT broken CHECK (kind !~ 'import') NOT VALID")
    code, _, err = imported(source)
    assert code == 3
    assert "did not take a batch" in err
    assert not Decision.objects.exists()


def test_a_dry_run_says_so(tmp_path: Path) -> None:
    source = tmp_path / "log.csv"
    source.write_bytes(HEADER + b"\n" + GOOD)
    code, out, _ = imported(source, "--dry-run")
    assert code == 0
    assert "1 would be imported" in out
    assert "Nothing was written" in out
    assert not Decision.objects.exists()
