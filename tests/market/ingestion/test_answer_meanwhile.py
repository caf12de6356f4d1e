"""An answer that comes while ingestion stores bars of the same symbol."""

from datetime import timedelta
from threading import Event, Thread

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from market import store
from market.ingestion import answers, pipeline
from market.ingestion.answers import Answer, Kind
from market.models import UnexplainedMove
from market.prices import Bars, Feed, Timeframe
from market.quality import Rejections
from tests import make

START = make.T0.replace(hour=0) - timedelta(days=30)
AT = make.T0 + timedelta(days=10)
PATIENCE = 30  # seconds


def record(bars: Bars) -> None:
    given = {"AAPL": bars}
    pipeline.record(given, Timeframe.D1, provider="x", feed=Feed.LIVE, at=AT, rejections=Rejections())


@pytest.mark.django_db(transaction=True)
def test_what_is_stored_meanwhile_is_restated_with_the_rest() -> None:
    make.round_the_clock(make.T0, 60)
    make.only("AAPL", calendar="24/7")
    olga, stored, go_on = User.objects.create_user("olga"), Event(), Event()
    bars = make.bars([100.0] * 20 + [50.0] * 8, START, Timeframe.D1)
    bars.open[20] = 50
    record(bars[:23])
    move = UnexplainedMove.objects.get()

    def ingest() -> None:
        with transaction.atomic():
            record(bars[15:])
            stored.set()
            go_on.wait(PATIENCE)
        connection.close()

    def answer() -> None:
        answers.answer(move, Answer(Kind.SPLIT, "exchange notice", 2.0), by=olga, at=AT)
        connection.close()

    ingesting, answering = Thread(target=ingest), Thread(target=answer)
    ingesting.start()
    assert stored.wait(PATIENCE)
    answering.start()
    go_on.set()
    ingesting.join(PATIENCE)
    answering.join(PATIENCE)
    assert np.unique(store.read_bars(["AAPL"], Timeframe.D1)["AAPL"].close).tolist() == [50.0]
    assert not UnexplainedMove.objects.open().exists()
