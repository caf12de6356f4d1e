"""What was and will be done to a share, and when its company reports: on the pages."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from market import calendars
from market import formatting as market_formatting
from market.models import CorporateAction, EarningsDate, Instrument

IN_TABLE = 20
REPORTS = 2


@dataclass(frozen=True)
class Action:
    """A fact with what it brings for one share, in words. `says`: of one still to come, what will be."""

    fact: CorporateAction
    terms: str
    says: str


def newest(instrument: Instrument, at: datetime) -> list[Action]:
    """Return the newest facts that stand, those still to come first. One query."""
    today = _today(instrument, at)
    facts = CorporateAction.objects.current().filter(symbol=instrument.pk)
    return [_action(fact, today) for fact in facts.order_by("-ex_date", "-pk")[:IN_TABLE]]


def announced(instrument: Instrument, at: datetime) -> list[Action]:
    """Return those still to come, the next first. One query."""
    today = _today(instrument, at)
    facts = CorporateAction.objects.announced(today).filter(symbol=instrument.pk)
    return [_action(fact, today) for fact in facts[:IN_TABLE]]


def reports(instrument: Instrument, at: datetime) -> list[str]:
    """Return which reports of earnings are to come, in words, the next first. One query."""
    today = _today(instrument, at)
    dates = EarningsDate.objects.announced(today).filter(symbol=instrument.pk)
    return [market_formatting.earnings_announcement(report, today) for report in dates[:REPORTS]]


def _action(fact: CorporateAction, today: date) -> Action:
    is_coming = fact.ex_date >= today
    says = market_formatting.announcement(fact, today) if is_coming else ""
    return Action(fact, market_formatting.action_terms(fact), says)


def _today(instrument: Instrument, at: datetime) -> date:
    return at.astimezone(calendars.zone(instrument.calendar) or UTC).date()
