"""How people and programs write the symbol of one share, and how it is written here. Pure.

Ours is that of the consolidated tape: AAPL, a class as BRK.B, a preferred share as BAC.PRK, warrants as X.WS,
units as X.U, rights as X.RT, and a pair of currencies as BTC/USD.
"""

import re
from collections.abc import Iterator

SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.\-/]{0,15}")
QUOTED_IN = "USD|EUR|GBP|JPY|CHF|CAD|AUD|USDT|USDC|BTC|ETH"
APART = r"[ ./_-]"

# Each is tried in its turn on the whole of a text in capitals.
FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"([A-Z0-9]{{2,10}})[/_-]({QUOTED_IN})"), r"\1/\2"),  # Yahoo BTC-USD
    (re.compile(rf"([A-Z]{{1,6}}){APART}PR{APART}?([A-Z])"), r"\1.PR\2"),  # IB BAC PRK, tape BAC.PR.K
    (re.compile(r"([A-Z]{1,6})[/-]P[/-]?([A-Z])"), r"\1.PR\2"),  # Yahoo BAC-PK, TradingView BAC/PK
    (re.compile(r"([A-Z]{1,6})\^([A-Z])"), r"\1.PR\2"),  # Nasdaq BAC^K
    (re.compile(rf"([A-Z]{{1,6}}){APART}PR"), r"\1.PR"),
    (re.compile(rf"([A-Z]{{1,6}})(?:{APART}W[ST]|\+){APART}?([A-Z])"), r"\1.WS.\2"),
    (re.compile(rf"([A-Z]{{1,6}})(?:{APART}W[ST]|\+)"), r"\1.WS"),  # Yahoo X-WT, Nasdaq X+
    (re.compile(rf"([A-Z]{{1,6}})(?:{APART}UN|=)"), r"\1.U"),  # Yahoo X-UN, Nasdaq X=
    (re.compile(rf"([A-Z]{{1,6}}){APART}R[TI]"), r"\1.RT"),  # Yahoo X-RI
    (re.compile(rf"([A-Z]{{1,6}}){APART}([A-Z])"), r"\1.\2"),  # IB BRK B, Yahoo BRK-B, TradingView BRK.B
    (re.compile(r"[A-Z0-9][A-Z0-9.\-/]*"), r"\g<0>"),
)
SMALL_P = re.compile(r"([A-Z]{1,6})p([A-Z]?)")  # BACpK, as a part of the tape has it

# Shares whose class people leave the mark out of.
WITH_CLASSES = {
    "BF": "AB",
    "BRK": "AB",
    "CWEN": "A",
    "GEF": "B",
    "HEI": "A",
    "LEN": "B",
    "MOG": "AB",
    "UHAL": "B",
}
RUN_TOGETHER = {
    root + letter: f"{root}.{letter}" for root, letters in WITH_CLASSES.items() for letter in letters
}
PREFERRED_TOGETHER = re.compile(r"([A-Z]{3,4})P([A-Z])")


class NoSymbol(ValueError):
    """The text is no symbol. The message says what one looks like."""


def ours(text: str) -> str:
    """Return a symbol as it is written here: `brk-b`, `BRK B` and `BRK/B` are BRK.B, `BACpK` is BAC.PRK.

    Raises NoSymbol.
    """
    given = text.strip().strip("\"'").removeprefix("$").strip()
    if match := SMALL_P.fullmatch(given):
        return f"{match[1]}.PR{match[2]}"
    capitals = " ".join(given.upper().split())
    for form, written in FORMS:
        if match := form.fullmatch(capitals):
            return _short(match.expand(written), text)
    raise NoSymbol(f"{_quoted(text)} is no symbol: one looks like AAPL, BRK.B, BAC.PRK or BTC/USD.")


def looks_like(symbol: str) -> list[str]:
    """Return what a symbol that no vendor knows was perhaps meant to be: BRK.B for BRKB."""
    return list(dict.fromkeys(_meant(symbol)))


def _meant(symbol: str) -> Iterator[str]:
    if symbol in RUN_TOGETHER:
        yield RUN_TOGETHER[symbol]
    if match := PREFERRED_TOGETHER.fullmatch(symbol):
        yield f"{match[1]}.PR{match[2]}"
    try:
        changed = ours(symbol)
    except NoSymbol:
        return
    if changed != symbol:
        yield changed


def _short(symbol: str, text: str) -> str:
    if not SYMBOL.fullmatch(symbol):
        raise NoSymbol(f"{_quoted(text)} is longer than the 16 characters of a symbol.")
    return symbol


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
