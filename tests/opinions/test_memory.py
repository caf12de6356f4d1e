"""What is recalled: the most alike first, the newest of those, and nothing from after the signal's bar."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opinions import memory, store
from opinions.memory import Question
from opinions.models import Memory
from tests import make

pytestmark = pytest.mark.django_db
BAR_CLOSED = datetime(2024, 7, 2, 20, tzinfo=UTC)


def question_of(**about: Any) -> Question:
    usual: dict[str, Any] = {
        "symbol": "AAPL",
        "before": BAR_CLOSED,
        "strategy_id": "macd_crossover_v1",
        "timeframe": "1d",
        "side": "BUY",
        "regime": "bullish calm",
    }
    return Question(**usual | about)


def texts(question: Question | None = None) -> list[str]:
    return [case.text for case in memory.recall([question or question_of()])[0]]


def test_the_most_alike_come_first() -> None:
    make.memory("symbol alone", strategy_id="rsi_momentum_v1")
    make.memory("strategy alone", symbol="MSFT", regime="bearish wild")
    make.memory("regime", symbol="MSFT", regime="bullish calm")
    make.memory("symbol", regime="bearish wild")
    make.memory("both", regime="bullish calm")
    assert texts() == ["both", "symbol", "regime", "strategy alone", "symbol alone"]


def test_of_those_that_are_as_alike_the_newest_come_first() -> None:
    for days in (3, 1, 2):
        make.memory(f"{days} days ago", known_at=BAR_CLOSED - timedelta(days=days))
    assert texts() == ["1 days ago", "2 days ago", "3 days ago"]


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1), timedelta(days=300)])
def test_nothing_is_recalled_that_was_known_after_the_bar_had_closed(late: timedelta) -> None:
    make.memory("known before", known_at=BAR_CLOSED - timedelta(microseconds=1))
    make.memory("hindsight", known_at=BAR_CLOSED + late)
    assert texts() == ["known before"]


def test_hindsight_is_not_found_by_its_words_either() -> None:
    make.memory("the earnings came", symbol="MSFT", side="SELL", known_at=BAR_CLOSED)
    assert texts(question_of(words="earnings")) == []


def test_the_other_side_and_another_timeframe_are_other_cases() -> None:
    make.memory("sell", symbol="MSFT", side="SELL")
    make.memory("quarter of an hour", symbol="MSFT", timeframe="15m")
    assert texts() == []


def test_words_find_what_nothing_else_does() -> None:
    make.memory("rejected: news, before the earnings", symbol="MSFT", side="SELL")
    make.memory("rejected: risk", symbol="MSFT", side="SELL")
    assert texts(question_of(words=memory.any_of("Earnings are due on Thursday"))) == [
        "rejected: news, before the earnings"
    ]


def test_decisions_are_recalled_beside_outcomes_and_no_more_than_a_few_of_each() -> None:
    for kind in (Memory.Kind.OUTCOME, Memory.Kind.DECISION, Memory.Kind.RESULT):
        for number in range(10):
            make.memory(f"{kind} {number}", kind=kind)
    recalled = memory.recall([question_of()])[0]
    kinds = [case.kind for case in recalled]
    assert kinds.count("outcome") == store.TOLD
    assert kinds.count("decision") == store.REFUSED
    assert len(recalled) == store.TOLD + store.REFUSED


def test_another_bank_is_not_recalled_from(settings: Any) -> None:
    make.memory(bank="elsewhere")
    assert texts() == []


def test_many_questions_are_two_queries(django_assert_num_queries: Any) -> None:
    make.memory()
    make.memory("the other", symbol="MSFT", side="SELL")
    with django_assert_num_queries(2):
        alike, other = memory.recall([question_of(), question_of(symbol="MSFT", side="SELL")])
    assert [case.text for case in (*alike, *other)] == ["It made money.", "the other"]


def test_what_is_kept_twice_is_kept_once() -> None:
    signal = make.signal()
    content: Any = {"text": "It made money.", "features": {"r": 1.0}}
    memories = [memory.memory_of(signal, Memory.Kind.OUTCOME, make.T0, make.T0, **content) for _ in range(2)]
    assert memory.retain(memories[:1]) == 1
    assert memory.retain(memories[1:]) == 0
    assert Memory.objects.count() == 1


def test_a_memory_knows_its_regime_and_what_it_is_of() -> None:
    indicators = {"price": 185.5, "atr": 1.5, "trend_fast": 180.0, "trend_slow": 170.0}
    signal = make.signal(indicators=indicators)
    stored = memory.memory_of(signal, Memory.Kind.OUTCOME, make.T0, make.T0, text="", features={})
    assert (stored.regime, stored.reference) == ("bullish calm", f"outcome:{signal.pk}")
    assert memory.alike(stored, Question.of(signal)) == ["strategy", "symbol", "side", "regime"]
