"""What fails by itself while the others go on: a symbol, a calendar, an order."""

from collections.abc import Iterator
from datetime import datetime

from market import feeds
from market.doctor.findings import Finding
from market.models import Fault
from market.queries.ingestion import lasting_faults

SHOWN_FAULTS = 20
CHECK_SYMBOL = "Check the symbol. Misspelt, renamed or delisted: take it off the watchlist. The others go on."
WHAT_TO_DO = {
    Fault.Work.QUOTES: CHECK_SYMBOL,
    Fault.Work.CANDLES: CHECK_SYMBOL,
    Fault.Work.SESSIONS: "Check the calendar of its instruments in admin. The others go on.",
    Fault.Work.SPLIT: "Nothing evaluates it until its history is restated: read the log. The others go on.",
    Fault.Work.GAP: "Its bars stay missing: read the log. The others go on.",
    Fault.Work.SCAN: "This strategy raises no signals on it: read the log. The others go on.",
    Fault.Work.RECORD: "Its record stays as old as it is: read the log. The others go on.",
    Fault.Work.OUTCOME: "It has no result: read the log. The others go on.",
    Fault.Work.OPINION: "No opinion on it comes by itself: read the log. The others go on.",
    Fault.Work.MEMORY: "It is not remembered: read the log. The others go on.",
    Fault.Work.MESSAGE: "Nobody is told of it: look at it yourself, and read the log. The others go on.",
    Fault.Work.RECHECK: "Its signals may wait though they have ended: read the log. The others go on.",
    Fault.Work.CHECK: "What it would have noticed is not: halt trading, and read the log.",
    Fault.Work.SEAL: "It is in admin's log, not in the chain: read the log. The others go on.",
    Fault.Work.PRUNE: "Old rows stay: read the log. The others go on.",
    Fault.Work.ACTIONS: "Its dividends and splits stay as they are known: read the log. The others go on.",
    Fault.Work.EARNINGS: "Its earnings dates stay as they are known: read the log. The others go on.",
    Fault.Work.RENAME: "It stays under its old symbol: read why, or withdraw the change. The others go on.",
    Fault.Work.DELIST: "It is fetched and watched as before: read the log. The others go on.",
    Fault.Work.DETAILS: "Its name, exchange and status stay as they are: read the log. The others go on.",
    Fault.Work.COMPARE: "It is not compared with a second provider: read the log. The others go on.",
    Fault.Work.RATES: "Nothing is counted together over its currencies: read why. The others go on.",
    Fault.Work.STEP: "Nothing of that is done: read the log. The other steps go on.",
    Fault.Work.ORDER: "Look at it on the broker's own page, and read the log. The others go on.",
}


def findings(at: datetime) -> Iterator[Finding]:
    rows = lasting_faults([provider.name for provider in feeds.enabled()], at)
    for fault in rows[:SHOWN_FAULTS]:
        text = f"fails since {fault.since:%Y-%m-%d %H:%M} UTC, {fault.failures} times: {fault.reason}"
        yield Finding(str(fault), text, WHAT_TO_DO[Fault.Work(fault.work)])
    if len(rows) > SHOWN_FAULTS:
        yield Finding("more", f"{len(rows) - SHOWN_FAULTS} others fail", "Read them in the log.")
