from dataclasses import dataclass
from datetime import timedelta

import pytest

from core import queries
from market.models import IngestionRun, QuoteHistory
from tests import make

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Pair:
    first: int
    second: str


def test_columns_fill_the_fields_that_are_called_as_they_are() -> None:
    statement = "SELECT 'b' AS second, %(first)s AS first UNION ALL SELECT 'd', 3 ORDER BY first"
    assert queries.fetch_all(Pair, statement, {"first": 1}) == [Pair(1, "b"), Pair(3, "d")]
    assert queries.fetch_one(Pair, "SELECT 1 AS first, 'b' AS second") == Pair(1, "b")


def test_a_column_that_no_field_is_called_as_is_refused() -> None:
    with pytest.raises(TypeError, match="third"):
        queries.fetch_all(Pair, "SELECT 1 AS first, 'b' AS second, 3 AS third")


def test_only_what_is_older_than_its_time_is_deleted_and_in_batches() -> None:
    for day in range(7):
        at = make.T0 - timedelta(days=day)
        IngestionRun.objects.create(kind="quotes", started_at=at)
        QuoteHistory.objects.create(
            symbol="AAPL", as_of=at, provider="x", price=1.0, received_at=at, feed="live"
        )
    assert queries.delete_older(QuoteHistory, "received_at", make.T0 - timedelta(days=1), batch=2) == 5
    assert queries.delete_older(IngestionRun, "started_at", make.T0 - timedelta(days=4), batch=2) == 2
    assert QuoteHistory.objects.count() == 2
    assert IngestionRun.objects.count() == 5
