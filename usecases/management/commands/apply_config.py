"""`manage.py apply_config FILE… [--dry-run]`: use cases from files; planned first, then applied as planned.

Leaves with 0 where everything was applied or nothing is to do, with 1 where anything is refused (then nothing at all
is applied), and with 2 after `--dry-run --exit-code` where something would change.
"""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from usecases import config_plans, configs
from usecases.config_plans import EXPECTED, Plan

SUFFIXES = (".yaml", ".yml", ".json")
DIFFERENT = 2


class Command(BaseCommand):
    help = "Create or change use cases from files, through the same checks and permissions as the page."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "files", nargs="*", metavar="FILE", help="YAML or JSON files, folders of them, or -"
        )
        parser.add_argument("--dry-run", action="store_true", help="plan: check everything, write nothing")
        parser.add_argument(
            "--exit-code",
            action="store_true",
            help="with --dry-run: leave with 2 where anything would change",
        )
        parser.add_argument("--plan-out", metavar="PLAN.json", help="keep the plan; nothing is written")
        parser.add_argument(
            "--plan", metavar="PLAN.json", help="apply a kept plan, unless anything has moved"
        )
        parser.add_argument("--output", choices=("text", "json"), default="text")
        parser.add_argument(
            "--by", default="admin", metavar="USERNAME", help="in whose name (default: admin)"
        )
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        by = User.objects.filter(username=options["by"]).first()
        if by is None:
            raise CommandError(f"There is no account “{options['by']}”. Name one with --by.")
        plans = _plans(by, options)
        dry = options["dry_run"] or options["plan_out"] is not None
        if dry or any(one.refused for one in plans):
            self._show(plans, options["output"])
        if any(one.refused for one in plans):
            raise CommandError("\n".join(_refusals(plans)))
        if options["plan_out"]:
            _write(options["plan_out"], config_plans.to_json(plans))
        if not dry:
            self._apply(plans, by, options)
        if dry and options["exit_code"] and any(one.changes for one in plans):
            sys.exit(DIFFERENT)

    def _show(self, plans: list[Plan], output: str) -> None:
        if output == "json":
            self._json(dry_run=True, plans=[one.as_dict() for one in plans])
        elif not all(one.refused and not one.gates for one in plans):
            self.stdout.write("\n".join(line for one in plans for line in config_plans.told(one)))

    def _json(self, **said: Any) -> None:
        self.stdout.write(json.dumps(said, ensure_ascii=False, indent=2))

    def _apply(self, plans: list[Plan], by: User, options: dict[str, Any]) -> None:
        """Apply in order. What was planned a moment ago is bound to what it stood on like a plan that was kept."""
        done: list[dict[str, Any]] = []
        for one in plans:
            try:
                applied = configs.apply(
                    one.config, by=by, reason=options["reason"], expected=dict(one.stands_on)
                )
            except EXPECTED as error:
                before = f" Applied before it: {', '.join(row['slug'] for row in done)}." if done else ""
                raise CommandError("\n".join(configs.reasons(error)) + before) from None
            done.append({"slug": one.slug, **_outcome(applied)})
            if options["output"] == "text":
                self.stdout.write(_report(one.slug, applied))
        if options["output"] == "json":
            self._json(dry_run=False, applied=done)


def _plans(by: User, options: dict[str, Any]) -> list[Plan]:
    """Read what is to be done: files planned now, or a plan that was kept."""
    found = [_parsed(path) for path in _paths(options["files"])]
    slugs = [config["slug"] for config in found]
    twice = sorted({slug for slug in slugs if slugs.count(slug) > 1})
    if twice:
        raise CommandError(f"Named by more than one file: {', '.join(twice)}.")
    if options["plan"] is None:
        if not found:
            raise CommandError("Name a file, a folder, or a plan with --plan.")
        return [config_plans.plan(config, by=by, reason=options["reason"]) for config in found]
    try:
        kept = config_plans.from_json(_read(options["plan"]))
    except EXPECTED as error:
        raise CommandError("\n".join(configs.reasons(error))) from None
    if found and found != [one.config for one in kept]:
        raise CommandError("The files are not those that were planned. Plan again.")
    return kept


def _paths(files: list[str]) -> list[str]:
    """Return files in order, those of a folder by name."""
    found: list[str] = []
    for file in files:
        path = Path(file)
        if file != "-" and path.is_dir():
            inside = sorted(str(one) for one in path.iterdir() if one.suffix in SUFFIXES)
            if not inside:
                raise CommandError(f"There is no {', '.join(SUFFIXES)} file in {file}.")
            found += inside
        else:
            found.append(file)
    return found


def _parsed(file: str) -> dict[str, Any]:
    try:
        return configs.parse(_read(file))
    except EXPECTED as error:
        raise CommandError("\n".join(f"{file}: {reason}" for reason in configs.reasons(error))) from None


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error}") from None


def _refusals(plans: list[Plan]) -> list[str]:
    refused = [one for one in plans if one.refused]
    if len(plans) == 1:
        return list(refused[0].faults)
    return ["Nothing is applied.", *(f"{one.slug}: {fault}" for one in refused for fault in one.faults)]


def _outcome(applied: configs.Applied) -> dict[str, Any]:
    return {
        "outcome": _word(applied),
        "version": applied.version.number if applied.version else None,
        "change": applied.change.number if applied.change else None,
        "beside": list(applied.beside),
        "sentence": applied.sentence,
    }


def _word(applied: configs.Applied) -> str:
    if not applied.changed:
        return "nothing"
    return "created" if applied.created else "submitted" if applied.change else "applied"


def _report(slug: str, applied: configs.Applied) -> str:
    if not applied.changed:
        return f"{slug}: nothing changes."
    beside = f" Written at once: {', '.join(applied.beside)}." if applied.beside and applied.change else ""
    if applied.change is not None:
        gates = "\n".join(["", *config_plans.gate_lines(applied.gates)])
        number = applied.change.number
        return f"{slug}: submitted as change {number}, it needs others to agree: {applied.sentence}.{beside}{gates}"
    if not applied.published:
        return f"{slug}: {', '.join(applied.beside)} written."
    return f"{slug} is now at r{applied.version.number if applied.version else 0}: {applied.sentence}"
