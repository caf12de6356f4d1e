from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from market.imports import spelling
from market.ingestion import facts, recording, renames
from market.management.commands.moves import day
from market.models import SymbolChange
from market.providers.actions import Action, Kind

MAY_ENTER = "market.add_corporateaction"


class Command(BaseCommand):
    help = (
        "Follow a change of symbol: rename_symbol FB META 2022-06-09. History, signals, orders and positions"
        " go on under the new symbol; the old one still finds them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("old", type=spelling.ours)
        parser.add_argument("new", type=spelling.ours)
        parser.add_argument("since", type=day, help="the first session under the new symbol: 2022-06-09")
        parser.add_argument("--by", metavar="USER", help="who says so; needs the permission to")
        parser.add_argument("--why", default="", help="the reason or source, kept with it")

    def handle(self, *args: Any, **options: Any) -> None:
        by = User.objects.filter(username=options["by"] or "", is_active=True).first()
        if by is None or not by.has_perm(MAY_ENTER):
            raise CommandError("Say who follows it: --by USER, who has the role of an operator.")
        old, new, since, at = options["old"], options["new"], options["since"], timezone.now()
        if since > at.date():
            raise CommandError(f"{since} is still to come: record it, and it is followed on that day.")
        fact = Action(symbol=old, kind=Kind.SYMBOL_CHANGE, ex_date=since, new_symbol=new)
        try:
            recording.record(fact, by=by, why=options["why"], at=at)
        except (facts.FactRefused, renames.RenameRefused) as refusal:
            raise CommandError(str(refusal)) from refusal
        change = SymbolChange.objects.get(old=old, since=since)
        shared = f" {old} has bars since: another company's, which stay." if change.is_shared else ""
        self.stdout.write(f"{change}.{shared}")
