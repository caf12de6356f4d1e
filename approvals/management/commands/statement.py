from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from approvals.brokers import registry
from approvals.brokers.statements import StatementError
from approvals.execution import BrokerError, RealMoney, statements
from approvals.models import BrokerStatement, StatementBase

SHOWN = 50


class Command(BaseCommand):
    help = "Compare Jax's book with the broker's statement now: fetched, or loaded from a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path, help="A statement of Interactive Brokers: XML or CSV.")
        parser.add_argument(
            "--new-account",
            action="store_true",
            help="The account at the broker is another one now: later statements are compared with the next.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new_account"]:
            StatementBase.objects.filter(broker=registry.spec_of(settings.BROKER).name).delete()
            self.stdout.write("The next statement is the first of this account.")
            return
        try:
            row = self._compare(options["file"])
        except (StatementError, BrokerError, RealMoney) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}") from error
        self._tell(row)

    def _compare(self, path: Path | None) -> BrokerStatement:
        at = timezone.now()
        if path is not None:
            return statements.load(path.read_bytes(), path.name, at)
        row = statements.fetch(at, now=True)
        if row is None:
            raise CommandError("Another process is comparing it at this moment.")
        return row

    def _tell(self, row: BrokerStatement) -> None:
        self.stdout.write(f"Statement of {row}: {row.agreed} agree, {row.taken_over} taken over.")
        for difference in row.differences.filter(ended_at=None).order_by("pk")[:SHOWN]:
            ours, stated = difference.ours or "nothing", difference.stated or "nothing"
            self.stdout.write(f"- {difference}: Jax has {ours}, the statement {stated}. {difference.detail}")
        if row.not_compared:
            self.stdout.write(row.not_compared)
