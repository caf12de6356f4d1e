"""A vendor on loopback, by hand: `python -m tests.vendors ib_bridge --port 8092`."""

import argparse
import sys
import threading

from tests import vendors
from tests.vendors import prices

KINDS: dict[str, type[vendors.Vendor]] = {
    "ib_bridge": vendors.IBBridge,
    "alpaca": vendors.Alpaca,
    "alpaca_trading": vendors.AlpacaTrading,
    "polygon": vendors.Polygon,
    "agent0": vendors.Agent0,
    "openai": vendors.OpenAI,
    "hindsight": vendors.Hindsight,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.vendors", description=__doc__)
    parser.add_argument("vendor", choices=KINDS)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--allows", type=int, default=0, help="requests in --window seconds, 429 beyond")
    parser.add_argument("--window", type=float, default=1.0, help="seconds")
    parser.add_argument("--symbols", type=int, default=0, help="so many made-up symbols; 0: the watchlist")
    parser.add_argument("--cached", action="store_true", help="build each answer once: quick, but it ages")
    parser.add_argument("--plan", help="alpaca: free or paid; polygon: free, delayed or paid")
    parser.add_argument("--invents", action="store_true", help="agent0: numbers that are in no snapshot")
    parser.add_argument("--key", help="openai: what it wants to be shown")
    options = parser.parse_args()
    vendor = KINDS[options.vendor](
        port=options.port,
        latency=options.latency,
        allows=(options.allows, options.window) if options.allows else None,
        cached=options.cached,
        symbols=prices.many(options.symbols) if options.symbols else prices.WATCHLIST,
        **{name: given for name in ("plan", "invents", "key") if (given := getattr(options, name))},
    )
    sys.stdout.write(f"{vendor.url}\n")
    sys.stdout.flush()
    with vendor:
        threading.Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
