"""What a spin-off or an unseen split did is asked of a person, and entries wait until it is answered."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from market.ingestion import effects
from market.models import CorporateAction, Instrument, Split
from market.prices import Timeframe
from market.queries.instruments import with_questions
from market.store import read_bars
from tests import make

pytestmark = pytest.mark.django_db

AT = make.T0
SPIN_OFF = {"kind": "spin-off", "ratio": "0.25", "new_symbol": "NEW"}
STOCK_DIVIDEND = {"kind": "split", "ratio": "1.05"}


@pytest.fixture(autouse=True)
def listed() -> None:
    make.only("AAPL")


def asks() -> bool:
    """Return whether one asks; the instruments' query that pages ask first misses none."""
    is_asking = CorporateAction.objects.asking(AT).exists()
    assert is_asking <= vars(with_questions(["AAPL"], AT)["AAPL"])["may_ask"]
    return is_asking


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (SPIN_OFF, True),
        ({"kind": "rights", "ratio": 1}, True),
        ({"kind": "unit split", "ratio": 1}, True),
        (STOCK_DIVIDEND, True),
        ({"kind": "dividend"}, False),
        ({**SPIN_OFF, "ex_date": "2024-07-04"}, False),
        ({**SPIN_OFF, "ex_date": "2023-07-04"}, False),
        ({**STOCK_DIVIDEND, "recorded_at": AT + timedelta(days=1)}, False),
        ({**SPIN_OFF, "symbol": "MSFT"}, False),
        ({**SPIN_OFF, "ended_at": AT}, False),
    ],
)
def test_what_cannot_be_computed_asks_while_it_is_new(values: dict[str, Any], expected: bool) -> None:
    make.action(**{"ex_date": "2024-07-03"} | values)
    assert asks() is expected


def test_a_split_that_the_prices_show_does_not_ask() -> None:
    make.action(ex_date="2024-07-03", **STOCK_DIVIDEND)
    Split.objects.create(symbol="AAPL", date="2024-07-02", ratio=1.05, source="x", recorded_at=AT)
    assert not asks()


def test_of_what_is_neither_watched_nor_held_nothing_is_asked() -> None:
    make.action(ex_date="2024-07-03", **SPIN_OFF)
    Instrument.objects.update(watched=False)
    assert not asks()
    Instrument.objects.update(in_use=True)
    assert asks()


def test_an_answer_is_taken_once_with_who_and_why() -> None:
    fact, user = make.action(ex_date="2024-07-03", **SPIN_OFF), make.trader()
    effects.answer(fact, "NEW was sold", by=user, at=AT)
    assert not asks()
    assert LogEntry.objects.get(user=user).change_message.endswith("dealt with. NEW was sold")
    with pytest.raises(effects.EffectRefused, match="does not ask any more"):
        effects.answer(fact, "again", by=user, at=AT)


def test_a_stock_dividend_restates_prices_and_holdings_when_a_person_says_so() -> None:
    make.candle("AAPL", "2024-07-02", 105.0)
    fact = make.action(ex_date="2024-07-03", **STOCK_DIVIDEND)
    effects.answer(fact, "bars are in old shares", by=make.trader(), at=AT, is_restating=True)
    assert Split.objects.get().ratio == 1.05
    assert read_bars(["AAPL"], Timeframe.D1)["AAPL"].close.tolist() == pytest.approx([100.0])


@pytest.mark.parametrize(
    ("text", "restates", "reason"), [(" ", False, "Say what"), ("x", True, "Only a split")]
)
def test_an_answer_that_makes_no_sense_is_refused(text: str, restates: bool, reason: str) -> None:
    fact = make.action(ex_date="2024-07-03", **SPIN_OFF)
    with pytest.raises(effects.EffectRefused, match=reason):
        effects.answer(fact, text, by=make.trader(), at=AT, is_restating=restates)
    assert asks()
