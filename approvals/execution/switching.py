"""Whether another broker than the configured one still has something of ours: then nothing is sent here."""

from django.db.models import Q

from approvals import positions
from approvals.brokers import paper
from approvals.models import Fill, Order

AT_BROKER = Q(status__in=Order.SENT) | Q(exits_working=True)
SHOWN = 5
ACCOUNT = (
    "PAPER_ACCOUNT is {here}, but {what} at {there}. Set PAPER_ACCOUNT={there} again, close and cancel "
    "there, and change it then."
)
REFUSAL = (
    "BROKER is {here}, but {what} at {there}. Set BROKER={there} again, close and cancel there, and change "
    "it then."
)


def elsewhere(here: str) -> str:
    """Return what is at another broker and what to do about it; empty when nothing is."""
    works = Order.objects.exclude(broker__in=("", here)).filter(AT_BROKER)
    working = dict(works.order_by("created_at").values_list("broker", "symbol"))
    held = _held_elsewhere(here)
    there = next(iter([*working, *held.values()]), "")
    if not there:
        return ""
    parts = [
        f"{symbols} {words}"
        for symbols, words in (
            (_named(held), "is held" if len(held) == 1 else "are held"),
            (_named(sorted(works.values_list("symbol", flat=True).distinct())), "has orders that work"),
        )
        if symbols
    ]
    what = " and ".join(parts)
    if {paper.FIRST} == {name.partition(":")[0] for name in (here, there)}:
        here, there = (name.partition(":")[2] or paper.FIRST for name in (here, there))
        return ACCOUNT.format(here=here, what=what, there=there)
    return REFUSAL.format(here=here, what=what, there=there.partition(":")[0])


def _held_elsewhere(here: str) -> dict[str, str]:
    """Return what is held by a trade at another broker: its symbol and that broker."""
    held = [position.symbol for position in positions.open_positions() if position.quantity]
    fills = Fill.objects.filter(symbol__in=held).order_by("symbol", "-executed_at", "-pk").distinct("symbol")
    latest = dict(fills.values_list("symbol", "broker"))
    return {symbol: broker for symbol, broker in latest.items() if broker != here}


def _named(symbols: "list[str] | dict[str, str]") -> str:
    rest = len(symbols) - SHOWN
    return ", ".join(list(symbols)[:SHOWN]) + (f" and {rest} others" if rest > 0 else "")
