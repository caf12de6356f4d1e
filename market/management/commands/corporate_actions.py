from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from market.formatting import action_terms
from market.imports import actions as files
from market.ingestion import actions
from market.models import CorporateAction

MAY_ENTER = "market.add_corporateaction"


def content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ArgumentTypeError(f"{path} cannot be read: {error.strerror}") from error


class Command(BaseCommand):
    help = (
        "List the corporate actions that are recorded, load some from a CSV file, or ask the providers now."
        " Columns: symbol, kind, ex_date, amount, currency, ratio, new_symbol, pay_date, record_date,"
        " declared_date."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbol", nargs="?", default="", type=str.upper, help="of which; all without it")
        parser.add_argument("--load", metavar="FILE", type=content, help="a CSV file of actions")
        parser.add_argument("--by", metavar="USER", help="who loads it; needs the permission to")
        parser.add_argument("--why", default="", help="the reason or source, kept with what is loaded")
        parser.add_argument("--fetch", action="store_true", help="ask the providers for those that are due")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["load"] is not None:
            self._load(options)
        if options["fetch"]:
            self.stdout.write(f"{actions.fetch(timezone.now())} new facts from the providers.")
        self._list(options["symbol"])

    def _load(self, options: dict[str, Any]) -> None:
        by = _user(options["by"])
        try:
            given = files.read(options["load"], options["symbol"])
            new = actions.enter(given, "file", by=by, why=options["why"], at=timezone.now())
        except (files.BadActions, actions.ActionRefused) as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{new} new of {len(given)} in the file.")

    def _list(self, symbol: str) -> None:
        facts = CorporateAction.objects.current().order_by("ex_date", "symbol")
        listed = facts.filter(symbol=symbol) if symbol else facts
        for fact in listed.iterator():
            self.stdout.write(
                f"{fact.ex_date} {fact.symbol} {fact.get_kind_display()} {action_terms(fact)} ({fact.source})"
            )
        self.stdout.write(f"{listed.count()} recorded.")


def _user(name: str | None) -> User:
    user = User.objects.filter(username=name or "", is_active=True).first()
    if user is None:
        raise CommandError("Say who loads it: --by USER.")
    if not user.has_perm(MAY_ENTER):
        raise CommandError(f"{user} may not record corporate actions: it takes the role of an operator.")
    return user
