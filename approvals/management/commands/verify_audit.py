from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from approvals import audit


def number(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no count: give the number that an earlier run has printed")
    return int(text)


class Command(BaseCommand):
    help = (
        "Check the chain of audit events and print its count and head hash, as options of this command: "
        "given back later, they show that its end was not cut off since. Exits with 1 where it is broken."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--count", type=number, help="How many events an earlier run has found.")
        parser.add_argument("--head", help="The hash of the last of those.")

    def handle(self, *args: Any, count: int | None, head: str | None, **options: Any) -> None:
        if (count is None) != (head is None):
            raise CommandError("Give --count and --head together, as an earlier run has printed them.")
        try:
            if count is not None and head is not None:
                audit.reaches(count, head)
            chain = audit.verify()
        except audit.Broken as broken:
            raise CommandError(str(broken)) from None
        self.stdout.write(f"Unbroken. Events: {chain.count}")
        self.stdout.write(f"--count {chain.count} --head {chain.head}")
