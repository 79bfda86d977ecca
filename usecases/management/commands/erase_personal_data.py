"""`manage.py erase_personal_data UID --fields actor,reason --reason … --by USERNAME`: erase from one event."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from audit import leaves
from audit.models import Event
from usecases.actions import erasures
from usecases.management.rights import account, carried_out


class Command(BaseCommand):
    help = "Erase personal data from an event; that it was erased, by whom and why stays on record."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("uid", type=UUID, metavar="UID", help="of the event, as its page shows it")
        parser.add_argument(
            "--fields",
            required=True,
            metavar="FIELD[,FIELD]",
            help=f"what to erase: {', '.join(leaves.ERASABLE)}",
        )
        parser.add_argument("--reason", required=True, help="why; it is recorded")
        parser.add_argument("--by", required=True, metavar="USERNAME", help="the admin who erases it")

    def handle(self, *args: Any, **options: Any) -> None:
        by = account(options["by"])
        event = Event.objects.filter(uid=options["uid"]).first()
        if event is None:
            raise CommandError(f"There is no event {options['uid']}.")
        fields = [name.strip() for name in options["fields"].split(",") if name.strip()]
        with carried_out():
            told = erasures.erase(event=event, fields=fields, by=by, reason=options["reason"])
        self.stdout.write(told.sentence if told else "Nothing of that was left to erase.")
