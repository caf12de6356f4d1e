"""The order side of the original bridge, with its numbers for orders: IB's permId, which lasts."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ib_bridge import references
from ib_bridge.orders import reports, requests
from ib_bridge.orders.requests import Malformed
from ib_bridge.web import answers
from ib_bridge.web.bridge import Bridge, bridge_of

PRICES: Mapping[str, str] = {"LMT": "limit_price", "STP": "stop_price"}
STATUS: Mapping[str, str] = {
    "working": "Submitted",
    "filled": "Filled",
    "cancelled": "Cancelled",
    "rejected": "Inactive",
}
UNKNOWN = "Unknown"


async def place(request: Request) -> Response:
    asked = await answers.body(request)
    kind = str(asked.get("order_type", "MKT")).upper()
    if kind not in ("MKT", *PRICES):
        raise Malformed("order_type must be MKT, LMT or STP")
    if kind in PRICES and asked.get(PRICES[kind]) is None:
        raise Malformed(f"{PRICES[kind]} is missing")
    report = await _place(
        request, asked, {name: asked[name] for name in PRICES.values() if kind_of(name) == kind}
    )
    return JSONResponse(
        {"success": True, "order_id": int(report["broker_id"]), "message": f"{kind} order {report['state']}"}
    )


async def place_bracket(request: Request) -> Response:
    asked = await answers.body(request)
    kind = str(asked.get("entry_order_type", "MKT")).upper()
    levels = {name: asked.get(name) for name in ("stop_loss", "take_profit")}
    if not any(level is not None for level in levels.values()):
        return JSONResponse({"detail": "A bracket needs stop_loss or take_profit"}, 400)
    if kind not in ("MKT", "LMT") or (kind == "LMT" and asked.get("entry_limit_price") is None):
        raise Malformed("entry_order_type must be MKT, or LMT with entry_limit_price")
    limit = {"limit_price": asked["entry_limit_price"]} if kind == "LMT" else {}
    report = await _place(request, asked, levels | limit)
    parent, *children = [int(leg["broker_id"]) for leg in report["legs"]]
    message = f"Bracket order {report['state']}"
    return JSONResponse(
        {"success": True, "parent_order_id": parent, "child_order_ids": children, "message": message}
    )


async def orders(request: Request) -> Response:
    return JSONResponse(
        [_row(leg) for report in await bridge_of(request).desk.orders() for leg in _legs(report)]
    )


async def order(request: Request) -> Response:
    bridge, number = bridge_of(request), request.path_params["order_id"]
    leg = await _find(bridge, number)
    return JSONResponse(_row(leg) if leg else _row({"broker_id": str(number), "state": UNKNOWN}))


async def cancel(request: Request) -> Response:
    bridge, number = bridge_of(request), request.path_params["order_id"]
    client_id, leg = bridge.journal.order_of(number)
    if not client_id:
        return JSONResponse({"detail": f"Order {number} is not one of this bridge's"}, 404)
    report = await bridge.desk.cancel(client_id, [leg])
    state = next(found["state"] for found in report["legs"] if found["leg"] == leg)
    return JSONResponse({"success": True, "order_id": number, "message": f"Order {state}"})


async def positions(request: Request) -> Response:
    bridge = bridge_of(request)
    account = bridge.link.status.account
    items = {item.contract.conId: item for item in bridge.link.ib.portfolio(account)}
    rows = [
        {
            "symbol": position.contract.symbol,
            "quantity": position.position,
            "avg_cost": position.avgCost,
            "market_value": items[position.contract.conId].marketValue
            if position.contract.conId in items
            else 0.0,
            "account": account,
            "currency": position.contract.currency,
        }
        for position in bridge.link.ib.positions(account)
    ]
    return JSONResponse({"positions": rows, "count": len(rows)})


def kind_of(name: str) -> str:
    return next(kind for kind, price in PRICES.items() if price == name)


async def _place(request: Request, asked: Mapping[str, Any], levels: Mapping[str, Any]) -> dict[str, Any]:
    body = {
        "instrument": {"symbol": str(asked.get("symbol", "")).replace(" ", ".")},
        "side": str(asked.get("action", "")).upper(),
        "quantity": asked.get("quantity"),
        **levels,
    }
    return await bridge_of(request).desk.place(requests.bracket(str(uuid4()), body))


async def _find(bridge: Bridge, number: int) -> Mapping[str, Any] | None:
    client_id, name = bridge.journal.order_of(number)
    if not client_id:
        return None
    report = reports.report(client_id, bridge.journal.of_order(client_id))
    return next((leg for leg in report["legs"] if leg["leg"] == name), None)


def _legs(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return an order's legs; one of others is a leg by itself."""
    return report["legs"] or [{**report, "leg": references.ENTRY}]


def _row(leg: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "order_id": int(leg["broker_id"] or 0),
        "status": leg.get("broker_state") or STATUS.get(leg["state"], UNKNOWN),
        "filled_qty": float(leg.get("filled") or 0),
        "avg_fill_price": float(leg.get("average_price") or 0),
        "last_update": leg.get("updated_at"),
    }


ROUTES = [
    Route("/orders", place, methods=["POST"]),
    Route("/orders/bracket", place_bracket, methods=["POST"]),
    Route("/orders", orders),
    Route("/orders/{order_id:int}", order),
    Route("/orders/{order_id:int}", cancel, methods=["DELETE"]),
    Route("/positions", positions),
]
