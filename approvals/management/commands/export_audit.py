import csv
from argparse import ArgumentTypeError
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from django.core.management.base import BaseCommand, CommandError, CommandParser

from approvals import audit


def instant(text: str) -> datetime:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no instant: write 2024-07-03 or 2024-07-03T14:00:00Z") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


class Writable(Protocol):
    def write(self, text: str, /) -> object: ...


class Command(BaseCommand):
    help = "Write the audit events as CSV (for a spreadsheet) or as JSON lines (to check the hashes by)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=["csv", "jsonl"], default="jsonl")
        parser.add_argument("--since", type=instant, metavar="INSTANT", help="At this instant or later, UTC.")
        parser.add_argument("--until", type=instant, metavar="INSTANT", help="Before this instant, UTC.")
        parser.add_argument("--output", type=Path, metavar="FILE", help="A new file. Else it is printed.")

    def handle(self, *args: Any, **options: Any) -> None:
        write = _csv if options["format"] == "csv" else _lines
        try:
            output = options["output"] and options["output"].open("x", encoding="utf-8", newline="")
        except OSError as error:
            raise CommandError(f"{error.strerror}: {error.filename}. Name a new file.") from None
        with output or nullcontext(self.stdout) as file:
            write(options["since"], options["until"], file)


def _csv(since: datetime | None, until: datetime | None, file: Writable) -> None:
    sheet = csv.writer(file, lineterminator="\n")
    sheet.writerow(audit.HEADINGS)
    sheet.writerows(map(audit.sheet_row, audit.between(since, until)))


def _lines(since: datetime | None, until: datetime | None, file: Writable) -> None:
    for row in audit.between(since, until):
        file.write(f"{audit.witness(row)}\n")
