"""What each request does and is answered, by the name that IB's documentation gives it."""

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.vendors.ib_gateway import contracts, history, messages, wire
from tests.vendors.ib_gateway.contracts import Share
from tests.vendors.ib_gateway.market import LINES, TEXTS, DataType
from tests.vendors.ib_gateway.orders import Order, Terms

if TYPE_CHECKING:
    from tests.vendors.ib_gateway.session import Session

READ_ONLY = "Error validating request.-'bX' : cause - The API interface is currently in Read-Only mode."
UNKNOWN = "No security definition has been found for the request"
# What a gateway that has lost IB's servers carries out later, and what it leaves without an answer.
DELAYED = {"placeOrder", "cancelOrder", "reqGlobalCancel"}
UNANSWERED = {
    "reqContractDetails",
    "reqMatchingSymbols",
    "reqMktData",
    "reqHistoricalData",
    "reqHeadTimestamp",
}

# What a gateway refuses whose API is read-only, beside orders: its users have seen it of these.
WRITES = {"reqOpenOrders", "reqAllOpenOrders", "reqAutoOpenOrders", "reqCompletedOrders"}

Answer = Callable[["Session", list[str]], None]


def answer(session: "Session", name: str, fields: list[str]) -> None:
    if session.gateway.is_cut_off and name in DELAYED:
        session.gateway.delayed.append((session, name, fields))
    elif session.gateway.is_cut_off and name in UNANSWERED:
        return
    elif session.gateway.is_read_only and name in WRITES:
        session.error(-1, 321, READ_ONLY)
    elif name in ANSWERS:
        ANSWERS[name](session, fields)
    elif name not in IGNORED:
        session.gateway.misunderstood.append(fields)


def _start(session: "Session", fields: list[str]) -> None:
    session.start(int(fields[2]))


def _next_id(session: "Session", fields: list[str]) -> None:
    session.send([9, 1, session.gateway.book.next_id])


def _accounts(session: "Session", fields: list[str]) -> None:
    session.send([15, 1, session.gateway.account.name])


def _time(session: "Session", fields: list[str]) -> None:
    session.send([49, 1, int(session.gateway.at.timestamp())])


# --- account ----------------------------------------------------------------------------------------------


def _account_updates(session: "Session", fields: list[str]) -> None:
    session.wants_account = fields[2] == "1"
    if session.wants_account:
        for message in messages.account_values(session.gateway.account, session.gateway.at):
            session.send(message)


def _account_updates_multi(session: "Session", fields: list[str]) -> None:
    account, req_id = session.gateway.account, fields[2]
    for key, value, currency in account.values():
        session.send([73, 1, req_id, account.name, "", key, value, currency])
    session.send([74, 1, req_id])


def _account_summary(session: "Session", fields: list[str]) -> None:
    account, req_id, tags = session.gateway.account, fields[2], fields[4].split(",")
    for key, value, currency in account.values():
        if key in tags or fields[4].startswith("$LEDGER"):
            session.send([63, 1, req_id, account.name, key, value, currency])
    session.send([64, 1, req_id])


def _positions(session: "Session", fields: list[str]) -> None:
    session.wants_positions = True
    for held in session.gateway.account.holdings.values():
        session.send(messages.position(held, session.gateway.account.name))
    session.send([62, 1])


def _no_positions(session: "Session", fields: list[str]) -> None:
    session.wants_positions = False


# --- contracts --------------------------------------------------------------------------------------------


def _contract_details(session: "Session", fields: list[str]) -> None:
    asked = wire.named(wire.REQ_CONTRACT_DETAILS, fields)
    found = contracts.find(session.gateway.shares, asked)
    for share in found:
        session.send(list(contracts.details(share, asked["req_id"], session.gateway.at)))
    if found:
        session.send([52, 1, asked["req_id"]])
    else:
        session.error(asked["req_id"], 200, UNKNOWN)


