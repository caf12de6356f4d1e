from datetime import timedelta

import pytest

from market import retention
from market.models import IngestionRun, QuoteHistory
from tests import make


@pytest.mark.django_db
def test_only_what_is_older_than_its_time_goes_and_in_batches() -> None:
    for day in range(7):
        at = make.T0 - timedelta(days=day)
        IngestionRun.objects.create(kind="quotes", started_at=at)
        QuoteHistory.objects.create(
            symbol="AAPL", as_of=at, provider="x", price=1.0, received_at=at, feed="live"
        )
    gone = retention.prune(
        quotes_before=make.T0 - timedelta(days=1), runs_before=make.T0 - timedelta(days=4), batch=2
    )
    assert gone == {"quote_history": 5, "ingestion_runs": 2}
    assert QuoteHistory.objects.count() == 2
    assert IngestionRun.objects.count() == 5
