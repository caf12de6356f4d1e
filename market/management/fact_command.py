"""What the commands for facts share: list what is recorded, load a file, ask the providers now."""

from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from market.imports.facts import BadFile
from market.ingestion import facts


def content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ArgumentTypeError(f"{path} cannot be read: {error.strerror}") from error


class FactCommand(BaseCommand):
    ledger: facts.Ledger[Any]
    may_enter: str

    def read(self, content: bytes, symbol: str) -> Sequence[Any]:
        raise NotImplementedError

    def line(self, fact: Any) -> str:
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        noun = self.ledger.noun
        parser.add_argument("symbol", nargs="?", default="", type=str.upper, help="of which; all without it")
        parser.add_argument("--load", metavar="FILE", type=content, help=f"a CSV file of {noun}")
        parser.add_argument("--by", metavar="USER", help="who loads it; needs the permission to")
        parser.add_argument("--why", default="", help="the reason or source, kept with what is loaded")
        parser.add_argument("--fetch", action="store_true", help="ask the providers for those that are due")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["load"] is not None:
            self._load(options)
        if options["fetch"]:
            self.stdout.write(f"{self.ledger.fetch(timezone.now())} new facts from the providers.")
        self._list(options["symbol"])

    def _load(self, options: dict[str, Any]) -> None:
        by = self._user(options["by"])
        try:
            given = self.read(options["load"], options["symbol"])
            new = self.ledger.enter(given, facts.FILE, by=by, why=options["why"], at=timezone.now())
        except (BadFile, facts.FactRefused) as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{new} new of {len(given)} in the file.")

    def _list(self, symbol: str) -> None:
        listed = self.ledger.current(symbol)
        for fact in listed.iterator():
            self.stdout.write(f"{self.line(fact)} ({fact.source})")
        for problem in self.ledger.problems():
            self.stdout.write(f"{problem}.")
        self.stdout.write(f"{listed.count()} recorded.")

    def _user(self, name: str | None) -> User:
        user = User.objects.filter(username=name or "", is_active=True).first()
        if user is None:
            raise CommandError("Say who loads it: --by USER.")
        if not user.has_perm(self.may_enter):
            raise CommandError(f"{user} may not record {self.ledger.noun}: it takes the role of an operator.")
        return user