def _matching_symbols(session: "Session", fields: list[str]) -> None:
    found = contracts.search(session.gateway.shares, fields[2])
    session.send(list(contracts.samples(found, fields[1])))


def _market_rule(session: "Session", fields: list[str]) -> None:
    rule = contracts.MARKET_RULES[int(fields[1])]
    session.send([93, fields[1], len(rule), *(figure for step in rule for figure in step)])


# --- market data ------------------------------------------------------------------------------------------


def _market_data_type(session: "Session", fields: list[str]) -> None:
    session.type_wanted = DataType(int(fields[2]))


def _market_data(session: "Session", fields: list[str]) -> None:
    asked = wire.named(wire.REQ_MKT_DATA, fields)
    found, req_id = contracts.find(session.gateway.shares, asked), asked["req_id"]
    if not found:
        session.error(req_id, 200, UNKNOWN)
    elif len(session.lines) >= LINES:
        session.error(req_id, 101, "Max number of tickers has been reached")
    elif code := session.gateway.market.refusal(found[0], session.type_wanted):
        session.error(req_id, code, TEXTS[code])
    else:
        _subscribe(session, req_id, found[0], is_snapshot=asked["snapshot"] == "1")


def _subscribe(session: "Session", req_id: str, share: Share, *, is_snapshot: bool) -> None:
    given = session.gateway.market.type_given(share, session.type_wanted)
    session.lines[req_id] = (share, given)
    if given >= DataType.DELAYED:
        session.error(req_id, 10167, TEXTS[10167])
    session.send([81, req_id, share.min_tick, "9c0001", 3])
    session.send([58, 1, req_id, int(given)])
    session.stream(req_id, share)
    if is_snapshot:
        session.send([57, 1, req_id])
        del session.lines[req_id]


def _no_market_data(session: "Session", fields: list[str]) -> None:
    if session.lines.pop(fields[2], None) is None:
        session.error(fields[2], 300, f"Can't find EId with tickerId:{fields[2]}")


def _historical_data(session: "Session", fields: list[str]) -> None:
    asked, gateway = wire.named(wire.REQ_HISTORICAL_DATA, fields), session.gateway
    found, req_id = contracts.find(gateway.shares, asked), asked["req_id"]
    if not found:
        session.error(req_id, 200, UNKNOWN)
    elif gateway.pace.refuses(found[0], ",".join(fields[2:])):
        session.error(req_id, 162, f"{history.FAILED}Historical data request pacing violation")
    elif bars := history.bars(found[0], asked, gateway.at):
        session.send(history.answer(req_id, bars, asked, gateway.market.in_units))
    else:
        text = f"{history.FAILED}HMDS query returned no data: {found[0].symbol}@SMART {asked['what_to_show']}"
        session.error(req_id, 162, text)


def _head_timestamp(session: "Session", fields: list[str]) -> None:
    session.send([88, fields[1], f"{history.FIRST:%Y%m%d-%H:%M:%S}"])


# --- orders -----------------------------------------------------------------------------------------------


def _place_order(session: "Session", fields: list[str]) -> None:
    asked, gateway = wire.named(wire.PLACE_ORDER, fields), session.gateway
    found, order_id = contracts.find(gateway.shares, asked), int(asked["order_id"])
    if gateway.is_read_only:
        session.error(order_id, 321, READ_ONLY)
    elif len(found) != 1:
        session.error(order_id, 200, UNKNOWN)
    elif (terms := Terms.asked(asked)).what_if:
        _what_if(session, order_id, found[0], terms)
    else:
        gateway.book.place(_client(session), order_id, found[0], terms, gateway.at)


def _client(session: "Session") -> int:
    if session.client_id is None:
        raise ValueError("a request before startApi")
    return session.client_id


def _what_if(session: "Session", order_id: int, share: Share, terms: Terms) -> None:
    gateway, order = session.gateway, Order(order_id, _client(session), 0, share, terms)
    if refusal := gateway.book.screening.refusal(order):
        session.error(order_id, *refusal)
        return
    price = terms.limit or gateway.market.quote(share, gateway.at).last
    margins = gateway.account.margins_with(order, price, Decimal(1))
    session.send(messages.open_order(order, gateway.account.name, margins, Decimal(1)))


