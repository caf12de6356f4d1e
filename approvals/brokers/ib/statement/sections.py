"""What the sections of IB's statements mean. Pure. A row that cannot be read is named; the others count."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from approvals.brokers.answers import Charge, Execution
from approvals.brokers.base import UNREADABLE, Instrument, Leg, Side
from approvals.brokers.ib.rows import whole
from approvals.brokers.ib.statement.figures import begin_of, day, end_of, moment, number
from approvals.brokers.ib.statement.tables import Row, Tables
from approvals.brokers.statements import Statement, UnreadableStatement

Part = TypeVar("Part")

EDGE = timedelta(hours=5)  # what trades in the evening or in Asia may be of the next day
STOCKS = ("STK", "Stocks", "")
SUMMED = ("ORDER", "CLOSED_LOT", "SYMBOL_SUMMARY", "SUMMARY", "CURRENCY", "WASH_SALE")
ONE_BY_ONE = ("EXECUTION", "DETAIL", "Order", "Trade", "")
BASE = ("BASE_SUMMARY", "Base Currency Summary", "")
CURRENCY = re.compile(r"[A-Z]{3}")
NO_PERIOD = (
    "The statement does not say of which days it is: add FromDate and ToDate of the cash report,"
    " or take the XML."
)


def statement(tables: Tables, source: str) -> Statement:
    """Return the statement of one account. Raises UnreadableStatement."""
    since, until = _period(tables)
    unread = list[str]()
    executions, cancelled, traded = list[Execution](), list[Execution](), list[Charge]()
    for row, part in _each("Trades", _trades(tables.get("trades", [])), _trade, unread):
        if isinstance(part, Execution):
            (cancelled if _is_cancelled(row) else executions).append(part)
            traded += _taxes(row, part)
        else:
            traded += part
    money = [charge for _, charge in _each("Cash", _cash_rows(tables), _charge, unread)]
    held = _each("Open Positions", _lines(tables.get("openpositions", [])), _holding, unread)
    cash = [(row["currency"], row) for row in tables.get("cashreport", []) if _is_currency(row)]
    has_executions = "trades" in tables
    return Statement(
        account_id=_account(tables),
        source=source,
        since=since,
        until=until,
        executions=tuple(_without(executions, cancelled)) if has_executions else None,
        cancelled=tuple(cancelled),
        charges=tuple(_numbered([*money, *traded])) if "cashtransactions" in tables else None,
        holdings=_summed(pair for _, pair in held) if "openpositions" in tables else None,
        cash=_balances(cash, "endingcash"),
        opening_cash=_balances(cash, "startingcash"),
        edge=EDGE,
        unread=tuple(unread),
    )


def _each(
    section: str, rows: Sequence[Row], read: Callable[[Row], Part], unread: list[str]
) -> list[tuple[Row, Part]]:
    """Return what the rows say. Those that cannot be read are put into `unread`, in words."""
    parts = list[tuple[Row, Part]]()
    for place, row in enumerate(rows, start=1):
        try:
            parts.append((row, read(row)))
        except UNREADABLE as error:
            named = row.get("symbol") or row.get("description") or row.get("currency") or "without a name"
            unread.append(f"{section}, row {place} ({named[:40]}): {error or type(error).__name__}")
    return parts


def _lines(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that stand for themselves: sums and lots left out where both are there."""
    return [row for row in rows if row.get("levelofdetail", "") not in ("LOT", "Lot", "Total", "SubTotal")]


# --- whose, and of when -----------------------------------------------------------------------------------


def _account(tables: Tables) -> str:
    rows = [
        row
        for name in ("statement", "accountinformation", "trades", "cashreport")
        for row in tables.get(name, [])
    ]
    accounts = {row["accountid"].split(" ")[0] for row in rows if row.get("accountid")}
    if len(accounts) > 1:
        raise UnreadableStatement(
            f"The statement is of several accounts ({', '.join(sorted(accounts))}): make it for one alone."
        )
    if not accounts:
        raise UnreadableStatement(
            "The statement does not say of which account it is: add the account's id to it."
        )
    return accounts.pop()


