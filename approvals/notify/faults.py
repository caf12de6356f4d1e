"""Notifications about what fails by itself: once when it does for some time, once when it does no more."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from approvals.models import Notification
from approvals.notify import outbox
from market import feeds
from market.models import Fault
from market.queries.ingestion import lasting_faults

Kind = Notification.Kind
FAILS, RECOVERED = "fails", "recovered"
LONGEST = 80  # characters of a name
INSTRUMENT, SIGNAL = "/instruments/{}/", "/signals/{}/"
PAGES = {
    Fault.Work.QUOTES: INSTRUMENT,
    Fault.Work.CANDLES: INSTRUMENT,
    Fault.Work.SPLIT: INSTRUMENT,
    Fault.Work.SCAN: INSTRUMENT,
    Fault.Work.ACTIONS: INSTRUMENT,
    Fault.Work.EARNINGS: INSTRUMENT,
    Fault.Work.RENAME: INSTRUMENT,
    Fault.Work.DELIST: INSTRUMENT,
    Fault.Work.DETAILS: INSTRUMENT,
    Fault.Work.COMPARE: INSTRUMENT,
    Fault.Work.MEMORY: SIGNAL,
    Fault.Work.MESSAGE: SIGNAL,
    Fault.Work.ORDER: "/admin/approvals/order/{}/change/",
}


def about_faults(at: datetime) -> None:
    """Notify people once of each symbol or the like that fails lastingly, and once when it does no more."""
    failing: dict[str, list[Fault]] = defaultdict(list)
    for fault in lasting_faults([provider.name for provider in feeds.enabled()], at):
        failing[fault.called[:LONGEST]].append(fault)
    known = _known()
    for name in failing.keys() - known:
        _put_failing(name, failing[name], at)
    for name in known - failing.keys():
        title = f"{name} fails no more: it succeeds again, or is not asked for any longer"
        outbox.put(Kind.SYMBOL_FAILED, _key(RECOVERED, name, at), title, at, path="/status/")


def _known() -> set[str]:
    """Return the names of which the newest message says that they fail."""
    keys = Notification.objects.filter(kind=Kind.SYMBOL_FAILED).order_by("created_at", "pk")
    newest = {name: word for word, name in map(_parts, keys.values_list("key", flat=True))}
    return {name for name, word in newest.items() if word == FAILS}


def _key(word: str, name: str, at: datetime) -> str:
    """Return a key that is the same for two tasks that run in the same minute."""
    return f"{word} {at:%Y-%m-%dT%H:%M} {name}"


def _parts(key: str) -> tuple[str, str]:
    word, _, name = key.split(" ", 2)
    return word, name


def _put_failing(name: str, faults: Sequence[Fault], at: datetime) -> None:
    first = min(faults, key=lambda fault: fault.since)
    title = f"{name} fails by itself since {first.since:%Y-%m-%d %H:%M} UTC, the others go on"
    page = PAGES.get(Fault.Work(first.work), "/status/").format(first.subject)
    body = "\n".join(f"{fault}: {fault.reason}" for fault in faults)
    outbox.put(Kind.SYMBOL_FAILED, _key(FAILS, name, at), title, at, body=body, path=page)
