"""What another provider says of one bar, asked now and not for long."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User

from core.http import Patience
from market import feeds, quality
from market.ingestion import pipeline
from market.ingestion.asking import UNREADABLE
from market.ingestion.review import agreement
from market.ingestion.review.bars import Key
from market.models import BarVerdict, Candle, IngestionRun
from market.prices import Bars, to_instant
from market.providers import registry
from market.providers.base import Provider, ProviderError
from market.quality import Rejections

# A page waits for it.
PATIENCE = Patience(connect=2.0, read=4.0, answer=5.0, fetch=6.0, attempts=1)
# Some bars more than the one: vendors cut or round the end of what is asked for.
ASKED_BARS, WEEK = 5, timedelta(days=7)


@dataclass(frozen=True)
class SecondLook:
    """What came: a sentence, and the bar of the other source where it gave one."""

    says: str
    source: str = ""
    bar: Bars | None = None
    is_alike: bool = False


def second_source(first: str, at: datetime) -> Provider | None:
    """Return the first provider that is ready and is not the bar's own."""
    ready = feeds.ready(IngestionRun.Kind.CANDLES, at, patience=PATIENCE)
    return next((provider for provider in ready if provider.name != first), None)


def look(key: Key, by: User, at: datetime, refused_of: str = "") -> SecondLook:
    """Ask the second source for a bar. One in doubt that it gives alike is believed from then on.

    `refused_of`: the provider whose row of a bar that is not stored was refused.
    """
    candle = key.candle()
    if candle is not None and candle.provider == pipeline.BUILT_HERE:
        return SecondLook("It is built here from finer bars: look at those.")
    provider = second_source(candle.provider if candle else refused_of or _source_before(key), at)
    if provider is None:
        return SecondLook("No second source is set up, or it cools off after failures.")
    try:
        return _compared(key, candle, provider, by, at)
    except (ProviderError, *UNREADABLE) as failure:
        return SecondLook(f"{provider.name} did not give it: {failure}.", provider.name)


def _source_before(key: Key) -> str:
    """Return the provider of the newest bar before one that is missing; empty without any."""
    before = Candle.objects.filter(
        symbol=key.symbol, timeframe=key.timeframe, opened_at__lt=key.opened_at
    ).order_by("-opened_at")
    return before.values_list("provider", flat=True).first() or ""


def _compared(key: Key, candle: Candle | None, provider: Provider, by: User, at: datetime) -> SecondLook:
    until = min(key.opened_at + max(ASKED_BARS * key.timeframe.length, WEEK), at)
    until = until if provider.name in registry.BOUNDED else at
    answer = provider.candles([key.symbol], key.timeframe, key.opened_at, until)
    why = {**answer.failed, **answer.partial}.get(key.symbol, "")
    given = answer.bars.get(key.symbol, Bars.empty())
    given = quality.fit_bars(given, key.symbol, to_instant(at), Rejections())
    bar = given[given.opened_at == to_instant(key.opened_at)]
    if not len(bar):
        return SecondLook(f"{provider.name} has no such bar. {why}".strip(), provider.name)
    if candle is None:
        return SecondLook(f"{provider.name} gives a bar.", provider.name, bar)
    is_alike = agreement.is_near(candle, bar, 0)
    return SecondLook(_says(key, candle, provider, bar, by, at), provider.name, bar, is_alike)


def _says(key: Key, candle: Candle, provider: Provider, bar: Bars, by: User, at: datetime) -> str:
    if not agreement.is_near(candle, bar, 0):
        return f"{provider.name} gives another bar."
    if not agreement.believe({key.symbol: bar}, key.timeframe, provider.name, at):
        return f"{provider.name} gives the same bar."
    text = f"Believed: {provider.name} gives the same bar."
    verdict = BarVerdict.objects.filter(**key.columns())
    LogEntry.objects.log_actions(by.pk, verdict, CHANGE, text)
    return text


def neighbours(key: Key, each: int) -> list[Candle]:
    """Return the stored bars before and after one, and itself, oldest first."""
    bars = Candle.objects.filter(symbol=key.symbol, timeframe=key.timeframe)
    before = bars.filter(opened_at__lt=key.opened_at).order_by("-opened_at")[:each]
    after = bars.filter(opened_at__gte=key.opened_at).order_by("opened_at")[: each + 1]
    return [*reversed(before), *after]
