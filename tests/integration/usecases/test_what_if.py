"""What a draft would have done to real past decisions, beside what the live document would have done."""

import csv
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import Http404

from tests.documents import claims
from tests.history import ladder, log
from usecases import what_if
from usecases.actions import imports, kill_switches, use_cases
from usecases.models import UseCase
from usecases.publishing import Refused

LIVE = ladder("small", "large")


@pytest.fixture
def chat(admin: User) -> UseCase:
    """A use case whose document asks a small model, then a large one, and answers from 0.9."""
    return use_cases.create(slug="chat", name="Chat", owner="ops", document=LIVE, by=admin).use_case


def periods(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Return the real log's rows, the earlier period (in January) and the later one (in June), each also as a file."""
    found: dict[str, list[dict[str, str]]] = {"val": [], "test": []}
    with gzip.open(log("clinc150"), "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            month = "01" if row["split"] == "val" else "06"
            found[row["split"]].append(row | {"at": f"2026-{month}-01T12:00:00Z"})
    for name, rows in found.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return found


def by_hand(rows: list[dict[str, str]], edge: float) -> tuple[int, int]:
    """Return how many are answered at an edge for both models, and how many of those answers are wrong."""
    answered = wrong = 0
    for row in rows:
        model = "small" if float(row["small__confidence"]) >= edge else "large"
        if float(row[f"{model}__confidence"]) >= edge:
            answered += 1
            wrong += row[f"{model}__correct"] == "0"
    return answered, wrong


def taken(use_case: UseCase, source: Path, by: User) -> None:
    imports.run(imports.plan(use_case=use_case, source=source, by=by))


def test_a_real_years_promise_holds_in_its_first_period_and_not_in_its_second(
    chat: UseCase, ops: User, tmp_path: Path
) -> None:
    rows = periods(tmp_path)
    draft = ladder("small", "large", accept_from=0.8, answer_from=0.8)

    taken(chat, tmp_path / "val.csv", ops)
    first = what_if.ask(use_case=chat, document=draft, window="all", by=ops)
    taken(chat, tmp_path / "test.csv", ops)
    from routing.history import SHARED

    SHARED.fresh_seconds, kept = -1.0, SHARED.fresh_seconds
    later = what_if.ask(use_case=chat, document=draft, window={"decisions": 5500}, by=ops)
    whole = what_if.ask(use_case=chat, document=draft, window="all", by=ops)
    SHARED.fresh_seconds = kept

    for found, own in ((first, rows["val"]), (later, rows["test"]), (whole, rows["val"] + rows["test"])):
        for side, edge in (("live", 0.9), ("draft", 0.8)):
            answered, wrong = by_hand(own, edge)
            error = found[side]["wrong_among_answered"]
            assert (found["decisions"], found[side]["answered"]) == (len(own), answered)
            assert found[side]["escalated"] == len(own) - answered
            assert error["value"] == pytest.approx(wrong / answered, abs=1e-12)
            assert (error["badge"], error["n"]) == ("measured", answered)
            assert error["low"] < error["value"] < error["high"]
        assert sum(cell["count"] for cell in found["matrix"]) == len(own)
    assert [round(found["live"]["wrong_among_answered"]["value"], 4) for found in (first, later)] == [
        0.0205,
        0.0407,
    ]
    assert [round(found["live"]["escalated"] / found["decisions"], 3) for found in (first, later)] == [
        0.117,
        0.241,
    ]

    again = what_if.ask(use_case=chat, document=draft, window="all", by=ops)
    for found in (whole, again):
        found.pop("took_ms"), found.pop("as_of")
    assert again == whole


def test_a_history_of_nothing_says_that_nothing_is_known(use_case: UseCase, ops: User) -> None:
    found = what_if.ask(use_case=use_case, document=claims(0.9), by=ops)
    assert (found["decisions"], found["window"], found["matrix"]) == (0, {"days": 7}, [])
    for side in ("live", "draft"):
        assert found[side]["answered"] == found[side]["reviewed"] == found[side]["escalated"] == 0
        for number in ("correct", "wrong_among_answered", "cost_per_task_usd", "latency_ms_p95"):
            assert found[side][number] == {
                "value": None,
                "low": None,
                "high": None,
                "n": 0,
                "badge": "not_knowable",
            }
    json.dumps(found, allow_nan=False)


def test_whoever_may_see_a_use_case_may_ask_and_a_stranger_finds_none(
    use_case: UseCase, risk: User, stranger: User
) -> None:
    assert what_if.ask(use_case=use_case, document=claims(), by=risk)["decisions"] == 0
    with pytest.raises(Http404):
        what_if.ask(use_case=use_case, document=claims(), by=stranger)
    with pytest.raises(Http404):
        what_if.progress(use_case=use_case, by=stranger)


def test_what_would_have_been_is_told_of_the_live_document_also_while_the_switch_is_pulled(
    use_case: UseCase, ops: User
) -> None:
    before = what_if.ask(use_case=use_case, document=claims(0.9), by=ops)
    kill_switches.engage(use_case=use_case, by=ops)
    during = what_if.ask(use_case=use_case, document=claims(0.9), by=ops)
    assert (before["live_version"], during["live_version"]) == (1, 2)
    assert [during[side] for side in ("live", "draft")] == [before[side] for side in ("live", "draft")]


@pytest.mark.parametrize(
    ("window", "paths"),
    [
        ("some", ["window"]),
        ([], ["window"]),
        ({}, ["window"]),
        ({"decisions": 5, "days": 1}, ["window"]),
        ({"decisions": 0}, ["window.decisions"]),
        ({"decisions": True}, ["window.decisions"]),
        (
            {"decisions": 1.5, "days": float("nan"), "hours": 3},
            ["window.hours", "window.decisions", "window.days"],
        ),
        ({"days": 10**400}, ["window.days"]),
    ],
)
def test_a_faulty_window_is_told_with_every_fault(
    use_case: UseCase, ops: User, window: Any, paths: list[str]
) -> None:
    with pytest.raises(Refused) as refused:
        what_if.ask(use_case=use_case, document=claims() | {"bands": []}, window=window, by=ops)
    found = [error["path"] for error in refused.value.errors]
    assert found[-len(paths) :] == paths
    assert "bands" in found[0]


def test_pages_and_api_start_without_numpy() -> None:
    """It takes a second and tens of megabytes; a console that nobody asks "what if" never needs it."""
    program = (
        "import sys, django; django.setup()\n"
        "from django.core.management import call_command; call_command('check')\n"
        "import console.asgi\n"
        "from django.urls import get_resolver; assert get_resolver().url_patterns\n"
        "from console.api import api; assert 'what-if' in str(api.get_openapi_schema()['paths'].keys())\n"
        "print(sorted({'numpy', 'scipy'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, env=os.environ, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout.strip()[-2:]) == (0, "[]"), done.stderr
