"""Strategies that fail, each in a way of its own."""

import math
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from signals.strategies import STRATEGIES, Strategy
from signals.strategies.macd_crossover import MacdCrossover


def _raises(*_: Any) -> Any:
    raise KeyError("close")


def _exits(*_: Any) -> Any:
    sys.exit("no licence")


def _recurses(*arguments: Any) -> Any:
    return _recurses(*arguments)


def _scalars(*_: Any) -> Any:
    return True, False


def _short(strategy: Any, panel: Any) -> Any:
    columns = MacdCrossover.compute(strategy, panel)
    return {name: column[1:] for name, column in columns.items()}


def _infinite(strategy: Any, panel: Any) -> Any:
    return MacdCrossover.compute(strategy, panel) | {"extra": np.full(len(panel), np.inf)}


def _texts(strategy: Any, panel: Any) -> Any:
    return MacdCrossover.compute(strategy, panel) | {"extra": np.full(len(panel), "n/a")}


def _nothing(*_: Any) -> Any:
    return None


def _unknown(strategy: Any, columns: Any, side: Any) -> Any:
    return np.full(len(side), np.nan)


def _dear(strategy: Any, panel: Any) -> Any:
    ideas = MacdCrossover.ideas(strategy, panel)
    return replace(ideas, second_target=np.full(len(ideas), 1e15))


def _replaced(**columns: Any) -> Any:
    """Return ideas of which some columns are computed from MACD's."""

    def ideas(strategy: Any, panel: Any) -> Any:
        sound = MacdCrossover.ideas(strategy, panel)
        return replace(sound, **{name: compute(sound) for name, compute in columns.items()})

    return ideas


# What is replaced, and by what.
WAYS: dict[str, tuple[str, Any]] = {
    "it raises": ("compute", _raises),
    "it ends the process": ("compute", _exits),
    "it never ends its recursion": ("compute", _recurses),
    "it returns nothing": ("compute", _nothing),
    "its columns are too short": ("compute", _short),
    "a column is infinite": ("compute", _infinite),
    "a column is of texts": ("compute", _texts),
    "its conditions raise": ("sides", _raises),
    "its conditions are no columns": ("sides", _scalars),
    "a price is more than can be stored": ("ideas", _dear),
    "its stop is above a buy": ("ideas", _replaced(stop=lambda sound: sound.entry + 1)),
    "its target is below a buy": ("ideas", _replaced(target=lambda sound: sound.entry - 1)),
    "its second target is nearer": ("ideas", _replaced(second_target=lambda sound: sound.entry + 1e-6)),
    "its entry is its stop": ("ideas", _replaced(stop=lambda sound: sound.entry)),
    "its rows are no integers": ("ideas", _replaced(row=lambda sound: sound.row + 0.5)),
    "its rows are texts": ("ideas", _replaced(row=lambda sound: sound.row.astype(str))),
    "its lateness is no flag": ("ideas", _replaced(late=lambda sound: np.full(len(sound), None))),
    "its sides are texts": ("ideas", _replaced(side=lambda sound: sound.side.astype(str))),
    "its confidence is a text": ("ideas", _replaced(confidence=lambda sound: sound.confidence.astype(str))),
    "its columns are objects": (
        "ideas",
        _replaced(columns=lambda sound: sound.columns | {"extra": np.full(len(sound), object())}),
    ),
    "its strength is unknown": ("is_strong", _unknown),
    "its sentence raises": ("describe", _raises),
    "its number of bars raises": ("remembers", property(_raises)),
    "its needs raise": ("needs", property(_exits)),
    "its needs are no number": ("needs", property(_nothing)),
    "its number of bars is none": ("remembers", property(_nothing)),
    "its number of bars is a fraction": ("remembers", property(lambda _: 2.5)),
    "its number of bars is unknown": ("remembers", property(lambda _: math.nan)),
    "its number of bars is negative": ("remembers", property(lambda _: -1)),
    "its number of bars is more than there are": ("remembers", property(lambda _: 10**30)),
    "its conflicts raise": ("conflicts", _raises),
    "its conflicts are none": ("conflicts", _nothing),
}


def strategy(way: str, name: str = "broken_v1") -> type[Strategy]:
    """Return a strategy that has an idea where MACD has one, and fails in this way."""
    method, replacement = WAYS[way]
    body = {"id": name, "title": "Broken", method: replacement, "__annotations__": {}}
    return dataclass(frozen=True)(type("Broken", (MacdCrossover,), body))


def register(monkeypatch: Any, way: str, name: str = "broken_v1") -> None:
    """Put such a strategy among those that there are."""
    monkeypatch.setitem(STRATEGIES, name, strategy(way, name))
