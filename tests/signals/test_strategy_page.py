"""The worked example of docs/extending/strategy.md is run as it stands there."""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings

from signals.panel import Panel
from signals.strategies import Strategy
from tests.signals.walks import walk

PAGE = Path(settings.BASE_DIR) / "docs" / "extending" / "strategy.md"


@pytest.fixture(scope="module")
def code() -> str:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(block)


@pytest.fixture(scope="module")
def breakout(code: str) -> Iterator[Strategy]:
    module = ModuleType("example")
    sys.modules["example"] = module
    exec(compile(code, str(PAGE), "exec"), module.__dict__)
    yield module.Breakout()
    del sys.modules["example"]


def test_it_is_thirty_lines_or_fewer(code: str) -> None:
    assert len(code.splitlines()) <= 30


def test_it_speaks_with_a_reason_and_levels(breakout: Strategy) -> None:
    ideas = breakout.ideas(Panel.of(walk(400, 1, start=datetime(2022, 1, 3, tzinfo=UTC))))
    assert len(ideas) > 5
    assert set(ideas.side.tolist()) == {1, -1}
    assert re.match(r"close \d+\.\d\d (above|below) its last 20 bars, trend ", ideas.reasoning(0))
    assert (ideas.side * (ideas.entry - ideas.stop) > 0).all()


def test_it_takes_parameters_like_the_others(breakout: Strategy) -> None:
    assert type(breakout).of({"period": "55", "stop_atr": 3}).needs == 56


def test_it_does_not_look_ahead(breakout: Strategy) -> None:
    bars = walk(400, 2, start=datetime(2022, 1, 3, tzinfo=UTC))
    ideas, part = breakout.ideas(Panel.of(bars)), breakout.ideas(Panel.of(bars[slice(0, 300)]))
    assert part.row.tolist() == ideas.row[ideas.row < 300].tolist()
