"""The text protocol of TWS: frames, names of requests, where a request keeps what the gateway looks at."""

import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO

VERSION = 176
UNSET = "1.7976931348623157E308"
HELLO = b"API\0"

# The numbers of requests, by the names that IB's documentation gives them.
REQUESTS = {
    1: "reqMktData",
    2: "cancelMktData",
    3: "placeOrder",
    4: "cancelOrder",
    5: "reqOpenOrders",
    6: "reqAccountUpdates",
    7: "reqExecutions",
    8: "reqIds",
    9: "reqContractDetails",
    14: "setServerLogLevel",
    15: "reqAutoOpenOrders",
    16: "reqAllOpenOrders",
    17: "reqManagedAccts",
    20: "reqHistoricalData",
    25: "cancelHistoricalData",
    49: "reqCurrentTime",
    58: "reqGlobalCancel",
    59: "reqMarketDataType",
    61: "reqPositions",
    62: "reqAccountSummary",
    63: "cancelAccountSummary",
    64: "cancelPositions",
    71: "startApi",
    76: "reqAccountUpdatesMulti",
    77: "cancelAccountUpdatesMulti",
    81: "reqMatchingSymbols",
    87: "reqHeadTimestamp",
    90: "cancelHeadTimestamp",
    91: "reqMarketRule",
    99: "reqCompletedOrders",
}


def _names(text: str) -> list[str]:
    return text.split()


CONTRACT = _names(
    """con_id symbol sec_type expiry strike right multiplier exchange primary_exchange currency local_symbol
    trading_class"""
)
REQ_CONTRACT_DETAILS = [*_names("version req_id"), *CONTRACT]
REQ_MKT_DATA = [*_names("version req_id"), *CONTRACT, *_names("delta_neutral generic_ticks snapshot")]
REQ_HISTORICAL_DATA = [
    "req_id",
    *CONTRACT,
    *_names("include_expired end bar_size duration regular_hours what_to_show format_date keep_up_to_date"),
]
REQ_EXECUTIONS = _names("version req_id client_id account time symbol sec_type exchange side")
# For a share without algorithm, hedge, scale or condition, in which nothing moves.
PLACE_ORDER = [
    "order_id",
    *CONTRACT,
    *_names(
        """sec_id_type sec_id action quantity order_type limit stop tif oca_group account open_close origin
        ref transmit parent_id block sweep display_size trigger_method outside_rth hidden
        shares_allocation discretionary good_after good_till fa_group fa_method fa_percentage fa_profile
        model short_sale_slot location exempt oca_type rule_80a settling_firm all_or_none minimum
        percent_offset e_trade_only firm_quote nbbo_cap auction start_price ref_price delta range_lower
        range_upper override volatility volatility_type delta_neutral_type delta_neutral_price continuous
        reference_type trail_stop trailing_percent scale_init scale_subs scale_increment scale_table
        active_start active_stop hedge_type opt_out clearing_account clearing_intent not_held
        delta_neutral algo algo_id what_if"""
    ),
]


def frame(fields: Sequence[object]) -> bytes:
    body = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


def read_frames(stream: BinaryIO) -> Iterator[list[str]]:
    """Yield what a client sends, until it hangs up."""
    while (length := stream.read(4)) and len(length) == 4:
        body = stream.read(struct.unpack(">I", length)[0])
        yield body.decode().split("\0")[:-1]


def named(names: Sequence[str], fields: Sequence[str]) -> dict[str, str]:
    """Return the fields behind a request's number, by name; what follows the last name is left out."""
    return dict(zip(names, fields[1:], strict=False))
