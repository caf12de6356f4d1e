import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from signals.models import Signal, StrategyRecord
from tests import make
from tests.clock import NOW
from tests.query_counts import CountQueries

LIST = "/admin/signals/signal/"
LATER = NOW + timedelta(hours=3, seconds=-1)


@pytest.fixture(autouse=True)
def aapl(db: None) -> None:
    make.only("AAPL", "MSFT")


def page_of(signal: Signal) -> str:
    return f"{LIST}{signal.pk}/change/"


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def cells(client: Client, signal: Signal) -> dict[str, str]:
    """The words in its row, by column."""
    page = client.get(LIST).content.decode()
    (row,) = re.findall(
        rf'<tr>(?:(?!</tr>).)*<th class="field-symbol"><a href="{page_of(signal)}.*?</tr>', page, re.S
    )
    return {
        name: plain(text) for name, text in re.findall(r'class="field-(\w+)[^"]*">(.*?)</t[dh]>', row, re.S)
    }


def listed(client: Client, query: str) -> list[Signal]:
    return list(client.get(f"{LIST}?{query}").context["cl"].result_list)


def cancel(client: Client, *signals: Signal, reason: str = "") -> list[str]:
    chosen = {
        "action": "cancel",
        "_selected_action": [signal.pk for signal in signals],
        "index": 0,
        "reason": reason,
    }
    answer = client.post(LIST, chosen, follow=True)
    return [str(message) for message in answer.context["messages"]] if answer.context else []


# The list


def test_a_row_tells_what_was_said_and_how_long_it_waits(operator: Client) -> None:
    row = cells(operator, make.signal(expires_at=LATER))
    assert (row["side"], row["strategy"], row["timeframe"]) == ("▲ BUY", "MACD crossover", "1d")
    assert (row["score"], row["entry"], row["stop"], row["target"]) == ("0.90", "185.50", "180.50", "191.75")
    assert (row["reward"], row["generated"], row["status_line"]) == (
        *["1.25 to 1", "2024-07-02 20:00"],
        "pending 2 h left",
    )


def test_an_overdue_one_shows_as_expired_before_anything_has_said_so(operator: Client) -> None:
    row = cells(operator, make.signal())
    assert row["status_line"] == "expired 2024-07-03 17:00"


def test_an_ended_one_tells_when_and_why(operator: Client) -> None:
    row = cells(operator, make.signal(status="cancelled", ended_reason="stop traded before a decision"))
    assert row["status_line"] == "cancelled 2024-07-03 14:00 stop traded before a decision"


def test_opposite_pending_ones_name_each_other(operator: Client) -> None:
    buy, sell = make.signal(expires_at=LATER), make.sell(expires_at=LATER, timeframe="15m")
    make.sell("MSFT", expires_at=LATER)
    make.sell(timeframe="1h")
    assert cells(operator, buy)["status_line"].endswith("left conflicts with ▼ SELL RSI momentum 15m")
    assert cells(operator, sell)["status_line"].endswith("left conflicts with ▲ BUY MACD crossover 1d")


def test_it_is_found_by_the_status_that_counts(operator: Client) -> None:
    waits, overdue = make.signal(expires_at=LATER), make.signal("MSFT")
    expired, cancelled = make.sell(status="expired"), make.sell("MSFT", status="cancelled")
    assert listed(operator, "status=pending") == [waits]
    assert set(listed(operator, "status=expired")) == {overdue, expired}
    assert listed(operator, "status=cancelled") == [cancelled]
    assert listed(operator, "status=approved") == []


def test_it_is_found_by_side_strategy_timeframe_and_day(operator: Client) -> None:
    buy = make.signal()
    sell = make.sell(timeframe="15m", generated_at=timezone.now(), expires_at=LATER)
    assert (
        listed(operator, "signal_type__exact=BUY") == listed(operator, "strategy=macd_crossover_v1") == [buy]
    )
    assert listed(operator, "timeframe__exact=15m") == listed(operator, "day=today") == [sell]
    assert listed(operator, "day=yesterday") == []
    assert listed(operator, "day=nonsense&status=nonsense") == [sell, buy]


@pytest.mark.parametrize(
    ("typed", "symbols"),
    [
        *[
            ("AAPL", ["AAPL"]),
            ("msf", ["MSFT"]),
            ("crossed above", ["MSFT", "AAPL"]),
            ("MSFT crossed", ["MSFT"]),
        ],
        *[("2024-07-02", ["AAPL"]), ("2024-07-99", []), ("nothing", [])],
    ],
)
def test_it_is_found_by_symbol_day_and_words_of_its_reasoning(
    operator: Client, typed: str, symbols: list[str]
) -> None:
    make.signal()
    make.signal("MSFT", generated_at=make.T0, expires_at=LATER)
    assert [signal.symbol for signal in listed(operator, f"q={typed}")] == symbols


def test_the_list_takes_as_many_queries_for_many_as_for_one(
    operator: Client, count_queries: CountQueries
) -> None:
    for n in range(60):
        make.signal(f"S{n}", expires_at=LATER)
        make.sell(f"S{n}", expires_at=LATER)
    # who asks (2), which strategies there are, the count, the page, conflicts
    with count_queries("admin signals"):
        assert len(listed(operator, "")) == 100


