"""The rule of stale quotes exists twice, in SQL for many instruments and in Python for one: they agree.

And no entry is let through on a stale quote.
"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from approvals.entry_check import MarketContext, check, levels_of
from market import quotes, sessions
from market.models import ALWAYS_OPEN, Quote, TradingSession
from market.queries.freshness import stale_symbols
from market.queries.hours import watched_calendars
from tests import make

pytestmark = pytest.mark.django_db
LIMIT = 300  # STALE_QUOTE_SECONDS
OPEN = datetime(2024, 7, 3, 13, 30, tzinfo=UTC)

# Around everything that the rule compares: the open, the limit after it, the close, the limit after a delay.
moments = st.builds(
    lambda minutes, seconds: OPEN + timedelta(minutes=minutes, seconds=seconds),
    st.sampled_from([-1080, -20, 0, 5, 15, 20, 60, 210, 1440]),
    st.sampled_from([-LIMIT, -1, 0, 1, LIMIT]),
)
BREAK = OPEN + timedelta(minutes=20), OPEN + timedelta(minutes=60)
stored = st.none() | st.tuples(moments, st.sampled_from([0, 60, 900]))


class StaleQuotes(TestCase):
    def setUp(self) -> None:
        make.july_2024()
        make.round_the_clock(OPEN)
        make.only("AAPL")
        self.levels = levels_of(make.signal())

    @given(
        at=moments,
        quote=stored,
        calendar=st.sampled_from(["XNYS", ALWAYS_OPEN]),
        is_closed=st.booleans(),
        has_lunch=st.booleans(),
    )
    def test_sql_and_python_agree(
        self,
        at: datetime,
        quote: tuple[datetime, int] | None,
        calendar: str,
        is_closed: bool,
        has_lunch: bool,
    ) -> None:
        make.only("AAPL", calendar=calendar)
        Quote.objects.all().delete()
        if quote:
            make.quote(as_of=quote[0], delay_seconds=quote[1])
        starts, ends = BREAK if has_lunch else (None, None)
        TradingSession.objects.filter(calendar="XNYS", date=OPEN.date()).update(
            closed=is_closed, break_starts_at=starts, break_ends_at=ends
        )

        hours = sessions.load(calendar)
        last = hours.stretch(at)
        opened_at = last[0] if last and at < last[1] else None
        stale = quotes.is_stale(Quote.objects.filter(pk="AAPL").first(), calendar, opened_at, at)

        assert (stale_symbols(at) == ["AAPL"]) is stale
        assert [view.stale for view in quotes.quotes_with_change(["AAPL"], at).values()] == [stale] * bool(
            quote
        )
        assert hours.is_open(at) is (opened_at is not None)
        assert TradingSession.objects.open_at(at).filter(calendar=calendar).exists() is hours.is_open(at)
        assert [watched.closes_at is not None for watched in watched_calendars(at)] == [opened_at is not None]
        assert not stale or check(self.levels, "AAPL", MarketContext.load(["AAPL"], at)).problems
