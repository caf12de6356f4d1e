"""What an operator may enter about a strategy: made from the strategy's own parameters."""

from collections.abc import Mapping
from dataclasses import Field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.text import capfirst

from core import formatting
from market.prices import Timeframe
from signals.models import StrategyConfig
from signals.strategies import STRATEGIES, BadParameters, Strategy

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[StrategyConfig]
else:
    ModelForm = forms.ModelForm

PREFIX = "parameter_"
RULES = ["enabled", "minimum_confidence", "lifetime_bars", "longest_holding_bars", "flat_at_close"]
DAILY = {"minimum_confidence": Decimal("0.60"), "lifetime_bars": 1, "longest_holding_bars": 40}
INTRADAY = {"minimum_confidence": Decimal("0.70"), "lifetime_bars": 8, "longest_holding_bars": 52}


def stored(config: StrategyConfig) -> dict[str, Any]:
    """Return its parameters; none where the column holds anything else."""
    return config.parameters if isinstance(config.parameters, dict) else {}


def trouble(config: StrategyConfig) -> str:
    """Return why a configuration cannot be evaluated and what to do; empty when it can."""
    if config.strategy_id not in STRATEGIES:
        return f"This version of Jax has no strategy {config.strategy_id}. Switch it off."
    if not isinstance(config.parameters, dict):
        return "The stored parameters are not names with values. Save it to start from the defaults."
    try:
        STRATEGIES[config.strategy_id].of(config.parameters)
    except BadParameters as bad:
        return " ".join(f"{formatting.label(name)} {error}" for name, error in bad.errors.items())
    return not_fetched(config.timeframe)


def not_fetched(timeframe: str) -> str:
    """Return why there are no candles of a timeframe and what to set; empty when there are."""
    source = Timeframe(timeframe).built_from or Timeframe(timeframe)
    if source in settings.CANDLE_TIMEFRAMES:
        return ""
    which = timeframe if source == timeframe else f"{timeframe} is built from {source}, which"
    return f"{which} is not fetched. Add {source} to CANDLE_TIMEFRAMES in .env and start Jax again."


def usual(timeframe: str) -> dict[str, Any]:
    """Return the initial values of a new configuration."""
    intraday = Timeframe(timeframe).is_intraday
    return (INTRADAY if intraday else DAILY) | {"enabled": True, "flat_at_close": intraday}


class ChoiceForm(ModelForm):
    """The strategy and the timeframe of a new configuration: they are fixed afterwards."""

    class Meta:
        model = StrategyConfig
        fields = ["strategy_id", "timeframe"]

    def clean_timeframe(self) -> str:
        timeframe = str(self.cleaned_data["timeframe"])
        if why := not_fetched(timeframe):
            raise forms.ValidationError(why)
        return timeframe


class ConfigForm(ModelForm):
    """How a strategy is used. `form_of` adds a field for each of its parameters."""

    chosen: ClassVar[dict[str, str]] = {}

    class Meta:
        model = StrategyConfig
        fields = RULES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        config = kwargs.get("instance") or StrategyConfig(**self.chosen)
        initial = {f"{PREFIX}{name}": value for name, value in stored(config).items()}
        initial |= kwargs.get("initial") or {}
        super().__init__(*args, **kwargs | {"instance": config, "initial": initial})
        self.before = {name: getattr(config, name) for name in (*RULES, "parameters")}

    @property
    def changed(self) -> list[str]:
        """The columns that the form changed, once it is cleaned."""
        return [name for name, value in self.before.items() if getattr(self.instance, name) != value]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        strategy = STRATEGIES.get(self.instance.strategy_id)
        if strategy is None:
            why = trouble(self.instance)
        else:
            self._take_parameters(strategy, cleaned)
            why = not_fetched(self.instance.timeframe)
        if why and cleaned.get("enabled"):
            self.add_error("enabled", why)
        return cleaned

    def _take_parameters(self, strategy: type[Strategy], cleaned: Mapping[str, Any]) -> None:
        """Keep what differs from the defaults. What is impossible is told at its field."""
        names = [parameter.name for parameter in fields(strategy)]
        given = {name: cleaned[f"{PREFIX}{name}"] for name in names if cleaned.get(f"{PREFIX}{name}")}
        try:
            parsed = strategy.of(given)
        except BadParameters as bad:
            for name, error in bad.errors.items():
                self.add_error(f"{PREFIX}{name}", capfirst(error))
            return
        self.instance.parameters = {
            parameter.name: getattr(parsed, parameter.name)
            for parameter in fields(strategy)
            if getattr(parsed, parameter.name) != parameter.default
        }


def form_of(config: StrategyConfig) -> type[ConfigForm]:
    """Return the form of a configuration: with its choices, and a field for each parameter."""
    strategy = STRATEGIES.get(config.strategy_id)
    own = (
        {f"{PREFIX}{parameter.name}": _field(parameter) for parameter in fields(strategy)} if strategy else {}
    )
    chosen = {"strategy_id": config.strategy_id, "timeframe": config.timeframe}
    return type("ConfigForm", (ConfigForm,), {"chosen": chosen, **own})


def _field(parameter: "Field[Any]") -> forms.CharField:
    """Return a parameter's field. The strategy alone checks that its text is a number in range."""
    least, most, meaning = (parameter.metadata[name] for name in ("least", "most", "meaning"))
    step = 1 if isinstance(parameter.default, int) else "any"
    return forms.CharField(
        required=False,
        label=formatting.label(parameter.name),
        help_text=f"{meaning} From {least} to {most}; empty: {parameter.default}.",
        widget=forms.NumberInput({"min": least, "max": most, "step": step, "placeholder": parameter.default}),
    )
