"""Statements of Interactive Brokers in all their formats: they say the same."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from approvals.brokers.base import Side
from approvals.brokers.ib.statement import read
from approvals.brokers.ib.statement.figures import day, moment, number
from approvals.brokers.statements import Statement, UnreadableStatement

XML = """<FlexQueryResponse queryName="Jax" type="AF"><FlexStatements count="1">
<FlexStatement accountId="DU123" fromDate="20240703" toDate="20240703" period="LastBusinessDay">
<Trades>
<Trade accountId="DU123" currency="USD" assetCategory="STK" symbol="BRK B" dateTime="20240703;103000"
 quantity="1,000" tradePrice="410.5" taxes="0" ibCommission="-5.12" ibCommissionCurrency="EUR" buySell="BUY"
 ibExecID="0001f4e8.6571ab12.01.01" levelOfDetail="EXECUTION" transactionType="ExchTrade" notes="P"/>
<Trade accountId="DU123" currency="USD" assetCategory="STK" symbol="AAPL" dateTime="20240703;110000"
 quantity="-10" tradePrice="220" ibCommission="-1" ibCommissionCurrency="USD" buySell="SELL"
 ibExecID="0001f4e8.6571ab13.01.01" levelOfDetail="EXECUTION" notes="" taxes="-0.31"/>
<Trade accountId="DU123" currency="USD" assetCategory="STK" symbol="AAPL" dateTime="20240703;110000"
 quantity="10" tradePrice="220" buySell="SELL (Ca.)" ibExecID="0001f4e8.6571ab14.01.01"
 levelOfDetail="EXECUTION" transactionType="TradeCancel" notes="Ca"/>
<Trade accountId="DU123" currency="USD" assetCategory="STK" symbol="AAPL" dateTime="20240703;110000"
 quantity="-10" tradePrice="220" buySell="SELL" ibExecID="0001f4e8.6571ab14.01.01" levelOfDetail="EXECUTION"/>
<Trade accountId="DU123" currency="USD" assetCategory="CASH" symbol="EUR.USD" dateTime="20240703;090000"
 quantity="100" tradePrice="1.08" proceeds="-108" ibCommission="-2" ibCommissionCurrency="EUR" buySell="BUY"
 ibExecID="0001f4e8.6571ab15.01.01" levelOfDetail="EXECUTION"/>
<Order accountId="DU123" currency="USD" symbol="AAPL" quantity="-10" tradePrice="220"/>
</Trades>
<CashTransactions>
<CashTransaction accountId="DU123" currency="EUR" type="Deposits" amount="5000" dateTime="20240703"
 description="Transfer" transactionID="77" levelOfDetail="DETAIL"/>
<CashTransaction accountId="DU123" currency="USD" type="Other Fees" amount="much" dateTime="20240703"
 description="Snapshot" transactionID="78" levelOfDetail="DETAIL"/>
<CashTransaction accountId="DU123" currency="EUR" type="Deposits/Withdrawals" amount="5000"
 levelOfDetail="SUMMARY"/>
