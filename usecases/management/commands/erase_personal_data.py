"""`manage.py erase_personal_data UID --fields actor,reason --reason … --by USERNAME`: erase from one event."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.http import Http404

from audit import leaves
from audit.models import Event
from usecases.actions import erasures
from usecases.permissions import Forbidden
from usecases.publishing import Refused


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
        by = User.objects.filter(username=options["by"]).first()
        event = Event.objects.filter(uid=options["uid"]).first()
        if by is None:
            raise CommandError(f"There is no account “{options['by']}”.")
        if event is None:
            raise CommandError(f"There is no event {options['uid']}.")
        fields = [name.strip() for name in options["fields"].split(",") if name.strip()]
        try:
            told = erasures.erase(event=event, fields=fields, by=by, reason=options["reason"])
        except (Forbidden, Refused, Http404) as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(told.sentence if told else "Nothing of that was left to erase.")
