"""What Alpaca's rows say of executions, charges, holdings and the account. Pure."""

from decimal import Decimal
from typing import Any

from approvals.brokers.alpaca.values import Row, instrument, moment, number, side, whole
from approvals.brokers.base import Account, Charge, ChargeKind, Execution, Holding, Leg

CHARGES = {
    "FEE": "Fee",
    "CFEE": "Crypto fee",
    "PTC": "Fee of the depositary",
    "DIV": "Dividend",
    "DIVCGL": "Dividend, long-term capital gain",
    "DIVCGS": "Dividend, short-term capital gain",
    "DIVNRA": "Tax on a dividend",
    "DIVROC": "Dividend, return of capital",
    "DIVTXEX": "Dividend, tax exempt",
    "DIVWH": "Tax withheld on a dividend",
    "INT": "Interest",
    "INTNRA": "Tax on interest",
    "INTTW": "Tax withheld on interest",
    "WH": "Tax withheld",
    "CIL": "Cash in lieu of a part of a share",
}
KINDS = {
    **dict.fromkeys(("FEE", "CFEE", "PTC"), ChargeKind.FEE),
    **dict.fromkeys(("DIV", "DIVCGL", "DIVCGS", "DIVROC", "DIVTXEX"), ChargeKind.DIVIDEND),
    **dict.fromkeys(("DIVNRA", "DIVWH", "INTNRA", "INTTW", "WH"), ChargeKind.TAX),
    "INT": ChargeKind.INTEREST,
}
ACCOUNT_FLAGS = {
    "account_blocked": "Alpaca has blocked the account: write to its support.",
    "trading_blocked": "Alpaca has blocked trading in the account: its page says why.",
    "trade_suspended_by_user": "New orders are switched off on Alpaca's page: Settings, Suspend trading.",
}


def execution(row: Row, client_id: Any, leg: Leg) -> Execution:
    """Return an execution. Alpaca takes no commission; fees come as charges on the day after."""
    return Execution(
        execution_id=row.get("id", ""),
        client_id=client_id,
        leg=leg,
        instrument=instrument(row),
        side=side(row.get("side")),
        quantity=whole(row.get("qty")),
        price=number(row.get("price")),
        commission=Decimal(0),
        executed_at=moment(row.get("transaction_time")),
        corrects=row.get("previous_id") or "",
        commission_currency="USD",
        broker_order_id=row.get("order_id", ""),
    )


def charge(row: Row) -> Charge:
    kind = str(row.get("activity_type"))
    return Charge(
        charge_id=row.get("id", ""),
        at=moment(f"{row.get('date')}T00:00:00Z"),
        amount=number(row.get("net_amount")),
        currency=row.get("currency") or "USD",
        what=row.get("description") or CHARGES.get(kind, kind),
        symbol=row.get("symbol") or "",
        kind=KINDS.get(kind, ChargeKind.OTHER),
    )


def is_charge(row: Row) -> bool:
    return row.get("activity_type") in CHARGES and row.get("status") != "canceled"


def holding(row: Row) -> Holding:
    return Holding(instrument(row), number(row.get("qty")), number(row.get("avg_entry_price")))


def account(row: Row) -> Account:
    cash, currency = number(row.get("cash")), row.get("currency") or "USD"
    return Account(
        currency=currency,
        equity=number(row.get("equity")),
        cash=cash,
        buying_power=number(row.get("buying_power")),
        account_id=row.get("account_number", ""),
        cash_by_currency={currency: cash},
        is_blocked=blocked(row),
    )


def blocked(row: Row) -> str:
    """Return why an account takes no orders; empty when it does."""
    if row.get("status") != "ACTIVE":
        return (
            f"The account is {row.get('status')} at Alpaca, not ACTIVE: finish its set-up on Alpaca's page."
        )
    return next((why for flag, why in ACCOUNT_FLAGS.items() if row.get(flag)), "")
