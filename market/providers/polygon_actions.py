"""Polygon's corporate actions: dividends and splits of many tickers at once, changes of ticker one by one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from urllib.parse import quote

from core.http import Answer, Pages, Request
from market.providers import currencies, wire
from market.providers.actions import Action, Actions, Kind, amount, sound
from market.providers.facts import day

DIVIDENDS, SPLITS = "/stocks/v1/dividends", "/stocks/v1/splits"
MOST_ROWS = "5000"
DOLLARS = "USD"  # of a dividend that names no currency: all that is listed is listed in the United States

Ask = Callable[[Mapping[str, Request]], Pages]


def fetch(
    ask: Ask, tickers: Mapping[str, str], since: date, until: date, silent: Mapping[str, date]
) -> Actions:
    """Return the actions of the symbols, by ticker. Raises ProviderError when nothing came."""
    pages = ask(requests(list(tickers), since, until))
    if (failure := wire.why_nothing(pages)) is not None:
        raise wire.no_answer(failure)
    symbols = list(tickers.values())
    if pages.failed:  # which symbols are whole is not known
        reason = str(next(iter(pages.failed.values())))
        return Actions([], failed=dict.fromkeys(symbols, reason))
    if pages.declined:
        return Actions([], declined=symbols)
    rows = [page for answers in pages.answers.values() for page in answers]
    actions, refused = sound(read(rows, tickers))
    asked = {symbol: (ticker, silent[symbol]) for ticker, symbol in tickers.items() if symbol in silent}
    return Actions([*actions, *_changes(ask, asked)], refused=refused)


def requests(tickers: Sequence[str], since: date, until: date) -> dict[str, Request]:
    """Return the requests for dividends and splits."""
    return {
        path: Request(
            path,
            {
                "ticker.any_of": ",".join(tickers),
                f"{column}.gte": since.isoformat(),
                f"{column}.lte": until.isoformat(),
                "limit": MOST_ROWS,
                "sort": f"{column}.asc",
            },
        )
        for path, column in ((DIVIDENDS, "ex_dividend_date"), (SPLITS, "execution_date"))
    }


def read(pages: Sequence[Answer], symbols: Mapping[str, str]) -> Iterator[Action | str]:
    """Yield the dividends and splits of these symbols, by ticker, and why a row is none."""
    for page in pages:
        for row in wire.rows_of(page.body.get("results")):
            if symbol := symbols.get(str(row.get("ticker"))):
                yield _split(symbol, row) if "execution_date" in row else _dividend(symbol, row)


def _dividend(symbol: str, row: wire.Row) -> Action | str:
    ex_date = day(row.get("ex_dividend_date"))
    if ex_date is None:
        return f"{symbol}: a dividend without a date"
    return Action(
        symbol=symbol,
        kind=Kind.DIVIDEND,
        ex_date=ex_date,
        amount=amount(row.get("cash_amount")),
        currency=currencies.code(row.get("currency") or DOLLARS),
        pay_date=day(row.get("pay_date")),
        record_date=day(row.get("record_date")),
        declared_date=day(row.get("declaration_date")),
        reference=str(row.get("id") or "")[:80],
    )


def _split(symbol: str, row: wire.Row) -> Action | str:
    date_, new, old = (row.get(key) for key in ("execution_date", "split_to", "split_from"))
    ex_date = day(date_)
    if ex_date is None:
        return f"{symbol}: a split without a date"
    ratio = amount(amount(new) / amount(old)) if amount(old) else Decimal(0)
    reference = str(row.get("id") or "")[:80]
    return Action(symbol=symbol, kind=Kind.SPLIT, ex_date=ex_date, ratio=ratio, reference=reference)


# --- changes of ticker --------------------------------------------------------------------------------------


def _changes(ask: Ask, silent: Mapping[str, tuple[str, date]]) -> Iterator[Action]:
    """Yield new symbols of those that have no bars any more, as far as the pace and the plan allow.

    A ticker stands for the company that has it today: one of the past is asked for by its FIGI.
    """
    details = ask({symbol: _details(ticker, seen) for symbol, (ticker, seen) in silent.items()}).answers
    figis = {
        symbol: str(wire.part(answers[0].body, "results").get("composite_figi") or "")
        for symbol, answers in details.items()
    }
    events = ask({symbol: _events(figi) for symbol, figi in figis.items() if figi}).answers
    for symbol, answers in events.items():
        if change := _change(symbol, silent[symbol][1], answers[0]):
            yield change


def _details(ticker: str, seen: date) -> Request:
    return Request(f"/v3/reference/tickers/{quote(ticker, safe='')}", {"date": seen.isoformat()})


def _events(figi: str) -> Request:
    return Request(f"/vX/reference/tickers/{quote(figi, safe='')}/events", {"types": "ticker_change"})


def _change(symbol: str, seen: date, answer: Answer) -> Action | None:
    """Return the first change of ticker after the day on which the symbol was seen last."""
    rows = wire.rows_of(wire.part(answer.body, "results").get("events"))
    named = ((day(row.get("date")), str(wire.part(row, "ticker_change").get("ticker") or "")) for row in rows)
    later = sorted((when, ticker) for when, ticker in named if when and when > seen and ticker)
    if not later or later[0][1] == symbol:
        return None
    return Action(symbol=symbol, kind=Kind.SYMBOL_CHANGE, ex_date=later[0][0], new_symbol=later[0][1][:16])
