"""`manage.py statement` compares now: what is fetched, or a file of Interactive Brokers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from approvals.execution import statements
from approvals.models import BrokerExecution, BrokerPosition, Charge, Fill, StatementBase, StatementDifference
from tests import make
from tests.approvals.brokers.test_ib_statement import ACTIVITY
from tests.vendors import Flex

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "0001f4e8.6571ab12.01.01"
NIGHT = datetime(2024, 7, 4, 5, 0, tzinfo=UTC)
FLEX = """<FlexQueryResponse><FlexStatements>
<FlexStatement accountId="DU123" fromDate="20240703" toDate="20240703">
<Trades><Trade currency="USD" assetCategory="STK" symbol="AAPL" dateTime="20240703;100000" quantity="10"
 tradePrice="{price}" ibCommission="-1.05" ibCommissionCurrency="USD" buySell="BUY" ibExecID="{number}"
 levelOfDetail="EXECUTION"/></Trades>
<CashTransactions><CashTransaction currency="USD" type="Other Fees" amount="-4.5" dateTime="20240703"
 description="Snapshot" transactionID="78" levelOfDetail="DETAIL"/></CashTransactions>
<OpenPositions><OpenPosition symbol="AAPL" position="10" assetCategory="STK"/></OpenPositions>
<CashReport><CashReportCurrency currency="USD" startingCash="100,000" endingCash="{cash}"/></CashReport>
</FlexStatement></FlexStatements></FlexQueryResponse>"""


@pytest.fixture
def vendor(settings: Settings) -> Iterator[Flex]:
    """10 AAPL at 185.50 at Interactive Brokers, their commission not known, followed since a day before."""
    make.only("AAPL")
    make.july_2024()
    entry = make.order(
        status="filled", filled_quantity=10, broker="ib", submitted_at=make.T0 - timedelta(days=1)
    )
    fill = make.fill(entry, broker="ib", execution_id=NUMBER, commission_unknown="not told")
    columns = {"quantity": 10, "price": fill.price, "executed_at": fill.executed_at, "told_at": make.T0}
    BrokerExecution.objects.create(fill=fill, execution_id=NUMBER, **columns)
    BrokerPosition.objects.create(symbol="AAPL", quantity=10, ours=10, average_cost=0, seen_at=make.T0)
    settings.BROKER, settings.IB_BRIDGE_URL = "ib", "http://127.0.0.1:1"
    with Flex() as vendor:
        vendor.statement = FLEX.format(price="185.50", number=NUMBER, cash="98,139.45")
        for name, value in vendor.settings.items():
            setattr(settings, name, value)
        yield vendor


def test_the_night_takes_over_commission_and_fee_and_agrees(vendor: Flex) -> None:
    row = statements.fetch(NIGHT, now=True)
    assert row is not None
    assert (row.differing, row.taken_over, row.agreed) == (0, 2, 3)
    fill = Fill.objects.get()
    assert (fill.commission, fill.commission_unknown) == (Decimal("1.05"), "")
    assert Charge.objects.get().amount == Decimal("-4.5")
    assert StatementBase.objects.get().cash == {"USD": "100000"}


def test_a_correction_of_days_later_changes_the_fill_and_the_cash_that_there_should_be(vendor: Flex) -> None:
    statements.fetch(NIGHT, now=True)
    vendor.statement = FLEX.format(price="185.00", number=f"{NUMBER[:-1]}2", cash="98,144.45")
    row = statements.fetch(NIGHT + timedelta(hours=1), now=True)
    assert row is not None
    assert (row.differing, row.taken_over) == (0, 1)
    assert Fill.objects.get().price == Decimal(185)


def test_money_that_is_missing_differs_each_night_until_it_is_answered(vendor: Flex) -> None:
    statements.fetch(NIGHT, now=True)
    vendor.statement = vendor.statement.replace("98,139.45", "98,100.00")
    for hour in (1, 2):
        statements.fetch(NIGHT + timedelta(hours=hour), now=True)
        assert [row.name for row in StatementDifference.objects.open()] == ["USD"]
    statements.answer(StatementDifference.objects.get(), by=make.trader(), at=NIGHT, why="A fee.")
    row = statements.fetch(NIGHT + timedelta(hours=3), now=True)
    assert row is not None
    assert row.differing == 0


def test_a_file_is_compared_and_one_of_another_account_is_not(vendor: Flex, tmp_path: Path) -> None:
    file, out = tmp_path / "activity.csv", StringIO()
    file.write_text(ACTIVITY)
    with pytest.raises(CommandError, match="Which account is Jax's cannot be read"):
        call_command("statement", file=file)
    statements.fetch(NIGHT, now=True)
    call_command("statement", file=file, stdout=out)
    assert "- the trades of a day: 2024-07-03 BUY BRK.B: Jax has 0 for 0.00" in out.getvalue()
    file.write_text(ACTIVITY.replace("DU123", "DU999"))
    with pytest.raises(CommandError, match="of account DU999, and Jax's account is DU123"):
        call_command("statement", file=file)


def test_without_a_token_it_says_what_to_set(vendor: Flex, settings: Settings) -> None:
    settings.IB_FLEX_TOKEN = ""
    with pytest.raises(CommandError, match="set IB_FLEX_TOKEN"):
        call_command("statement")
