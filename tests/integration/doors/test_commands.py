"""Commands that act in somebody's name: who may run which, in which state. What is refused writes nothing."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.documents import claims
from tests.integration.audit.records import seal
from tests.integration.doors.calling import since, undone, written
from tests.integration.doors.table import COMMANDS, NEEDS, PEOPLE, SLUG, STATES, Door, World
from usecases import configs
from usecases.models import UseCase

NAMES = {"operations": "ops"}
# A file for a use case that is not there would create it.
NOTHING_THERE = ("There is no", "You may not create use cases.")
NAMED = {door.name: door for door in COMMANDS if door.needs != "machine"}
Bring = Callable[[World, str], World]
Lines = dict[str, list[str]]


@pytest.fixture
def lines(world: World, tmp_path: Path) -> Lines:
    """What stands behind each command but whose name it is run in."""
    config, document, log = (tmp_path / name for name in ("claims.yaml", "document.yaml", "log.csv"))
    tighter = configs.export(UseCase.objects.get(slug=SLUG)) | {"document": claims(0.97)}
    config.write_text(configs.dump(tighter))
    document.write_text(configs.dump(tighter["document"]))
    log.write_text("request_id,text,small__correct,small__confidence\nr-1,hello,1,0.9\n")
    day = timedelta(days=1)
    month = [
        f"--{word}={timezone.now() + days:%Y-%m-%d}" for word, days in (("since", -30 * day), ("until", day))
    ]
    erased = [str(world.event), "--fields", "reason", "--reason", "asked for"]
    return {
        "apply_config": [str(config)],
        "import_decisions": [SLUG, str(log)],
        "evidence_pack": [SLUG, *month, "-o", str(tmp_path / "pack.zip")],
        "kill": [SLUG],
        "erase_personal_data": erased,
        "access": [SLUG],
        "gates": [SLUG, "--document", str(document)],
        "grant": [SLUG, "--to", "watcher", "--right", "kill", "--reason", "On call"],
        "revoke": [SLUG, "--to", "watcher"],
        "start_access_review": ["--use-case", SLUG],
    }


def test_every_command_in_somebodys_name_is_tried(lines: Lines) -> None:
    assert set(lines) == set(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_a_command_does_what_its_person_may_and_nothing_else(
    name: str, world: World, cast: dict[str, User], lines: Lines, bring_to: Bring
) -> None:
    wrong = []
    for state in STATES:
        with undone():
            bring_to(world, state)
            seal()  # evidence is made of what was committed
            for role in PEOPLE:
                wrong += [f"{state}, {role}: {words}" for words in cell(NAMED[name], role, lines[name])]
    assert not wrong, "\n".join(wrong)


def cell(door: Door, role: str, arguments: list[str]) -> list[str]:
    """Run a command in the name of a role; return what is wrong with how it went."""
    before, refusal = written(), ""
    with undone():
        try:
            call_command(
                door.name, *arguments, "--by", NAMES.get(role, role), stdout=StringIO(), stderr=StringIO()
            )
        except CommandError as refused:
            refusal = str(refused)
        rows = since(before)
    if role in NEEDS[door.needs]:
        return [f"was refused: {refusal}"] if refusal else []
    if not refusal:
        return ["was let in"]
    told = role == "stranger" and not refusal.startswith(NOTHING_THERE)
    return [f"wrote to {', '.join(rows)}"] * bool(rows) + [f"was told: {refusal}"] * told
