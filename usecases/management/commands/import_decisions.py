"""`manage.py import_decisions SLUG FILE`: a decision log from elsewhere into a use case.

Ends with 0 when every row was taken or was there already, 1 when rows were refused (the rest is imported), 2 when the
file cannot be used at all; 3 when the database did not take a batch, 130 when it was stopped: what was stored stays.
"""

import csv
import sys
import time
from argparse import ArgumentParser
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any, TextIO

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.http import Http404

from routing.imports.faults import Refusal, Unusable
from routing.imports.layout import parse_rename
from usecases.actions import imports
from usecases.models import UseCase

EVERY_SECONDS = 0.5


class Command(BaseCommand):
    help = (
        "Import decisions from a CSV or JSONL file (gzip too): what the use case's live document would have decided. "
        "Running it twice doubles nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the use case")
        parser.add_argument("file", type=Path, help="FILE.csv, FILE.jsonl, or either with .gz")
        parser.add_argument(
            "--map",
            metavar="COLUMN=FIELD",
            action="append",
            default=[],
            help="what a column is: request_id, text, at, true_answer, attributes.NAME, MODEL__confidence, ignore; "
            "or all columns of a model: NAME=MODEL, NAME=ignore; repeatable",
        )
        parser.add_argument(
            "--by", default="admin", metavar="USERNAME", help="in whose name (default: admin)"
        )
        parser.add_argument("--dry-run", action="store_true", help="read and check everything, write nothing")
        parser.add_argument(
            "--batch", type=int, default=imports.BATCH, metavar="N", help="rows a transaction"
        )
        parser.add_argument(
            "--report", type=Path, metavar="FILE", help="write refused rows to a CSV file instead"
        )
        parser.add_argument("--progress", action="store_true", help="show progress, also without a terminal")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            plan = imports.plan(
                use_case=_use_case(options["slug"]),
                source=options["file"],
                by=_person(options["by"]),
                renames=[parse_rename(text) for text in options["map"]],
            )
        except Unusable as unusable:
            lines = "\n".join(f"  {fault}" for fault in unusable.faults if fault != str(unusable))
            raise CommandError(
                f"{unusable}\n{lines}".rstrip() + "\nNothing was imported.", returncode=2
            ) from None
        except (PermissionDenied, Http404) as refused:
            raise CommandError(str(refused), returncode=2) from None
        report = self._run(plan, options)
        self.stdout.write(_summary(options["slug"], report))
        if report.tally.refused:
            sys.exit(1)

    def _run(self, plan: imports.Plan, options: dict[str, Any]) -> imports.Report:
        progress = _Progress(self, plan.log.survey.lines, shown=options["progress"] or self.stderr.isatty())
        with ExitStack() as stack:
            report = stack.enter_context(_report(options["report"], options["file"]))

            def tell(refusal: Refusal) -> None:
                if report:
                    csv.writer(report).writerow([refusal.line, refusal.field, refusal.reason])
                else:
                    progress.clear()
                    self.stderr.write(f"refused: {refusal}")

            try:
                return imports.run(
                    plan,
                    dry_run=options["dry_run"],
                    batch=options["batch"],
                    on_refused=tell,
                    on_progress=progress.show,
                )
            except KeyboardInterrupt:
                progress.clear()
                words = "Stopped. What was stored stays; run the same command again to go on."
                raise CommandError(words, returncode=130) from None
            except DatabaseError as error:
                words = "What was stored before stays; run the same command again to go on."
                raise CommandError(
                    f"The database did not take a batch: {error}\n{words}", returncode=3
                ) from error
            finally:
                progress.clear()


def _report(path: Path | None, source: Path) -> AbstractContextManager[TextIO | None]:
    """Open the file for refused rows, where one is asked for; never over the log itself."""
    if path is None:
        return nullcontext()
    if path.exists() and path.samefile(source):
        raise CommandError("The report would overwrite the log; give another --report.", returncode=2)
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error}", returncode=2) from None
    csv.writer(file).writerow(["line", "field", "reason"])
    return file


class _Progress:
    """One line on the terminal, written over and over: rows, and rows a second."""

    def __init__(self, command: BaseCommand, lines: int, *, shown: bool) -> None:
        self.stream = command.stderr
        self.lines = lines
        self.shown = shown
        self.started = time.monotonic()
        self.told = 0.0
        self.width = 0

    def show(self, tally: imports.Tally) -> None:
        now = time.monotonic()
        if not self.shown or now - self.told < EVERY_SECONDS:
            return
        self.told = now
        rate = tally.rows / max(now - self.started, 1e-6)
        words = f"{tally.rows:,} rows of {self.lines:,} lines, {rate:,.0f} rows/s, {tally.refused:,} refused"
        self.stream.write(f"\r{words:<{self.width}}", ending="")
        self.stream.flush()
        self.width = len(words)

    def clear(self) -> None:
        if self.width:
            self.stream.write("\r" + " " * self.width + "\r", ending="")
            self.width = 0


def _person(username: str) -> User:
    by = User.objects.filter(username=username).first()
    if by is None:
        raise CommandError(f"There is no account “{username}”. Name one with --by.", returncode=2)
    return by


def _use_case(slug: str) -> UseCase:
    use_case = UseCase.objects.filter(slug=slug).first()
    if use_case is None:
        raise CommandError(f"There is no use case “{slug}”.", returncode=2)
    return use_case


def _summary(slug: str, report: imports.Report) -> str:
    tally = report.tally
    would = "would be imported" if report.dry_run else "imported"
    speed = f"{report.seconds:.1f} s ({tally.rows / max(report.seconds, 1e-6):,.0f} rows/s)"
    lines = [
        f"{slug}: {tally.rows:,} rows read in {speed}, decided as r{report.version} decides.",
        f"  {tally.stored:,} {would}, {tally.already:,} were there already, {tally.refused:,} refused.",
    ]
    if not report.dry_run:
        lines.append(f"  {tally.judged:,} verdicts on answers came with them.")
    if report.layout:
        lines.append(f"  Models: {', '.join(report.layout.models) or 'none'}.")
        if report.layout.unused:
            lines.append(f"  Columns not taken: {', '.join(report.layout.unused)}.")
    if report.dry_run:
        lines.append("  Nothing was written: this was a dry run.")
    return "\n".join(lines)
