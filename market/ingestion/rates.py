"""Rates of the currencies in use: of the account, of what is watched or held, of its dividends.

Each is asked for against the dollar, so that any of them is found in any other. What comes is a quote like
others; one that is of another size than the pair's, or upside down, stays doubtful however often it is said.
"""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from core import locks
from core.redaction import redact, secret_values
from market import faults, feeds
from market.ingestion.asking import UNREADABLE
from market.ingestion.quoting import store_quotes
from market.models import CorporateAction, CurrencyPair, Fault, Instrument, Quote, RateRefusal
from market.prices import Doubt, QuoteTick
from market.providers.base import ProviderError
from market.providers.currencies import PIVOT, is_code, is_off_scale, is_other_unit, pair, whole
from market.providers.rates import GivesRates, Rates

logger = logging.getLogger(__name__)

REFUSAL_LASTS = timedelta(days=1)
LAST_COUNTS = timedelta(days=30)  # what was believed longer ago says nothing about a new rate
PAID_WITHIN = timedelta(days=45)  # before and after today
NOT_ASKED = "no provider that is switched on gives rates of currencies"


def refresh(currencies: Collection[str], at: datetime) -> None:
    """Fetch the rates that are needed; `currencies`: those of the account.

    A provider that fails or has no rates leaves them to the next one. One pair keeps no other.
    """
    with locks.held("market.rates") as is_ours:
        if not is_ours:
            return
        _write_needed(needed(currencies, at), at)
        failing = faults.Isolation(Fault.Work.RATES, at)
        due = CurrencyPair.objects.due(at).values_list("symbol", flat=True)
        asked = _Asked(at, [symbol for symbol in due if not failing.is_paused(symbol)])
        if asked.left:
            for provider in _giving(at):
                asked.ask(provider)
        failing.succeed(asked.given)
        failing.fail({symbol: asked.reasons[symbol] for symbol in asked.left if symbol in asked.reasons})
        _note(asked)


def needed(currencies: Collection[str], at: datetime) -> set[str]:
    """Return the pairs that make all currencies in use comparable; none while there is one only."""
    used = {whole(currency)[0] for currency in {*currencies, *_of_instruments(), *_of_dividends(at)}}
    wholes = {currency for currency in used if is_code(currency)}
    return {pair(currency, PIVOT) for currency in wholes - {PIVOT}} if len(wholes) > 1 else set()


def _of_instruments() -> Iterable[str]:
    return Instrument.objects.fetched().values_list("currency", flat=True).distinct()


def _of_dividends(at: datetime) -> Iterable[str]:
    today = at.date()
    near = (today - PAID_WITHIN, today + PAID_WITHIN)
    fetched = Instrument.objects.fetched().values("symbol")
    facts = CorporateAction.objects.dividends().filter(symbol__in=fetched)
    near_facts = facts.filter(Q(pay_date__range=near) | Q(ex_date__range=near))
    return near_facts.order_by().values_list("currency", flat=True).distinct()


def _write_needed(symbols: set[str], at: datetime) -> None:
    with transaction.atomic():
        CurrencyPair.objects.exclude(pk__in=symbols).delete()
        rows = [CurrencyPair(symbol=symbol, needed_since=at) for symbol in sorted(symbols)]
        CurrencyPair.objects.bulk_create(rows, ignore_conflicts=True)


def _giving(at: datetime) -> list[GivesRates]:
    """Return the providers that know rates, but for those whose plan has just refused them."""
    refused = RateRefusal.objects.filter(refused_at__gt=at - REFUSAL_LASTS, refused_at__lte=at)
    names = set(refused.values_list("provider", flat=True))
    return [
        provider
        for provider in feeds.enabled()
        if isinstance(provider, GivesRates) and provider.name not in names
    ]


@dataclass
class _Asked:
    """Pairs that are asked for: which came, and why the others did not. `left`: those still to come."""

    at: datetime
    left: list[str]
    given: set[str] = field(default_factory=set)
    reasons: dict[object, str] = field(default_factory=dict)

    def ask(self, provider: GivesRates) -> None:
        if not self.left:
            return
        try:
            answer = provider.rates(self.left, self.at)
        except (ProviderError, *UNREADABLE) as failure:
            logger.warning("%s gives no rates: %s", provider.name, failure)
            self._fail(provider, dict.fromkeys(self.left, faults.describe(failure)))
            return
        if answer.off:
            logger.info("%s", answer.off)
            values = {"reason": answer.off[:300], "refused_at": self.at}
            RateRefusal.objects.update_or_create(provider=provider.name, defaults=values)
            return
        RateRefusal.objects.filter(provider=provider.name).delete()
        self._store(provider, answer)

    def _store(self, provider: GivesRates, answer: Rates) -> None:
        judged = replace(answer, ticks=_judged(answer.ticks, self.at))
        stored = store_quotes(judged, self.left, provider=provider.name, at=self.at)
        errors = {symbol: faults.describe(error) for symbol, error in stored.failed.items()}
        self._fail(provider, {**answer.failed, **errors, **dict.fromkeys(stored.unfit, "it was refused")})
        self.given |= stored.symbols
        self.left = [symbol for symbol in self.left if symbol not in stored.symbols]

    def _fail(self, provider: GivesRates, reasons: dict[str, str]) -> None:
        for symbol, reason in reasons.items():
            before = f"{self.reasons[symbol]}; " if symbol in self.reasons else ""
            self.reasons[symbol] = f"{before}{provider.name}: {reason}"


def _judged(ticks: Iterable[QuoteTick], at: datetime) -> list[QuoteTick]:
    """Return the ticks, those marked as doubtful that no second one of their kind may confirm."""
    ticks = list(ticks)
    rows = Quote.objects.filter(symbol__in=[tick.symbol for tick in ticks], as_of__gt=at - LAST_COUNTS)
    last = {row.symbol: row.price for row in rows if row.is_believed}
    return [
        replace(tick, doubt=Doubt.OFF_SCALE) if _is_wrong(tick, last.get(tick.symbol)) else tick
        for tick in ticks
    ]


def _is_wrong(tick: QuoteTick, last: float | None) -> bool:
    if not 0 < tick.price < float("inf"):
        return False  # refused with its reason
    is_other = last is not None and is_other_unit(tick.price, last)
    return is_other or is_off_scale(tick.symbol, tick.price)


def _note(asked: _Asked) -> None:
    """Store when the pairs were asked for, and why no rate came."""
    secrets = secret_values(settings)
    CurrencyPair.objects.filter(symbol__in=asked.given).update(asked_at=asked.at, problem="")
    for symbol in asked.left:
        problem = redact(asked.reasons.get(symbol, "") or _nobody_gives(), secrets)
        values = {"asked_at": asked.at, "problem": problem[: CurrencyPair.LONGEST_PROBLEM]}
        CurrencyPair.objects.filter(symbol=symbol).update(**values)


def _nobody_gives() -> str:
    refusals = RateRefusal.objects.order_by("provider").values_list("reason", flat=True)
    return "; ".join(refusals) or NOT_ASKED