def _period(tables: Tables) -> tuple[datetime, datetime]:
    """Return the instants that the statement's days begin and end at, in New York."""
    rows = [row for name in ("statement", "cashreport") for row in tables.get(name, [])]
    try:
        days = [day(row.get(name, "")) for row in rows for name in ("fromdate", "todate")]
        written = [row.get("period", "") for row in rows if not any(days)]
        days += [day(part) for period in written for part in period.split(" - ") if re.search(r"\d", part)]
    except ValueError as error:
        raise UnreadableStatement(f"The statement's period: {error}.") from error
    known = [own for own in days if own is not None]
    if not known:
        raise UnreadableStatement(NO_PERIOD)
    return begin_of(min(known)), end_of(max(known))


# --- trades -----------------------------------------------------------------------------------------------


def _trades(rows: Sequence[Row]) -> list[Row]:
    """Return the executions; what sums them up is left out, and rows of totals."""
    levels = {row.get("levelofdetail", "") for row in rows}
    wanted = "EXECUTION" if "EXECUTION" in levels else None
    return [
        row
        for row in rows
        if (row.get("levelofdetail", "") == wanted if wanted else row.get("levelofdetail", "") in ONE_BY_ONE)
    ]


def _trade(row: Row) -> Execution | list[Charge]:
    quantity, price = _needed(row, "quantity"), _needed(row, "tradeprice")
    at = moment(row.get("datetime") or row.get("tradetime") or row.get("tradedate") or "")
    if at is None:
        raise ValueError("it has no time")
    if row.get("assetcategory", "") not in STOCKS:
        return _other_trade(row, quantity, price, at)
    commission = number(row.get("ibcommission", ""))
    if not quantity:
        raise ValueError("it is of no shares")
    named = row.get("buysell", "").upper()
    side = Side.SELL if (named.startswith("SELL") if named else quantity < 0) else Side.BUY
    return Execution(
        execution_id=row.get("ibexecid", ""),
        client_id=None,
        leg=Leg.ENTRY,
        instrument=Instrument(symbol(row["symbol"]), row.get("currency", "")),
        side=side,
        quantity=whole(abs(quantity)),
        price=price,
        commission=None if commission is None else -commission,
        executed_at=at,
        commission_currency=row.get("ibcommissioncurrency", ""),
        broker_order_id=row.get("iborderid", ""),
    )


def symbol(written: str) -> str:
    """Return a symbol as Jax spells it: IB writes BRK B."""
    return written.strip().replace(" ", ".")


def _is_cancelled(row: Row) -> bool:
    codes = re.split(r"[;, ]+", row.get("notes", ""))
    kind = row.get("transactiontype", "")
    return "cancel" in kind.lower() or "Ca" in codes or "(CA" in row.get("buysell", "").upper()


def _without(executions: Sequence[Execution], cancelled: Sequence[Execution]) -> Iterator[Execution]:
    """Yield the executions that were not taken back: by number, or by symbol, shares and price."""
    numbers = {own.execution_id for own in cancelled if own.execution_id}
    terms = Counter((own.symbol, own.quantity, own.price) for own in cancelled if not own.execution_id)
    for execution in executions:
        like = (execution.symbol, execution.quantity, execution.price)
        if execution.execution_id in numbers:
            continue
        if terms[like]:
            terms[like] -= 1
        else:
            yield execution


def _taxes(row: Row, execution: Execution) -> list[Charge]:
    taxes = number(row.get("taxes", ""))
    if not taxes:
        return []
    what = f"Tax on a trade of {execution.symbol}"
    return [
        Charge(
            "",
            execution.executed_at,
            taxes,
            row.get("currency", ""),
            what,
            execution.execution_id,
            execution.symbol,
        )
    ]


