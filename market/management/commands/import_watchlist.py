from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from market.imports import watchlist as lists
from market.imports.master import adding, watchlists
from market.imports.master.adding import Candidate
from market.imports.master.list_form import LARGEST
from market.ingestion import request_budget
from market.models import Watchlist

MAY_CHANGE, MAY_ADD = "market.change_watchlist", "market.add_instrument"


class Command(BaseCommand):
    help = (
        "Add a file of symbols to a named watchlist, which is made when there is none: as TradingView, Trader"
        " Workstation, Yahoo and others export it, or a table with a column Symbol. Says of every line what"
        " became of it; fails when one was not added."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("name", help="of the watchlist")
        parser.add_argument("--by", metavar="USER", default="", help="who adds it; needs the permission to")
        parser.add_argument("--dry-run", action="store_true", help="only say what it would come to")

    def handle(self, *args: Any, **options: Any) -> None:
        by = User.objects.filter(username=options["by"], is_active=True).first()
        if by is None or not by.has_perm(MAY_CHANGE):
            raise CommandError("Say who adds it: --by USER, who has the role of a trader or operator.")
        parsed = _parsed(options["file"])
        wanted = adding.candidates(parsed.entries, may_add_unlisted=by.has_perm(MAY_ADD))
        for line in _lines(wanted, parsed):
            self.stdout.write(line)
        if not options["dry_run"]:
            self._add(options["name"], wanted, by)
        not_added = len(parsed.left_out) + sum(not candidate.is_added for candidate in wanted)
        if not_added:
            raise CommandError(f"Not added: {not_added}, see above.")

    def _add(self, name: str, wanted: list[Candidate], by: User) -> None:
        at = timezone.now()
        try:
            edited = Watchlist.objects.filter(name__iexact=name).first()
            edited = edited or watchlists.create(name, by=by, at=at)
            result = watchlists.add(edited, wanted, by=by, at=at)
        except watchlists.EditRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(str(result))
        if warning := request_budget.warning():
            self.stdout.write(warning)


def _parsed(file: Path) -> lists.Watchlist:
    try:
        if file.stat().st_size > LARGEST:
            raise CommandError("The file is larger than a list of symbols can be (1 MB).")
        return lists.parse(lists.decoded(file.read_bytes()))
    except (OSError, ValueError) as reason:
        raise CommandError(str(reason)) from reason


def _lines(wanted: list[Candidate], parsed: lists.Watchlist) -> Iterator[str]:
    for candidate in wanted:
        yield f"{candidate.symbol}: {candidate.becomes}. {candidate.reason}".strip()
    for given, reason in parsed.left_out:
        yield f"{given[:60]}: left out. {reason}"
