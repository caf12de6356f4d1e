"""Market data and the connection, as the original bridge answers them, and more."""

import asyncio
from typing import Any

from ib_async import ContractDetails
from ib_async.util import dataclassNonDefaults
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ib_bridge import VERSION
from ib_bridge.gateway.contracts import Instrument, NoContract, of_contract
from ib_bridge.market import history
from ib_bridge.market.lines import NoData
from ib_bridge.orders.requests import Malformed
from ib_bridge.web import answers
from ib_bridge.web.bridge import Bridge, bridge_of

MOST_SYMBOLS = 500
MOST_BARS = 1000
SOON, AGAIN = 15.0, 0.5  # seconds that POST /connect waits, and between two attempts meanwhile


def instrument_of(symbol: str, request: Request | None = None) -> Instrument:
    """Return the instrument; exchange and currency can be given as `?exchange=XETR&currency=EUR`."""
    query = request.query_params if request else {}
    return Instrument(symbol, query.get("currency", "USD"), query.get("exchange", ""))


async def health(request: Request) -> Response:
    bridge = bridge_of(request)
    status = bridge.link.status
    original = {
        "status": "healthy" if status.is_ready else "degraded",
        "connected": status.is_ready,
        "version": VERSION,
        "market_data_mode": bridge.lines.mode,
        "paper_trading": status.is_paper,
    }
    since = bridge.journal.knows_since
    settings = bridge.configuration
    ours = {
        "connection": bridge.journal.connection,
        "knows_since": since.isoformat() if since else None,
        "gateway": ":".join(map(str, settings.gateway)),
        "ib_client_id": settings.client_id,
        "live_trading": settings.live_account,
    }
    return JSONResponse({**original, **status.as_json(), **ours})


async def connect(request: Request) -> Response:
    """Try to connect now, and say how it went. Where to is a setting: a host given here changes nothing."""
    link = bridge_of(request).link
    ends = asyncio.get_running_loop().time() + SOON
    while not link.status.is_ready and (left := ends - asyncio.get_running_loop().time()) > 0:
        link.poke()
        await link.news.wait(min(left, AGAIN))
    told = link.status.as_json()
    return JSONResponse(
        {"success": link.status.is_ready, "message": f"{told['message']} {told['advice']}".strip()}
    )


async def quote(request: Request) -> Response:
    instrument = instrument_of(request.path_params["symbol"], request)
    return JSONResponse(await bridge_of(request).lines.quote(instrument))


async def quotes(request: Request) -> Response:
    """Answer for many symbols at once: one that fails is named, with why, and the others are answered."""
    symbols = list(dict.fromkeys(filter(None, request.query_params.get("symbols", "").split(","))))
    if not 0 < len(symbols) <= MOST_SYMBOLS:
        raise Malformed(f"symbols must be 1 to {MOST_SYMBOLS}, separated by commas")
    bridge = bridge_of(request)
    bridge.link.ib  # noqa: B018  raises NotReady: then it is nobody's fault in particular
    found = await asyncio.gather(*(_quote_or_why(bridge, symbol) for symbol in symbols))
    told = dict(zip(symbols, found, strict=True))
    return JSONResponse(
        {
            "quotes": [each for each in told.values() if isinstance(each, dict)],
            "failed": {symbol: each for symbol, each in told.items() if isinstance(each, str)},
            "market_data_mode": bridge.lines.mode,
        }
    )


async def candles(request: Request) -> Response:
    query = request.query_params
    limit = query.get("limit", "100")
    if not limit.isdecimal() or not 1 <= int(limit) <= MOST_BARS:
        raise Malformed(f"limit must be 1 to {MOST_BARS}")
    timeframe = history.timeframe(query.get("timeframe", "1m"))
    if timeframe is None:
        raise Malformed(f"timeframe must be one of {', '.join(history.TIMEFRAMES)}")
    span = history.duration(int(limit), timeframe)
    return await _candles(request, span, timeframe.bar_size, "TRADES", int(limit))


async def candles_of_duration(request: Request) -> Response:
    asked = await answers.body(request)
    span, bar_size = str(asked.get("duration", "1 D")), str(asked.get("bar_size", "1 min"))
    return await _candles(request, span, bar_size, str(asked.get("what_to_show", "TRADES")), MOST_BARS)


async def contract_search(request: Request) -> Response:
    """Return the contracts whose symbol or name begins like the pattern, as IB's own search has them."""
    pattern = request.query_params.get("pattern", "").strip()
    if not pattern:
        raise Malformed("pattern is missing")
    found = await bridge_of(request).link.ib.reqMatchingSymbolsAsync(pattern)
    contracts = [description.contract for description in found or () if description.contract]
    listed = [
        {**of_contract(dataclassNonDefaults(contract)), "name": contract.description}
        for contract in contracts
    ]
    return JSONResponse({"contracts": listed, "count": len(listed)})


async def contract_details(request: Request) -> Response:
    bridge = bridge_of(request)
    instrument = instrument_of(request.path_params["symbol"], request)
    return JSONResponse(_details(await bridge.contracts.details(bridge.link.ib, instrument)))


def _details(details: ContractDetails) -> dict[str, Any]:
    contract = details.contract
    return {
        "instrument": of_contract(dataclassNonDefaults(contract)) if contract else {},
        "name": details.longName,
        "type": details.stockType,
        "tick_size": str(details.minTick),
        "market_rules": details.marketRuleIds,
        "time_zone": details.timeZoneId,
        "trading_hours": details.tradingHours,
        "liquid_hours": details.liquidHours,
        "order_types": details.orderTypes,
        "exchanges": details.validExchanges,
    }


async def _quote_or_why(bridge: Bridge, symbol: str) -> dict[str, Any] | str:
    try:
        return await bridge.lines.quote(Instrument(symbol))
    except (NoContract, NoData) as reason:
        return str(reason)
    except (TimeoutError, ConnectionError):
        return "The gateway did not answer in time."


async def _candles(request: Request, span: str, bar_size: str, what: str, most: int) -> Response:
    symbol = request.path_params["symbol"]
    bars = await bridge_of(request).history.bars(instrument_of(symbol, request), span, bar_size, what)
    return JSONResponse({"symbol": symbol, "candles": bars[-most:], "count": len(bars[-most:])})


ROUTES = [
    Route("/health", health),
    Route("/connect", connect, methods=["POST"]),
    Route("/quotes", quotes),
    Route("/quotes/{symbol}", quote),
    Route("/candles/{symbol}", candles),
    Route("/candles/{symbol}", candles_of_duration, methods=["POST"]),
    Route("/v1/contracts", contract_search),
    Route("/v1/contracts/{symbol}", contract_details),
]
