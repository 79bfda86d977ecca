"""Config files planned and applied: what would change line by line, what was planned and nothing else, no drift."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from console.stack import ROOT
from tests.documents import LOOSE
from tests.one_pagers import one_pager
from usecases import configs
from usecases.actions import guardrails, lanes, one_pagers
from usecases.models import Guardrail, OnePager, UseCase, Version

SAMPLES = ROOT / "console" / "samples" / "use_cases"
Write = Callable[..., Path]


def run(*words: str | Path, by: str = "admin") -> str:
    out = StringIO()
    call_command("apply_config", *map(str, words), "--by", by, stdout=out)
    return out.getvalue()


def refused(*words: str | Path, by: str = "admin") -> str:
    with pytest.raises(CommandError) as refusal:
        run(*words, by=by)
    return str(refusal.value)


@pytest.fixture
def write(use_case: UseCase, tmp_path: Path) -> Write:
    """Write the file of “claims” with another answer threshold or other fields."""

    def written(file: str = "claims.yaml", answer_from: float | None = None, **more: Any) -> Path:
        config = yaml.safe_load(configs.dump(configs.export(use_case))) | more
        if answer_from is not None:
            config["document"]["bands"][0]["from"] = answer_from
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(configs.dump(config))
        return path

    return written


def rows() -> tuple[int, int]:
    return Version.objects.count(), Event.objects.count()


def test_a_plan_tells_every_difference_every_gate_and_what_each_part_comes_to(write: Write) -> None:
    bounds = {"knobs": {"thresholds.latency_s": {"limit": [1, 20]}}, "models": [], "approvals": 2}
    file = write(answer_from=LOOSE, guardrails=bounds, one_pager=one_pager(), owner="Claims desk")
    before = rows()

    told = run(file, "--dry-run")

    assert rows() == before
    for words in (
        '~ owner: "claims-ops" → "Claims desk"',
        "~ document.bands.answer.from: 0.85 → 0.7",
        '+ guardrails.knobs.thresholds.latency_s: {"limit": [1, 20]}',
        "- guardrails.knobs.bands.answer.from: ",
        "+ guardrails.approvals: 2",
        '+ one_pager.answers.time_box: "2099-03-31"',
        "passed: One-pager: 24 of 24 answered. It is complete.",
    ):
        assert words in told, words
    # The lane went with the guardrails of the same file: gates are judged by what would hold then.
    assert told.startswith("claims would become r2: ")
    assert run(file).startswith("claims is now at r2: ")
    assert run(file) == "claims: nothing changes.\n"
    assert run(file, "--dry-run") == "claims: nothing changes.\n"


def test_what_others_have_to_agree_to_is_submitted_and_the_rest_is_written(
    write: Write, use_case: UseCase
) -> None:
    file = write(answer_from=LOOSE, one_pager=one_pager())
    dry = run(file, "--dry-run", by="ops")
    assert "needs approval: Answer from: past the lane." in dry
    assert "At once: one-pager." in dry
    told = run(file, by="ops")
    assert told.startswith("claims: submitted as change 1, it needs others to agree: Answer from 0.70")
    assert "Written at once: one-pager." in told
    assert (use_case.changes.count(), OnePager.objects.count(), Version.objects.count()) == (1, 1, 1)


def test_several_files_and_folders_are_all_right_or_none_is_applied(write: Write, tmp_path: Path) -> None:
    write("all/a.yaml", answer_from=0.9)
    write("all/b.yaml", slug="second", name="Second")
    broken = write("all/c.yaml", answer_from=0.1, slug="third")
    before = rows()

    words = refused(tmp_path / "all")
    assert "Nothing is applied." in words
    assert "third: document.bands[0].action: " in words
    assert rows() == before

    broken.unlink()
    told = run(tmp_path / "all").splitlines()
    assert told[0].startswith("claims is now at r2")
    assert told[1].startswith("second is now at r1")
    assert "Named by more than one file: claims." in refused(write("x.yaml"), write("y.yaml"))
    (tmp_path / "none").mkdir()
    assert "There is no .yaml, .yml, .json file" in refused(tmp_path / "none")
    (tmp_path / "none" / "odd.yaml").write_text("slug: [")
    assert "odd.yaml: The file is not valid YAML" in refused(tmp_path / "none")


def test_exit_codes_tell_whether_anything_would_change(write: Write) -> None:
    run(write(), "--dry-run", "--exit-code")
    with pytest.raises(SystemExit) as left:
        run(write(answer_from=0.9), "--dry-run", "--exit-code")
    assert left.value.code == 2
    assert Version.objects.count() == 1


def test_a_kept_plan_is_applied_as_it_was_planned(write: Write, tmp_path: Path) -> None:
    file, kept = write(answer_from=0.9, one_pager=one_pager()), tmp_path / "plan.json"
    assert run(file, "--plan-out", kept).startswith("claims would become r2")
    assert Version.objects.count() == 1
    assert json.loads(kept.read_text())["plans"][0]["outcome"] == "apply"

    assert run("--plan", kept).startswith("claims is now at r2")
    again = refused("--plan", kept)
    assert (
        again == "“claims” is not as it was planned on any more: document, one_pager, version. Plan it again."
    )


@pytest.mark.parametrize("moved", ["version", "guardrails", "one_pager", "name"])
def test_a_kept_plan_is_refused_once_anything_has_moved(
    write: Write, tmp_path: Path, use_case: UseCase, people: dict[str, User], moved: str
) -> None:
    kept = tmp_path / "plan.json"
    run(write(answer_from=0.9), "--plan-out", kept)
    if moved == "guardrails":
        models = use_case.guardrail.approved_models
        guardrails.set_limits(use_case=use_case, knobs={}, approved_models=models, by=people["risk"])
    elif moved == "one_pager":
        one_pagers.write(use_case=use_case, **one_pager(), by=people["risk"])
    else:
        run(write("other.yaml") if moved == "name" else write(answer_from=0.95))
    if moved == "name":
        UseCase.objects.filter(pk=use_case.pk).update(name="Claims")
    before = rows()
    assert moved in refused("--plan", kept).partition("any more: ")[2]
    assert rows() == before


def test_a_kept_plan_that_was_edited_or_is_none_or_of_other_files_is_refused(
    write: Write, tmp_path: Path
) -> None:
    kept = tmp_path / "plan.json"
    file = write(answer_from=0.9)
    run(file, "--plan-out", kept)
    assert "not those that were planned" in refused(write("other.yaml", answer_from=0.8), "--plan", kept)

    whole = kept.read_text()
    kept.write_text(whole.replace('"from": 0.9', '"from": 0.61'))
    assert "This plan was edited" in refused("--plan", kept)
    kept.write_text("[]")
    assert "This is no plan" in refused("--plan", kept)
    kept.write_text(whole)
    assert run(file, "--plan", kept).startswith("claims is now at r2")


def test_programs_read_plan_and_outcome_as_json(write: Write) -> None:
    file = write(answer_from=LOOSE)
    planned = json.loads(run(file, "--dry-run", "--output", "json", by="ops"))["plans"][0]
    assert (planned["outcome"], planned["slug"]) == ("submit", "claims")
    line = {"sign": "~", "path": "document.bands.answer.from", "old": 0.85, "new": LOOSE}
    assert planned["lines"] == [line]
    waiting = [gate["key"] for gate in planned["gates"] if gate["status"] == "needs approval"]
    assert waiting == ["lane:bands.answer.from", "approvals"]
    done = json.loads(run(file, "--output", "json", by="ops"))["applied"]
    assert [(one["outcome"], one["change"]) for one in done] == [("submitted", 1)]


def test_a_stranger_reads_nothing_of_a_use_case_in_a_plan(write: Write) -> None:
    words = refused(write(answer_from=0.9), "--dry-run", by="stranger")
    assert words == refused(write(answer_from=0.9, slug="nowhere"), "--dry-run", by="stranger")
    assert words == "You may not create use cases. An admin can give you that right."

    def told(slug: str) -> str:
        out, file = StringIO(), str(write(answer_from=0.9, slug=slug))
        with pytest.raises(CommandError):
            call_command(
                "apply_config", file, "--dry-run", "--output", "json", "--by", "stranger", stdout=out
            )
        return out.getvalue().replace("nowhere", "claims")

    assert told("claims") == told("nowhere"), "not even in what it is compared with"


def test_risk_sets_limits_by_file_without_a_right_to_tune(write: Write, use_case: UseCase) -> None:
    held = configs.export(use_case)["guardrails"]
    assert run(write(guardrails=held | {"approvals": 2}), by="risk") == "claims: guardrails written.\n"
    assert Guardrail.objects.get(use_case=use_case).terms == {"approvals": 2}


def test_samples_go_out_and_come_back_without_a_difference(people: dict[str, User], tmp_path: Path) -> None:
    call_command("apply_config", str(SAMPLES), stdout=StringIO())
    slugs = [path.stem for path in sorted(SAMPLES.glob("*.yaml"))]
    out = StringIO()
    folder = tmp_path / "out"
    call_command("export_config", "--all", "--to", str(folder), stdout=out)
    assert out.getvalue().count("written.") == len(slugs)
    assert run(folder, "--dry-run") == "".join(f"{slug}: nothing changes.\n" for slug in slugs)

    first = {path.name: path.read_text() for path in folder.iterdir()}
    assert sorted(first) == [f"{slug}.yaml" for slug in slugs]
    assert all("one_pager:" in text and "guardrails:" in text for text in first.values())
    call_command("export_config", "--all", "--to", str(folder), stdout=(again := StringIO()))
    assert again.getvalue().count("as it was.") == len(slugs)
    assert {path.name: path.read_text() for path in folder.iterdir()} == first


def test_an_account_exports_only_what_it_sees(
    use_case: UseCase, people: dict[str, User], tmp_path: Path
) -> None:
    call_command(
        "export_config", "--all", "--to", str(tmp_path / "out"), "--by", "stranger", stdout=StringIO()
    )
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(CommandError, match="There is no use case “claims”"):
        call_command("export_config", "claims", "--by", "stranger")
    with pytest.raises(CommandError, match="--all and a folder"):
        call_command("export_config", "--all")


@pytest.mark.parametrize("name", ["document", "use-case"])
def test_the_schema_is_printed(name: str) -> None:
    out = StringIO()
    call_command("config_schema", name, stdout=out)
    assert json.loads(out.getvalue())["$id"].startswith(f"urn:operator-console:schema:{name}")


def test_a_kept_plan_is_refused_once_a_shared_lane_is_another(
    use_case: UseCase, write: Write, tmp_path: Path, admin: User
) -> None:
    lane = lanes.create(slug="eu", name="EU", by=admin, knobs={}).lane
    held = {**configs.export(use_case)["guardrails"], "lanes": ["eu"]}
    run(write(guardrails=held))
    kept = tmp_path / "plan.json"
    run(write(answer_from=0.8, guardrails=held), "--plan-out", kept)
    lanes.set_lane(lane=lane, by=admin, knobs={"thresholds.latency_s": {"limit": [1, 9]}})
    assert "not as it was planned on any more: shared lanes" in refused("--plan", kept)


def test_a_file_locks_in_the_order_of_every_other_action(write: Write) -> None:
    file = write(answer_from=0.8, guardrails={"knobs": {}, "models": []})
    with CaptureQueriesContext(connection) as asked:
        run(file)
    held = [row["sql"] for row in asked.captured_queries if "FOR UPDATE" in row["sql"]]
    tables = [
        "usecases_guardrail" if '"usecases_guardrail"."id"' in sql else "usecases_usecase" for sql in held
    ]
    assert tables[:2] == ["usecases_usecase", "usecases_guardrail"]
