"""The age beside each figure that has a time of its own: a price, an account, a record, an opinion."""

import re
from collections.abc import Iterator
from datetime import timedelta
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from approvals.models import AccountSnapshot
from signals.models import Signal, StrategyRecord
from tests import make
from tests.approvals import outcome_rows

PRICED_AT = make.T0 - timedelta(seconds=40)
SEEN_AT = make.T0 - timedelta(seconds=70)
DELAY = 15


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=make.T0):
        yield


@pytest.fixture
def signal(db: None) -> Signal:
    """One that waits, and a position. Prices are 40 s old, of a feed that is delayed by 15 s."""
    make.only("AAPL")
    make.july_2024()
    make.ready()
    AccountSnapshot.objects.update(at=SEEN_AT)
    make.quote("AAPL", 186.0, PRICED_AT, delay_seconds=DELAY)
    make.history("AAPL", make.turning())
    make.held("AAPL")
    outcome_rows.outcome(1)
    signal = make.signal("AAPL")
    make.opinion(signal)
    record = {"strategy_id": signal.strategy_id, "timeframe": signal.timeframe, "symbol": ""}
    counts = {"cases": 212, "targets": 100, "stops": 80, "bars": 9_000}
    StrategyRecord.objects.create(**record, **counts, computed_at=make.T0 - timedelta(hours=7))
    return signal


def ages(html: str) -> str:
    """Return the text of the page, without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


@pytest.mark.parametrize(
    ("page", "figures"),
    [
        ("/", ["AAPL Apple 186.00", "25 s old", "USD, 70 s old"]),
        ("/positions/", ["186.00 25 s old", "Seen70 s ago"]),
        ("/positions/AAPL/close/", ["At the newest price of 186.00, 25 s old, it makes"]),
        ("/away/", ["10 AAPL 25 s old"]),
        ("/instruments/AAPL/", ["alpaca, live, 25 s old"]),
        ("/signals/{pk}/", ["25 s old, live", "Its recordcomputed 7 h ago", "rule-based, 2 min ago"]),
        ("/opinions/", ["2 min ago"]),
        ("/scorecard/", ["computed 0 s ago"]),
    ],
)
def test_each_has_its_age(trader: Client, signal: Signal, page: str, figures: list[str]) -> None:
    text = ages(trader.get(page.format(pk=signal.pk)).content.decode())
    for figure in figures:
        assert figure in text, text


def test_an_age_is_written_so_that_it_goes_on(trader: Client, signal: Signal) -> None:
    html = trader.get("/positions/").content.decode()
    assert f'data-since="{PRICED_AT + timedelta(seconds=DELAY):%Y-%m-%dT%H:%M:%SZ}">25 s' in html


def test_without_a_price_there_is_no_age(trader: Client, db: None) -> None:
    make.only("AAPL")
    make.ready()
    make.held("AAPL")
    for page in ("/positions/", "/positions/AAPL/close/"):
        assert not re.search(r"\bold\b", ages(trader.get(page).content.decode()))