def _other_trade(row: Row, quantity: Decimal, price: Decimal, at: datetime) -> list[Charge]:
    """Return the money of a trade in what is no share: Jax has no book of these."""
    what = f"Trade of {quantity.normalize():f} {row.get('symbol', '')}, no share"
    proceeds = number(row.get("proceeds", ""))
    own = row.get("currency", "")
    amounts = [
        (own, -quantity * price * (number(row.get("multiplier", "")) or 1) if proceeds is None else proceeds)
    ]
    if row.get("assetcategory") in ("CASH", "Forex"):
        amounts.append((re.split(r"[./]", row.get("symbol", ""))[0], quantity))
    commission = number(row.get("ibcommission", ""))
    if commission:
        amounts.append((row.get("ibcommissioncurrency") or own, commission))
    return [Charge("", at, amount, currency, what) for currency, amount in amounts if amount]


# --- money ------------------------------------------------------------------------------------------------


def _cash_rows(tables: Tables) -> list[Row]:
    rows = [row for row in tables.get("cashtransactions", []) if _is_currency(row)]
    levels = {row.get("levelofdetail", "") for row in rows}
    return [row for row in rows if "DETAIL" not in levels or row.get("levelofdetail") == "DETAIL"]


def _is_currency(row: Row) -> bool:
    return CURRENCY.fullmatch(row.get("currency", "")) is not None


def _charge(row: Row) -> Charge:
    at = moment(
        row.get("datetime")
        or row.get("reportdate")
        or row.get("settledate")
        or row.get("date")
        or row.get("datetime", "")
    )
    if at is None:
        raise ValueError("it has no date")
    kind = row.get("type") or row.get("section", "")
    what = ": ".join(filter(None, [kind, row.get("description", "")]))
    transaction = row.get("transactionid", "")
    return Charge(
        charge_id=f"flex {transaction}" if transaction else "",
        at=at,
        amount=_needed(row, "amount"),
        currency=row["currency"],
        what=what[:300] or "Money that moved",
        symbol=symbol(row.get("symbol", ""))[:16],
    )


def _numbered(charges: Sequence[Charge]) -> Iterator[Charge]:
    """Yield the charges; one without a number has one of its own terms, so that it is the same next time."""
    seen: Counter[str] = Counter()
    for charge in charges:
        name = charge.charge_id
        if not name:
            terms = (
                charge.at.date(),
                charge.amount.normalize(),
                charge.currency,
                charge.what,
                charge.execution_id,
            )
            digest = hashlib.sha256("\n".join(map(str, terms)).encode()).hexdigest()[:40]
            seen[digest] += 1
            name = f"statement {digest} {seen[digest]}"
        values: dict[str, Any] = {"charge_id": name}
        yield Charge(
            **values,
            at=charge.at,
            amount=charge.amount,
            currency=charge.currency,
            what=charge.what,
            execution_id=charge.execution_id,
            symbol=charge.symbol,
        )


def _balances(rows: Sequence[tuple[str, Row]], name: str) -> dict[str, Decimal] | None:
    """Return cash by currency; None where the report does not tell it apart."""
    amounts = [(currency, number(row.get(name, ""))) for currency, row in rows]
    known = {currency: amount for currency, amount in amounts if amount is not None}
    return known or None


def _holding(row: Row) -> tuple[str, Decimal]:
    if row.get("assetcategory", "") not in STOCKS:
        return "", Decimal(0)
    quantity = _needed(row, "quantity")
    is_short = row.get("side", "").lower() == "short" and quantity > 0
    return symbol(row["symbol"]), -quantity if is_short else quantity


def _summed(pairs: Any) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for name, shares in pairs:
        if name:
            sums[name] = sums.get(name, Decimal(0)) + shares
    return sums


def _needed(row: Row, name: str) -> Decimal:
    amount = number(row.get(name, ""))
    if amount is None:
        raise ValueError(f"it has no {name}")
    return amount