def _cancel_order(session: "Session", fields: list[str]) -> None:
    if session.gateway.is_read_only:
        session.error(fields[2], 321, READ_ONLY)
    else:
        session.gateway.book.cancel(_client(session), int(fields[2]), session.gateway.at)


def _cancel_all(session: "Session", fields: list[str]) -> None:
    for order in session.gateway.open_orders():
        if order.is_alive:
            session.gateway.book.end(order, session.gateway.at)


def _own_open_orders(session: "Session", fields: list[str]) -> None:
    _tell_orders(session, [o for o in _told_as_open(session) if o.client_id == session.client_id])


def _all_open_orders(session: "Session", fields: list[str]) -> None:
    _tell_orders(session, _told_as_open(session))


def _told_as_open(session: "Session") -> list[Order]:
    book = session.gateway.book
    waiting = [o for o in book.orders.values() if o.is_alive and not o.is_transmitted]
    return [*session.gateway.open_orders(), *(waiting if book.tells_untransmitted else [])]


def _tell_orders(session: "Session", orders: list[Order]) -> None:
    for order in orders:
        session.send(messages.open_order(order, session.gateway.account.name))
        session.send(messages.order_status(order))
    session.send([53, 1])


def _bind_orders(session: "Session", fields: list[str]) -> None:
    session.binds_orders = fields[2] == "1"


def _completed_orders(session: "Session", fields: list[str]) -> None:
    for order in session.gateway.book.orders.values():
        if order.is_transmitted and not order.is_alive:
            session.send(messages.completed_order(order, session.gateway.account.name))
    session.send([102])


def _executions(session: "Session", fields: list[str]) -> None:
    asked, told = wire.named(wire.REQ_EXECUTIONS, fields), session.gateway.book.executions
    wanted = [e for e in told if asked["client_id"] in ("", "0", str(e.order.client_id))]
    wanted = [e for e in wanted if asked["symbol"] in ("", e.order.share.symbol)]
    if session.gateway.is_disordered:
        wanted = [execution for execution in reversed(wanted) for _ in range(2)]
    for execution in wanted:
        session.send(messages.execution(execution, session.gateway.account.name, asked["req_id"]))
    session.send([55, 1, asked["req_id"]])
    for execution in wanted:
        if execution.is_commission_known:
            session.send(messages.commission(execution))


IGNORED = {
    "setServerLogLevel",
    "cancelHistoricalData",
    "cancelHeadTimestamp",
    "cancelAccountSummary",
    "cancelAccountUpdatesMulti",
}
ANSWERS: dict[str, Answer] = {
    "startApi": _start,
    "reqIds": _next_id,
    "reqManagedAccts": _accounts,
    "reqCurrentTime": _time,
    "reqAccountUpdates": _account_updates,
    "reqAccountUpdatesMulti": _account_updates_multi,
    "reqAccountSummary": _account_summary,
    "reqPositions": _positions,
    "cancelPositions": _no_positions,
    "reqContractDetails": _contract_details,
    "reqMatchingSymbols": _matching_symbols,
    "reqMarketRule": _market_rule,
    "reqMarketDataType": _market_data_type,
    "reqMktData": _market_data,
    "cancelMktData": _no_market_data,
    "reqHistoricalData": _historical_data,
    "reqHeadTimestamp": _head_timestamp,
    "placeOrder": _place_order,
    "cancelOrder": _cancel_order,
    "reqGlobalCancel": _cancel_all,
    "reqOpenOrders": _own_open_orders,
    "reqAllOpenOrders": _all_open_orders,
    "reqAutoOpenOrders": _bind_orders,
    "reqCompletedOrders": _completed_orders,
    "reqExecutions": _executions,
}
