"""What is tested: a strategy with the rules of its trades, on some symbols and days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from market import store
from market.models import Instrument
from market.prices import Timeframe
from signals.models import StrategyConfig
from signals.strategies import STRATEGIES, BadParameters, Strategy
from signals.trades import Rules

COST_BPS = 2.0
MOST_COST_BPS = 1_000
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 1, 1)
SHOWN = 10


class BacktestRefused(ValueError):
    """A backtest that makes no sense. `errors`: the field -> what to do."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__("\n".join(self.errors.values()))


@dataclass(frozen=True)
class Setup:
    """A strategy over stored history. `since` and `until` are its first and last day (UTC), None for all.

    The indicators of the first day stand on what is stored before it. `lifetime_bars`: an idea whose next
    bar opens later than this much session time is not entered.
    """

    strategy: Strategy
    timeframe: Timeframe
    symbols: tuple[str, ...]
    minimum_confidence: float
    lifetime_bars: int
    rules: Rules
    since: date | None = None
    until: date | None = None

    @classmethod
    def of(cls, config: StrategyConfig, symbols: Sequence[str], cost_bps: float = COST_BPS) -> "Setup":
        """Return the setup of a configuration, over all that is stored. Raises BadParameters."""
        return cls(
            strategy=config.strategy,
            timeframe=Timeframe(config.timeframe),
            symbols=tuple(sorted(set(symbols))),
            minimum_confidence=float(config.minimum_confidence),
            lifetime_bars=config.lifetime_bars,
            rules=Rules(config.longest_holding_bars, config.flat_at_close, cost_bps),
        )

    @property
    def begins(self) -> datetime | None:
        return datetime.combine(self.since, time(), UTC) if self.since else None

    @property
    def ends(self) -> datetime | None:
        """The moment after the last day."""
        return datetime.combine(self.until + timedelta(days=1), time(), UTC) if self.until else None

    @property
    def parameters(self) -> dict[str, float]:
        """Those that are not the strategy's defaults."""
        values = {
            parameter.name: getattr(self.strategy, parameter.name) for parameter in fields(self.strategy)
        }
        defaults = type(self.strategy)()
        return {name: value for name, value in values.items() if value != getattr(defaults, name)}


def checked(
    *,
    strategy_id: str,
    timeframe: str,
    symbols: Sequence[str],
    since: date | None = None,
    until: date | None = None,
    parameters: Mapping[str, object] | None = None,
    minimum_confidence: Decimal | float | None = None,
    cost_bps: float = COST_BPS,
) -> Setup:
    """Return the requested setup, on top of the strategy's configuration. Raises BacktestRefused.

    Parameters that are not given are those of the configuration; so is a minimum confidence of None.
    """
    errors = _unknown(strategy_id, timeframe) or _without_bars(symbols, Timeframe(timeframe))
    if minimum_confidence is not None and not _is_share(Decimal(str(minimum_confidence))):
        errors["minimum_confidence"] = "The minimum confidence is a number from 0 to 1."
    if not 0 <= cost_bps <= MOST_COST_BPS:
        errors["cost_bps"] = f"Costs are 0 to {MOST_COST_BPS} basis points of the price each way."
    errors |= {
        name: f"{day} is no day that bars are stored for: write one from {FIRST_DAY} to {LAST_DAY}."
        for name, day in (("since", since), ("until", until))
        if day and not FIRST_DAY <= day <= LAST_DAY
    }
    if since and until and since > until:
        errors["until"] = f"The last day, {until}, lies before the first, {since}."
    if errors:
        raise BacktestRefused(errors)
    config = _configured(strategy_id, timeframe)
    config.parameters = {**config.parameters, **(parameters or {})}
    if minimum_confidence is not None:
        config.minimum_confidence = Decimal(str(minimum_confidence))
    try:
        setup = Setup.of(config, symbols, cost_bps)
    except BadParameters as bad:
        raise BacktestRefused(
            {f"parameters.{name}": f"{name} {error}" for name, error in bad.errors.items()}
        ) from bad
    return replace(setup, since=since, until=until)


def _is_share(number: Decimal) -> bool:
    return number.is_finite() and 0 <= number <= 1


def _configured(strategy_id: str, timeframe: str) -> StrategyConfig:
    """Return the stored configuration; where there is none, one with the defaults of every field."""
    config = StrategyConfig.objects.filter(strategy_id=strategy_id, timeframe=timeframe).first()
    return config or StrategyConfig(strategy_id=strategy_id, timeframe=timeframe)


def _unknown(strategy_id: str, timeframe: str) -> dict[str, str]:
    errors = {}
    if strategy_id not in STRATEGIES:
        errors["strategy_id"] = f"There is no strategy {strategy_id}. There are: {', '.join(STRATEGIES)}."
    if timeframe not in list(Timeframe):
        errors["timeframe"] = f"There is no timeframe {timeframe}. There are: {', '.join(Timeframe)}."
    return errors


def _without_bars(symbols: Sequence[str], timeframe: Timeframe) -> dict[str, str]:
    """Return why these symbols cannot be tested, if so."""
    if not symbols:
        return {"symbols": "Name at least one symbol."}
    splits_pending = dict(
        Instrument.objects.filter(symbol__in=symbols).values_list("symbol", "split_pending_since")
    )
    if unknown := [symbol for symbol in symbols if symbol not in splits_pending]:
        return {"symbols": f"Not on the list of instruments: {shortened(unknown)}. {_instruments()}"}
    if pending := [symbol for symbol in symbols if splits_pending[symbol]]:
        return {"symbols": f"A split of {shortened(pending)} is being restated: ask again in some minutes."}
    if any(store.oldest(symbols, timeframe).values()):
        return {}
    return {"symbols": f"No {timeframe} bars of {shortened(symbols)} are stored. {_how_to_get(timeframe)}"}


def _instruments() -> str:
    symbols = list(Instrument.objects.order_by("-watched", "symbol").values_list("symbol", flat=True))
    return f"There are: {shortened(symbols)}." if symbols else "It is empty: add them in admin first."


def _how_to_get(timeframe: Timeframe) -> str:
    fetched = timeframe.built_from or timeframe
    built = f"They are built from {fetched} bars. " if timeframe.built_from else ""
    return (
        f"{built}Fetch them with `manage.py backfill SYMBOL --timeframe {fetched} --since DATE`, or load a"
        f" file with `manage.py import_candles FILE --symbol SYMBOL --timeframe {fetched}`."
    )


def shortened(names: Sequence[str]) -> str:
    """Return the first names and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
