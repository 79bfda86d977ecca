"""`manage.py start_access_review --days N [--unit SLUG | --use-case SLUG]`: begin to go through who may do what."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from usecases.actions import access_reviews
from usecases.management import rights
from usecases.models import BusinessUnit


class Command(BaseCommand):
    help = "Start an access review, through the same checks as the page; for a timer, such as every quarter."

    def add_arguments(self, parser: ArgumentParser) -> None:
        scope = parser.add_mutually_exclusive_group()
        scope.add_argument("--unit", metavar="SLUG", help="of one business unit (else of every use case)")
        scope.add_argument("--use-case", metavar="SLUG", help="of one use case")
        parser.add_argument("--days", type=int, default=28, help="until it is due (default: 28)")
        parser.add_argument(
            "--by", default="admin", metavar="USERNAME", help="in whose name (default: admin)"
        )
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        by = rights.account(options["by"])
        scope: dict[str, Any] = {}
        if options["use_case"]:
            scope["use_case"] = rights.use_case_of(options["use_case"], by)
        if options["unit"]:
            scope["unit"] = BusinessUnit.objects.filter(slug=options["unit"]).first()
            if scope["unit"] is None:
                raise CommandError(f"There is no business unit “{options['unit']}”.")
        if not 0 < options["days"] <= 3650:
            raise CommandError("Choose between 1 and 3650 days.")
        due = timezone.now() + timedelta(days=options["days"])
        with rights.carried_out():
            review = access_reviews.start(by=by, due_at=due, reason=options["reason"], **scope)
        count = review.lines.count()
        self.stdout.write(f"Access review {review.number} of {review.scope}: {count} rights to go through.")
