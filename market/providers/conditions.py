"""Condition codes of US shares: which trades do not set the last price, and which quotes are of a halt.

Trades, `Update Last` of the consolidated tape; "no, unless it is the day's first" counts as no:
- Polygon's own numbers: https://polygon.io/glossary/us/stocks/conditions-indicators
- UTP (tape C): https://utpplan.com/DOC/UtpBinaryOutputSpec.pdf, page 43
- CTA (tapes A and B): CTS_BINARY_OUTPUT_SPECIFICATION.pdf, page 62, in
  https://www.ctaplan.com/publicdocs/ctaplan/notifications/trader-update/
- both tapes beside each other: https://docs.dxfeed.com/misc/dxFeed_TimeAndSale_Sale_Conditions.htm

Quotes:
- CTA: https://lean.io/docs/v2/lean-engine/class-reference/QuoteConditionFlags_8cs_source.html
- UTP: https://www.barchart.com/solutions/client/ddfplus_feedspecs_uqdf_quotecondition.txt

UTP announces halts in messages of their own: a quote without such a code does not say that its share trades.
"""

from collections.abc import Mapping
from datetime import datetime, time
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
OPENS, CLOSES = time(9, 30), time(16)
FORM_T = "extended hours"

POLYGON_TRADES: Mapping[object, str] = {
    2: "average price",
    5: "bunched, sold out of sequence",
    7: "cash sale",
    10: "derivatively priced",
    12: FORM_T,
    13: "extended hours, out of sequence",
    15: "official close of one exchange",
    16: "official open of one exchange",
    20: "next day settlement",
    21: "price variation",
    22: "prior reference price",
    29: "seller's option",
    33: "sold out of sequence",
    37: "odd lot",
    52: "contingent",
    53: "qualified contingent",
}
_BOTH_TAPES: Mapping[object, str] = {
    "C": "cash sale",
    "G": "bunched, sold out of sequence",
    "H": "price variation",
    "I": "odd lot",
    "M": "official close of one exchange",
    "N": "next day settlement",
    "P": "prior reference price",
    "Q": "official open of one exchange",
    "R": "seller's option",
    "T": FORM_T,
    "U": "extended hours, out of sequence",
    "V": "contingent",
    "Z": "sold out of sequence",
    "4": "derivatively priced",
    "7": "qualified contingent",
}
# "B" is an average price at CTA, and a bunched trade at UTP, which does set the last price.
CTA_TRADES: Mapping[object, str] = {**_BOTH_TAPES, "B": "average price"}
UTP_TRADES: Mapping[object, str] = {**_BOTH_TAPES, "W": "average price"}

_UTP_HALTS: Mapping[object, str] = {"Z": "no open or no resume today"}
_CTA_HALTS: Mapping[object, str] = {
    "D": "news is being released",
    "I": "order imbalance",
    "J": "news of a related security is being released",
    "K": "news of a related security is pending",
    "M": "additional information is awaited",
    "P": "news is pending",
    "Q": "additional information on a related security is awaited",
    "S": "a related security is halted",
    "V": "in view of the common stock",
    "X": "the exchange changes equipment",
    "Z": "no open or no resume today",
}
CTA_TAPES = ("A", "B")


def trades_of(tape: object) -> Mapping[object, str]:
    """Return the conditions of a tape's trades; those of an unknown tape as UTP has them."""
    return CTA_TRADES if tape in CTA_TAPES else UTP_TRADES


def not_last(codes: object, table: Mapping[object, str], at: datetime) -> str:
    """Return why a trade at `at` does not set the last price; empty when it does.

    Of several codes the strictest counts. Outside regular hours every trade is marked as extended hours: it
    is then the newest price there is, and vendors' own bars count it. A code that is not known says nothing.
    """
    names = [table[code] for code in _listed(codes) if code in table]
    return next((name for name in names if name != FORM_T or _in_regular_hours(at)), "")


def halt(codes: object, tape: object) -> str:
    """Return why trading is halted, by the conditions of a quote; empty when they do not say that it is."""
    table = _CTA_HALTS if tape in CTA_TAPES else _UTP_HALTS
    return next((table[code] for code in _listed(codes) if code in table), "")


def tells_halts(tape: object) -> bool:
    """Return whether a tape's quotes say by their conditions that trading is not halted."""
    return tape in CTA_TAPES


def _listed(codes: object) -> list[str | int]:
    return [code for code in codes if isinstance(code, str | int)] if isinstance(codes, list) else []


def _in_regular_hours(at: datetime) -> bool:
    local = at.astimezone(NEW_YORK)
    return local.weekday() < 5 and OPENS <= local.time() < CLOSES
