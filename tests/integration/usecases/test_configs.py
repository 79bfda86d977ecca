"""A use case as a file: what `export_config` writes, `apply_config` takes."""

from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from audit.models import Event
from tests.documents import claims
from usecases import configs
from usecases.models import UseCase, Version


def exported(slug: str) -> str:
    out = StringIO()
    call_command("export_config", slug, stdout=out)
    return out.getvalue()


def applied(file: Path, *flags: str) -> str:
    out = StringIO()
    call_command("apply_config", str(file), *flags, stdout=out)
    return out.getvalue()


def test_an_exported_file_applies_to_nothing_new(use_case: UseCase, tmp_path: Path) -> None:
    file = tmp_path / "claims.yaml"
    file.write_text(exported("claims"))
    assert applied(file) == "claims: nothing changes.\n"
    assert Version.objects.filter(use_case=use_case).count() == 1


def test_a_file_creates_and_changes_a_use_case_in_a_persons_name(use_case: UseCase, tmp_path: Path) -> None:
    config = yaml.safe_load(exported("claims")) | {"slug": "claims-two"}
    file = tmp_path / "two.yaml"
    file.write_text(configs.dump(config))
    assert applied(file).startswith("claims-two is now at r1")

    config["document"] = claims(answer_from=0.9)
    file.write_text(configs.dump(config))
    assert applied(file, "--by", "ops", "--reason", "Safer").startswith("claims-two is now at r2")
    event = Event.objects.latest("id")
    assert (event.actor, event.reason, event.entry_point) == ("ops", "Safer", "command")


def test_a_dry_run_says_what_would_happen_and_writes_nothing(use_case: UseCase, tmp_path: Path) -> None:
    config = yaml.safe_load(exported("claims"))
    config["document"]["bands"][0]["from"] = 0.9
    file = tmp_path / "claims.yaml"
    file.write_text(configs.dump(config))
    assert applied(file, "--dry-run").startswith("claims would become r2")
    assert Version.objects.filter(use_case=use_case).count() == 1
    assert Event.objects.count() == 1


def test_every_fault_of_a_file_is_named(people: dict[str, User], tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("slug: x\ncolour: blue\ndocument: {schema: 1, bands: []}\n")
    with pytest.raises(CommandError) as refusal:
        applied(file)
    words = str(refusal.value)
    assert all(part in words for part in ("colour", "name", "owner", "document.bands"))


def test_a_person_without_the_right_gets_nowhere(use_case: UseCase, tmp_path: Path) -> None:
    config = yaml.safe_load(exported("claims"))
    config["document"]["bands"][0]["from"] = 0.9
    file = tmp_path / "claims.yaml"
    file.write_text(configs.dump(config))
    with pytest.raises(CommandError, match="You may not tune"):
        applied(file, "--by", "risk")


def test_past_the_lane_a_file_becomes_a_change_and_a_dry_run_names_the_gates(
    use_case: UseCase, tmp_path: Path
) -> None:
    config = yaml.safe_load(exported("claims"))
    config["document"]["bands"][0]["from"] = 0.7
    file = tmp_path / "claims.yaml"
    file.write_text(configs.dump(config))
    dry = applied(file, "--dry-run", "--by", "ops")
    assert dry.startswith(
        "claims: would be submitted, it needs others to agree: Answer from 0.70 instead of 0.85."
    )
    assert "needs approval: Answer from: past the lane." in dry
    assert not use_case.changes.exists()
    assert applied(file, "--by", "ops").startswith("claims: submitted as change 1, it needs others to agree")
    assert Version.objects.filter(use_case=use_case).count() == 1
