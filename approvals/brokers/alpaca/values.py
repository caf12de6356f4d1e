"""Single values of Alpaca's rows. Pure. One that cannot be read is passed on as it came."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from approvals.brokers.base import Instrument, InstrumentKind, Side, converted

Row = dict[str, Any]

KINDS: Mapping[object, InstrumentKind] = {
    "us_equity": InstrumentKind.STOCK,
    "us_option": InstrumentKind.OPTION,
    "crypto": InstrumentKind.CRYPTO,
}
SIDES = {"buy": Side.BUY, "sell": Side.SELL, "sell_short": Side.SELL}


def instrument(row: Row) -> Instrument:
    """Return the instrument. Alpaca spells symbols as we do: BRK.B."""
    kind = KINDS.get(row.get("asset_class", "us_equity"), InstrumentKind.OTHER)
    return Instrument(row.get("symbol", ""), "USD", kind=kind, broker_id=row.get("asset_id") or "")


def side(value: Any) -> Side:
    return converted(SIDES.__getitem__, value)


def number(value: Any) -> Decimal:
    return converted(lambda text: Decimal(str(text)), value)


def moment(value: Any) -> datetime:
    """Return an instant; Alpaca's have up to nine digits behind the second."""
    return converted(lambda text: datetime.fromisoformat(text).astimezone(UTC), value)


def whole(value: Any) -> Any:
    """Return whole shares as an integer; a part of one as it is, which Jax never trades."""
    amount = number(0 if value is None else value)
    return int(amount) if isinstance(amount, Decimal) and amount == amount.to_integral_value() else amount