</CashTransactions>
<OpenPositions><OpenPosition symbol="BRK B" position="1000" assetCategory="STK" levelOfDetail="SUMMARY"/>
</OpenPositions>
<CashReport>
<CashReportCurrency currency="BASE_SUMMARY" startingCash="1" endingCash="2"/>
<CashReportCurrency currency="EUR" startingCash="10,000.00" endingCash="15,092.88"/>
</CashReport>
</FlexStatement></FlexStatements></FlexQueryResponse>"""

FLEX_CSV = """"ClientAccountID","CurrencyPrimary","AssetClass","Symbol","DateTime","Buy/Sell","Quantity",\
"TradePrice",\
"IBCommission","IBCommissionCurrency","IBExecID","LevelOfDetail","Notes/Codes"
"DU123","USD","STK","BRK B","2024-07-03;10:30:00","BUY","1000","410.5","-5.12","EUR",\
"0001f4e8.6571ab12.01.01","EXECUTION","P"
"ClientAccountID","CurrencyPrimary","FromDate","ToDate","StartingCash","EndingCash"
"DU123","EUR","2024-07-03","2024-07-03","10000","15092.88"
"ClientAccountID","AssetClass","Symbol","Quantity","MarkPrice"
"DU123","STK","BRK B","1000","411"
"""

MARKED_CSV = """"BOF","DU123","Jax","1","20240703","20240703","20240704","010203"
"BOA","DU123","20240703","20240703"
"BOS","TRNT","Trades; trade date basis"
"HEADER","TRNT","ClientAccountID","CurrencyPrimary","AssetClass","Symbol","DateTime","Buy/Sell","Quantity",\
"TradePrice","IBCommission","IBCommissionCurrency","IBExecID"
"DATA","TRNT","DU123","USD","STK","BRK B","20240703;103000","BUY","1000","410.5","-5.12","EUR",\
"0001f4e8.6571ab12.01.01"
"EOS","TRNT","1","Trades; trade date basis"
"HEADER","POST","ClientAccountID","AssetClass","Symbol","Quantity"
"DATA","POST","DU123","STK","BRK B","1000"
"HEADER","CRTT","ClientAccountID","CurrencyPrimary","StartingCash","EndingCash"
"DATA","CRTT","DU123","EUR","10000","15092.88"
"EOA","DU123"
"EOF","DU123"
"""

ACTIVITY = """Statement,Header,Field Name,Field Value
Statement,Data,BrokerName,Interactive Brokers
Statement,Data,Period,"July 3, 2024"
Account Information,Header,Field Name,Field Value
Account Information,Data,Account,DU123 (Paper)
Account Information,Data,Base Currency,EUR
Cash Report,Header,Currency Summary,Currency,Total,Securities,Futures,
Cash Report,Data,Starting Cash,Base Currency Summary,"1,000",0,0,
Cash Report,Data,Starting Cash,EUR,"10,000.00",0,0,
Cash Report,Data,Ending Cash,EUR,"15,092.88",0,0,
Open Positions,Header,DataDiscriminator,Asset Category,Currency,Symbol,Quantity,Mult,Cost Price
Open Positions,Data,Summary,Stocks,USD,BRK B,"1,000",1,410.5
Open Positions,Total,,Stocks,USD,,,,410500
Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price,C. Price,Proceeds,\
Comm/Fee,Basis,Code
Trades,Data,Order,Stocks,USD,BRK B,"2024-07-03, 10:30:00","1,000",410.5,411,"-410,500",-5.12,410505.12,O;P
Trades,SubTotal,,Stocks,USD,BRK B,,"1,000",,,"-410,500",-5.12,,
Deposits & Withdrawals,Header,Currency,Settle Date,Description,Amount
Deposits & Withdrawals,Data,EUR,2024-07-03,Transfer,5000
Deposits & Withdrawals,Data,Total,,,5000
"""


def parsed(text: str) -> Statement:
    return read(text.encode(), "a file")


@pytest.mark.parametrize(
    "text", [XML, FLEX_CSV, MARKED_CSV, ACTIVITY], ids=["xml", "csv", "marked", "activity"]
)
def test_each_format_says_the_same(text: str) -> None:
    statement = parsed(text)
    assert statement.account_id == "DU123"
    assert (statement.since, statement.until) == (
        datetime(2024, 7, 3, 4, tzinfo=UTC),
        datetime(2024, 7, 4, 4, tzinfo=UTC),
    )
    assert statement.executions is not None
    first = statement.executions[0]
    assert (first.symbol, first.side, first.quantity, first.price) == (
        "BRK.B",
        Side.BUY,
        1000,
        Decimal("410.5"),
    )
    assert first.commission == Decimal("5.12")
    assert first.executed_at == datetime(2024, 7, 3, 14, 30, tzinfo=UTC)
    assert statement.holdings == {"BRK.B": Decimal(1000)}
    assert statement.cash == {"EUR": Decimal("15092.88")}
    assert statement.opening_cash == {"EUR": Decimal(10000)}


def test_the_activity_statement_has_no_numbers_of_trades() -> None:
    executions = parsed(ACTIVITY).executions
    assert executions is not None
    assert [execution.execution_id for execution in executions] == [""]


def test_cancelled_trades_currencies_and_rows_that_cannot_be_read() -> None:
    statement = parsed(XML)
    assert statement.executions is not None
    assert statement.charges is not None
    assert [own.execution_id[-8:] for own in statement.executions] == ["12.01.01", "13.01.01"]
    assert [own.execution_id[-8:] for own in statement.cancelled] == ["14.01.01"]
    money = sorted((charge.currency, charge.amount) for charge in statement.charges)
    assert money == [
        ("EUR", Decimal(-2)),
        ("EUR", Decimal(100)),
        ("EUR", Decimal(5000)),
        ("USD", Decimal(-108)),
        ("USD", Decimal("-0.31")),
    ]
    assert statement.unread == ("Cash, row 2 (Snapshot): 'much' is no number",)


def test_the_same_file_gives_its_money_the_same_numbers() -> None:
    first, again = (parsed(ACTIVITY).charges for _ in range(2))
    assert first is not None
    assert first == again
    assert first[0].amount == Decimal(5000)


def test_sections_that_are_not_there_are_not_compared() -> None:
    statement = parsed(FLEX_CSV)
    assert statement.charges is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "none of IB's statements"),
        ("Date,Open,High\n2024-07-03,1,2\n", "none of IB's statements"),
        ("<html><body>Log in</body></html>", "no FlexStatement"),
        ("<FlexQueryResponse><FlexStatements>", "XML is broken"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><x/>', "entities"),
        (XML.replace('fromDate="20240703" toDate="20240703"', ""), "of which days"),
        (XML.replace("20240703", "07/03/2024"), "yyyy-MM-dd"),
        (
            XML.replace('accountId="DU123" currency="USD"', 'accountId="DU9" currency="USD"', 1),
            "several accounts",
        ),
        (XML.replace("DU123", ""), "of which account"),
    ],
)
def test_what_is_no_statement_says_what_to_give(text: str, words: str) -> None:
    with pytest.raises(UnreadableStatement, match=words):
        parsed(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1,234", "1234"),
        ("12,5", "12.5"),
        ("-1'000", "-1000"),
        ("1 000", "1000"),
        ("1E-7", "1E-7"),
    ],
)
def test_marks_of_thousands(text: str, value: str) -> None:
    assert number(text) == Decimal(value)


def test_nothing_is_none() -> None:
    assert number("--") is None
    assert day("") is None


@pytest.mark.parametrize(
    "text", ["20240703;103000", "2024-07-03, 10:30:00", "2024-07-03 10:30:00 EDT", "03-JUL-24;10:30"]
)
def test_times_are_new_yorks(text: str) -> None:
    assert moment(text) == datetime(2024, 7, 3, 14, 30, tzinfo=UTC)
