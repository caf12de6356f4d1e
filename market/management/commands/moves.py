from argparse import ArgumentTypeError
from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from market import faults
from market.imports.csvfile.splits import ratio_of
from market.ingestion import answers, questions
from market.ingestion.answers import Answer, AnswerRefused, Kind
from market.models import Candle, Instrument, UnexplainedMove
from market.prices import Timeframe

KINDS = {"split": Kind.SPLIT, "real": Kind.REAL, "bad": Kind.BAD_DATA}
MAY_ANSWER = "market.change_unexplainedmove"


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no date: write it as 2024-01-31") from error


def ratio(text: str) -> float:
    try:
        return ratio_of(text.strip())
    except (ValueError, ZeroDivisionError) as error:
        raise ArgumentTypeError(
            f"{text!r} is no ratio: write 7 for seven new shares for one old, 3/2, or 1/10"
        ) from error


# What may be wrong with one symbol: the others are looked through.
BROKEN = (*faults.CONTENT, Instrument.DoesNotExist)


class Command(BaseCommand):
    help = (
        "List the moves of the size of a share split that nothing explains, answer one, or look for them in"
        " all that is stored. While one is open, its symbol has no new signals."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbol", nargs="?", type=str.upper)
        parser.add_argument("date", nargs="?", type=day)
        parser.add_argument("answer", nargs="?", choices=KINDS)
        parser.add_argument(
            "--ratio", type=ratio, help="of a split: new shares for one old, as 7, 3/2 or 1/10"
        )
        parser.add_argument("--by", metavar="USER", help="who answers; needs the permission to")
        parser.add_argument("--why", default="", help="the reason, kept with the answer")
        parser.add_argument("--look", action="store_true", help="look through all stored bars first")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["answer"]:
            self._answer(options)
            return
        if options["date"]:
            raise CommandError(f"Say what the move was: {', '.join(KINDS)}.")
        if options["look"]:
            self._look(options["symbol"])
        self._list(options["symbol"])

    def _list(self, symbol: str | None) -> None:
        unanswered = UnexplainedMove.objects.open()
        listed = unanswered.filter(symbol=symbol) if symbol else unanswered
        for move in listed:
            self.stdout.write(
                f"{move}: {move.close_before:g} to {move.open_after:g}, as a split by {move.looks_like:g}"
                f" ({move.source}, {move.timeframe}; asked {move.asked_at:%Y-%m-%d %H:%M} UTC)"
            )
        self.stdout.write(f"{len(listed)} to answer.")

    def _look(self, symbol: str | None) -> None:
        fetched = [timeframe for timeframe in Timeframe if not timeframe.built_from]
        stored = Candle.objects.filter(timeframe__in=fetched)
        rows = stored.filter(symbol=symbol) if symbol else stored
        for name, timeframe in rows.order_by().values_list("symbol", "timeframe").distinct():
            try:
                questions.look(name, Timeframe(timeframe), "stored", timezone.now())
            except BROKEN as error:
                self.stderr.write(f"{name} {timeframe} cannot be looked through: {faults.describe(error)}")

    def _answer(self, options: dict[str, Any]) -> None:
        move = UnexplainedMove.objects.filter(symbol=options["symbol"], date=options["date"]).first()
        if move is None:
            raise CommandError(
                f"Nothing is asked about {options['symbol']} on {options['date']}: manage.py moves lists what"
                " is."
            )
        try:
            given = Answer(KINDS[options["answer"]], options["why"], options["ratio"])
            answers.answer(move, given, by=_user(options["by"]), at=timezone.now())
        except AnswerRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{move}: {given}.")


def _user(name: str | None) -> User:
    user = User.objects.filter(username=name or "", is_active=True).first()
    if user is None:
        raise CommandError("Say who answers: --by USER.")
    if not user.has_perm(MAY_ANSWER):
        raise CommandError(f"{user} may not answer: it takes the role of an operator.")
    return user
