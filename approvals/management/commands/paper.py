from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from approvals import execution
from approvals.execution.paper import transfers
from approvals.execution.paper.transfers import Kind

DOES = {"deposit": Kind.DEPOSIT, "withdraw": Kind.WITHDRAWAL, "reset": Kind.RESET}


class Command(BaseCommand):
    help = "Pay in to the account on paper, take out of it, or reset it to an amount of cash."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("does", choices=DOES, help="reset: while nothing is held; its history stays.")
        parser.add_argument("amount", help="In the account's currency, as in 2500 or 99.50.")
        parser.add_argument("reason", help="Why, in quotes. It stays in the audit chain.")
        parser.add_argument("--by", required=True, help="The name of the user who decides this.")

    def handle(self, *args: Any, does: str, amount: str, reason: str, by: str, **options: Any) -> None:
        user = User.objects.filter(username=by, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {by!r}: name the one who decides this.")
        try:
            transfer = transfers.move(DOES[does], _amount(amount), user, reason, timezone.now())
        except transfers.NotMoved as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{transfer.kind.capitalize()}: {transfer.cash:+,.2f}.")
        for line in execution.describe_account(timezone.now()):
            self.stdout.write(line)


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise CommandError(f"{text!r} is no amount: write it as in 2500 or 99.50.") from error
    if not amount.is_finite():
        raise CommandError(f"{text!r} is no amount: write it as in 2500 or 99.50.")
    return amount
