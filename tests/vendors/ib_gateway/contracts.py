"""The shares that the gateway knows: ids, exchanges, ticks, hours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zlib import crc32

from tests.vendors import holidays, prices

# Ticks by price, as reqMarketRule tells them: from this price on, this step.
MARKET_RULES: dict[int, tuple[tuple[Decimal, Decimal], ...]] = {
    26: ((Decimal(0), Decimal("0.01")),),
    239: ((Decimal(0), Decimal("0.0001")), (Decimal(1), Decimal("0.01"))),
    1795: ((Decimal(0), Decimal("0.01")), (Decimal(100), Decimal("0.05")), (Decimal(200), Decimal("0.1"))),
}


@dataclass(frozen=True)
class Share:
    con_id: int
    symbol: str
    name: str
    primary_exchange: str
    currency: str = "USD"
    market_rule: int = 26
    time_zone: str = "US/Eastern"
    hours: tuple[str, str] = ("0930", "1600")

    @property
    def min_tick(self) -> Decimal:
        return min(step for _, step in MARKET_RULES[self.market_rule])

    def fits_tick(self, price: Decimal) -> bool:
        step = [step for above, step in MARKET_RULES[self.market_rule] if price >= above][-1]
        return price % step == 0


def share(symbol: str, name: str = "", exchange: str = "NASDAQ", con_id: int = 0) -> Share:
    made_up = crc32(f"{symbol}{exchange}".encode()) % 900_000_000
    return Share(con_id or made_up, symbol, name or f"{symbol} INC", exchange)


SAP = Share(14204, "SAP", "SAP SE", "IBIS", "EUR", 1795, "MET", ("0900", "1730"))
LISTED = (
    *(share(symbol) for symbol in prices.WATCHLIST if symbol not in ("AAPL", "SPY")),
    share("AAPL", "APPLE INC", con_id=265598),
    share("SPY", "SPDR S&P 500 ETF TRUST", "ARCA", con_id=756733),
    share("BRK B", "BERKSHIRE HATHAWAY INC-CL B", "NYSE", con_id=72063691),
    share("SAP", "SAP SE-SPONSORED ADR", "NYSE"),
    SAP,
)


def find(shares: tuple[Share, ...], wanted: Mapping[str, str]) -> list[Share]:
    """Return the shares that a contract of a request can mean: by id, else by symbol and exchange."""
    if wanted["con_id"] not in ("", "0"):
        return [known for known in shares if str(known.con_id) == wanted["con_id"]]
    return [known for known in shares if _is_meant(known, wanted)]


def _is_meant(known: Share, wanted: Mapping[str, str]) -> bool:
    return (
        known.symbol == wanted["symbol"]
        and wanted["sec_type"] in ("STK", "")
        and wanted["currency"] in (known.currency, "")
        and wanted["primary_exchange"] in (known.primary_exchange, "")
        and wanted["exchange"] in ("SMART", known.primary_exchange, "")
    )


def search(shares: tuple[Share, ...], pattern: str) -> list[Share]:
    words = pattern.upper()
    return [known for known in shares if known.symbol.startswith(words) or words in known.name.upper()]


def hours(known: Share, today: date, days: int = 7) -> str:
    """Return the hours as a contract's details have them: `20261130:0930-20261130:1600;20261205:CLOSED`."""
    return ";".join(_hours_of(known, today + timedelta(days=n)) for n in range(days))


def _hours_of(known: Share, day: date) -> str:
    opens, closes = known.hours
    if day.weekday() > 4 or day in holidays.closed(day.year):
        return f"{day:%Y%m%d}:CLOSED"
    if day in holidays.short(day.year):
        closes = "1300"
    return f"{day:%Y%m%d}:{opens}-{day:%Y%m%d}:{closes}"


def details(known: Share, req_id: str, at: datetime) -> Iterator[object]:
    """Yield the message with a contract's details."""
    open_hours = hours(known, at.astimezone(prices.NEW_YORK).date())
    yield from (
        10,
        req_id,
        known.symbol,
        "STK",
        "",
        0,
        "",
        "SMART",
        known.currency,
        known.symbol,
        "NMS",
        "NMS",
    )
    yield from (known.con_id, known.min_tick, "", "LMT,MKT,STP,GTC,GTD,OCA,WHATIF")
    yield from (f"SMART,{known.primary_exchange}", 1, 0, known.name, known.primary_exchange, "")
    yield from ("Technology", "Computers", "Computers", known.time_zone, open_hours, open_hours, "", "")
    yield from (1, "ISIN", f"US{known.con_id:010}", 1, "", "")
    yield from (f"{known.market_rule},{known.market_rule}", "", "COMMON", 1, 1, 100)


def samples(found: list[Share], req_id: str) -> Iterator[object]:
    """Yield the message that answers reqMatchingSymbols."""
    yield from (79, req_id, len(found))
    for known in found:
        yield from (known.con_id, known.symbol, "STK", known.primary_exchange, known.currency)
        yield from (1, "OPT", known.name, "")
