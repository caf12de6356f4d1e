"""manage.py paper: cash in, out, and reset, with who and why."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from approvals.models import PaperTransfer
from tests.approvals.audit_rows import user

pytestmark = pytest.mark.django_db


def ran(*arguments: str) -> str:
    out = StringIO()
    call_command("paper", *arguments, stdout=out)
    return out.getvalue()


def test_it_pays_in_and_shows_the_account() -> None:
    user()
    assert ran("deposit", "2500", "more to try", "--by", "tina").startswith("Deposit: +2,500.00.\n")
    assert PaperTransfer.objects.get().cash == Decimal(2500)


def test_it_takes_out_no_more_than_there_is() -> None:
    user()
    with pytest.raises(CommandError, match=r"100000\.00 USD can be taken out"):
        ran("withdraw", "100000.01", "too much", "--by", "tina")


def test_it_resets() -> None:
    user()
    assert ran("reset", "50000", "begin anew", "--by", "tina").startswith("Reset: -50,000.00.\n")


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (["deposit", "x", "why", "--by", "tina"], "'x' is no amount"),
        (["deposit", "NaN", "why", "--by", "tina"], "'NaN' is no amount"),
        (["deposit", "1", "why", "--by", "nobody"], "no active user 'nobody'"),
    ],
)
def test_what_it_cannot_read_moves_nothing(arguments: list[str], refusal: str) -> None:
    user()
    with pytest.raises(CommandError, match=refusal):
        ran(*arguments)
    assert not PaperTransfer.objects.exists()