@pytest.mark.parametrize(
    ("query", "columns"),
    [("", ["symbol", "generated"]), ("?status=pending", ["symbol", "score", "generated"])],
)
def test_it_can_be_sorted_by_what_is_sorted_quickly_only(
    operator: Client, query: str, columns: list[str]
) -> None:
    make.signal(expires_at=LATER)
    page = operator.get(f"{LIST}{query}").content.decode()
    assert re.findall(r'class="[^"]*sortable column-(\w+)', page) == columns


# The page of one


def test_its_page_tells_everything_about_it(operator: Client) -> None:
    newer = make.signal(bar_opened_at=make.T0, expires_at=LATER)
    signal = make.signal(
        status="cancelled",
        ended_reason="superseded by a newer event",
        superseded_by=newer,
        parameters={"macd_fast": 10},
        indicators={"price": 185.5, "macd_signal": 0.1},
    )
    page = operator.get(page_of(signal)).content.decode()
    text = plain(page)
    assert "MACD +0.3 crossed above its signal line +0.1 at 185.50." in text
    assert "cancelled" in text
    assert "2024-07-03 14:00 superseded by a newer event" in text
    assert "MACD fast 10" in text
    assert "<td>MACD signal</td><td>0.1</td>" in page
    assert "alpaca, live feed" in text
    assert f'<a href="{page_of(newer)}"><span class="up">▲ BUY</span> MACD crossover 1d</a>' in page


def test_its_page_links_to_those_that_say_the_opposite(operator: Client) -> None:
    buy, sell = make.signal(expires_at=LATER), make.sell(expires_at=LATER)
    assert f'<a href="{page_of(sell)}">' in operator.get(page_of(buy)).content.decode()


def test_its_page_tells_the_record_of_its_strategy_pooled_first(operator: Client) -> None:
    counts = {"cases": 212, "targets": 100, "stops": 80, "bars": 9_000, "computed_at": make.T0}
    pair = {"strategy_id": "macd_crossover_v1", "timeframe": "1d"}
    pooled = StrategyRecord.objects.create(**pair | counts, symbol="")
    StrategyRecord.objects.create(**pair | counts, symbol="MSFT")
    page = operator.get(page_of(make.signal())).content.decode()
    assert f"<div>over the watchlist: {pooled.sentence()}</div><div>AAPL: no record yet</div>" in page


def test_its_page_takes_few_queries(operator: Client, count_queries: CountQueries) -> None:
    signal = make.signal(expires_at=LATER)
    make.candle("AAPL", "2024-07-02", 185.5)
    for n in range(20):
        make.sell(expires_at=LATER, strategy_id=f"s{n}")
    # who asks (2), the signal, splits since, its bars, its conflicts, its records
    with count_queries("admin signal"):
        operator.get(page_of(signal))


# Cancelling


def test_the_chosen_pending_ones_are_cancelled_with_a_reason_and_written_down(operator: Client) -> None:
    signal, other = make.signal(expires_at=LATER), make.signal("MSFT", expires_at=LATER)
    messages = cancel(operator, signal, reason="earnings tonight")
    assert messages == ["Cancelled: BUY AAPL macd_crossover_v1 1d."]
    signal.refresh_from_db()
    other.refresh_from_db()
    assert (signal.status, other.status) == ("cancelled", "pending")
    assert signal.ended_reason == "cancelled by operator: earnings tonight"
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.change_message) == (str(signal.pk), "Cancelled: earnings tonight")


def test_those_not_pending_any_more_are_named_and_left_as_they_are(operator: Client) -> None:
    waits, overdue = make.signal(expires_at=LATER), make.signal("MSFT")
    done, left = cancel(operator, waits, overdue)[::-1]
    assert done == "Cancelled: BUY AAPL macd_crossover_v1 1d."
    assert left.startswith("BUY MSFT macd_crossover_v1 1d was left as it is. It is expired since 2024-07-03")


def test_cancelling_twice_is_the_same_as_once(operator: Client) -> None:
    signal = make.signal(expires_at=LATER)
    cancel(operator, signal)
    signal.refresh_from_db()
    first = signal.ended_at
    (left,) = cancel(operator, signal)
    assert "was left as it is. It is cancelled since" in left
    signal.refresh_from_db()
    assert signal.ended_at == first
    assert LogEntry.objects.count() == 1


def test_more_than_a_page_is_never_cancelled_at_once(operator: Client) -> None:
    for n in range(101):
        make.signal(f"S{n}", expires_at=LATER)
    everything = {"action": "cancel", "select_across": "1", "index": 0}
    chosen = Signal.objects.first()
    assert chosen is not None
    answer = operator.post(LIST, everything | {"_selected_action": chosen.pk}, follow=True)
    assert [str(message) for message in answer.context["messages"]] == [
        "Nothing was done: choose at most 100."
    ]
    assert Signal.objects.filter(status="pending").count() == 101


def test_a_reader_cancels_nothing(reader: Client) -> None:
    signal = make.signal(expires_at=LATER)
    assert cancel(reader, signal) == []
    signal.refresh_from_db()
    assert signal.status == "pending"
    assert "Cancel what is pending" not in reader.get(LIST).content.decode()
