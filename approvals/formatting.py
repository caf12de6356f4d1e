"""Decisions and orders as people read them."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from approvals.models import Fill, Order
from core import formatting
from core.admin.tables import table
from core.formatting import label, level, moment

Status = Order.Status
TONES = {
    Status.FILLED: "good",
    Status.PARTIALLY_FILLED: "good",
    Status.HELD: "warn",
    Status.UNKNOWN: "bad",
    Status.REJECTED: "bad",
}


def link(row: Model | None, text: object = None) -> SafeString | str:
    """Return a link to a row's page; a dash without a row."""
    if row is None:
        return formatting.NOTHING
    page = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(page, args=[quote(row.pk)]), text or row)


def status(order: Order) -> SafeString:
    return formatting.dot(TONES.get(Status(order.status), "none"), order.state)


def price(value: Decimal | None) -> str:
    return formatting.NOTHING if value is None else level(value)


def money(value: Decimal | None) -> str:
    return formatting.NOTHING if value is None else f"{value:,.2f}"


def commission(fill: Fill) -> str:
    """Return what a fill cost, with the rate that it was counted at, or that this is not known."""
    if fill.commission_unknown:
        return "not known yet"
    return f"{money(fill.commission)}{rate(fill)}"


def rate(fill: Fill) -> str:
    """Return at which rate a commission of another currency was counted, and its age; empty without one."""
    if fill.commission_rate is None:
        return ""
    minutes = (fill.commission_rate_age or timedelta(0)) // timedelta(minutes=1)
    as_of = moment(fill.commission_rate_as_of)
    return f" (at {fill.commission_rate.normalize():f}, a rate of {as_of} UTC, then {minutes} minutes old)"


def at(instant: datetime | None) -> str:
    return moment(instant)


def facts(values: Mapping[str, Any]) -> SafeString | str:
    return table(["fact", ""], ((label(name), value) for name, value in _flat(values)))


def beside(proposed: Mapping[str, Any], decided: Mapping[str, Any]) -> SafeString | str:
    """Return what was proposed beside what was decided, with the difference in bold."""
    proposed_facts, decided_facts = dict(_flat(proposed)), dict(_flat(decided))
    rows = (
        (name, proposed_facts.get(name, formatting.NOTHING), decided_facts.get(name, formatting.NOTHING))
        for name in proposed_facts | decided_facts
    )
    return table(
        ["", "proposed", "decided"],
        ((label(name), before, _marked(before, after)) for name, before, after in rows),
    )


def _marked(before: str, after: str) -> SafeString | str:
    return after if before == after else format_html("<strong>{}</strong>", after)


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name} ")
        elif isinstance(value, list):
            yield f"{before}{name}", ", ".join(map(str, value)) or formatting.NOTHING
        else:
            yield f"{before}{name}", formatting.NOTHING if value is None else str(value)
