"""Data to review: what waits, one item's page, and decisions about several."""

import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.test import Client
from django_q.models import OrmQ
from pytest_django import Settings

from market.ingestion.review.items import Item
from market.models import BarVerdict, Candle, Disagreement, Gap, RefusedRow, ReviewItem, UnexplainedMove
from tests import make
from tests.faults.loops import refuse_rows
from tests.query_counts import CountQueries

LIST = "/admin/market/reviewitem/"


@pytest.fixture(autouse=True)
def stored(db: None) -> None:
    """A suspect bar among others, and one thing of each other kind."""
    make.only("AAPL")
    make.round_the_clock(make.T0, 60)
    for day in range(1, 8):
        make.candle("AAPL", f"2024-06-{day:02}", 100.0 + day)
    Candle.objects.filter(opened_at__day=4).update(low=10.0, suspect=True)
    make.move()
    gap()
    RefusedRow.objects.create(
        symbol="MSFT",
        timeframe="15m",
        stamp="2024-07-03T14:00:00+00:00",
        given={"open": 1.0, "low": -1.0},
        source="alpaca",
        feed="live",
        reason="price_not_positive",
        first_at=make.T0,
        last_at=make.T0,
        run_id=1,
    )
    Disagreement.objects.create(
        symbol="AAPL",
        date=date(2024, 6, 5),
        figure="close",
        provider="alpaca",
        other="polygon",
        stored=105.0,
        given=106.0,
        found_at=make.T0,
    )


def gap(symbol: str = "AAPL", reason: str = "outage", at: datetime = make.T0) -> Gap:
    last = at + timedelta(hours=1)
    return Gap.objects.create(
        symbol=symbol, timeframe="15m", first_at=at, last_at=last, bars=5, reason=reason, found_at=last
    )


def name(kind: str = "suspect") -> str:
    return ReviewItem.objects.get(kind=kind).id


def address(item: str) -> str:
    return f"{LIST}{item.replace(':', '_3A')}/change/"


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def decide(client: Client, item: str, seen: str | None = None, **values: str) -> Any:
    version = Item.load(item).version if seen is None else seen
    return client.post(address(item), {"why": "seen on the tape", "seen": version} | values)


def test_the_list_shows_all_that_waits_and_links_to_each(reader: Client) -> None:
    page = reader.get(LIST).content.decode()
    for kind in ReviewItem.Kind:
        assert kind.label in page
        assert address(name(kind)) in page
    assert "open 104, high 104, low 10, close 104" in page


def test_the_list_is_narrowed_by_kind_and_symbol(reader: Client) -> None:
    page = reader.get(LIST, {"kind__exact": "refused", "q": "MSFT"}).content.decode()
    assert "1 data to review" in page
    assert reader.get(LIST, {"q": "NONE"}).content.decode().count("_3A") == 0


def test_a_gap_without_trades_explains_itself(reader: Client) -> None:
    Gap.objects.all().delete()
    gap(reason="no_trade")
    assert not ReviewItem.objects.filter(kind="gap").exists()
    assert "reason__exact=no_trade" in reader.get(LIST).content.decode()


def test_the_list_takes_as_many_queries_for_many(operator: Client, count_queries: CountQueries) -> None:
    for hour in range(1, 80):
        gap(at=make.T0 - timedelta(hours=2 * hour))
    assert len(list(ReviewItem.objects.all())) > 80
    with count_queries("admin data to review"):
        page = operator.get(LIST)
    assert page.content.decode().count('name="_selected_action"') == 50


def test_a_bar_stands_beside_its_neighbours_with_its_chart(reader: Client) -> None:
    page = reader.get(address(name())).content.decode()
    for day in range(1, 8):
        assert f"2024-06-{day:02}</th>" in page
    assert 'aria-current="true"' in page
    assert "data-chart" in page
    assert "Why:" not in page


@pytest.mark.parametrize("kind", ["refused", "gap", "disagreement"])
def test_the_page_of_each_kind_says_what_it_is(operator: Client, kind: str) -> None:
    answer = operator.get(address(name(kind)))
    assert answer.status_code == 200
    assert "Leave it as it is" in answer.content.decode()


def test_a_move_is_answered_beside_its_neighbours_and_chart(operator: Client) -> None:
    item = name("move")
    page = operator.get(address(item)).content.decode()
    assert "data-chart" in page
    assert "/admin/market/unexplainedmove/" in page
    decide(operator, item, act="real")
    assert UnexplainedMove.objects.get().answer == "real"
    assert "A real move" not in operator.get(address(item)).content.decode()


def test_moves_are_answered_only_by_who_may_answer_them(reader: Client) -> None:
    user = User.objects.get(username="reader")
    user.user_permissions.add(Permission.objects.get(codename="change_reviewitem"))
    move, bar = name("move"), name()
    assert decide(reader, move, act="real").status_code == 403
    reader.post(LIST, {"action": "real", "_selected_action": [move], "seen": ["x"], "why": "because"})
    decide(reader, bar, act="accept")
    assert UnexplainedMove.objects.get().is_open
    assert not Candle.objects.filter(suspect=True).exists()


def test_the_chart_shows_the_bars_around_and_marks_the_one(reader: Client) -> None:
    drawn = json.loads(reader.get(address(name()).replace("change/", "bars/")).content)
    assert [bar["suspect"] for bar in drawn["bars"]].count(True) == 1
    assert drawn["spoke"] == "2024-06-04"


def test_an_accepted_bar_is_believed_and_logged(operator: Client) -> None:
    item = name()
    answer = decide(operator, item, act="accept")
    assert said(answer) == ["Done, and logged with your reason: seen on the tape"]
    assert not ReviewItem.objects.filter(kind="suspect").exists()
    assert LogEntry.objects.get().get_change_message().endswith("seen on the tape")
    assert "believed by operator" in operator.get(address(item)).content.decode()


@pytest.mark.parametrize(
    "values", [{"act": "accept", "why": ""}, {"act": "sell"}, {"act": "accept", "seen": "old"}]
)
def test_half_a_decision_is_refused(operator: Client, values: dict[str, str]) -> None:
    answer = decide(operator, name(), **values)
    assert answer.status_code == 200
    assert len(said(answer)) == 1
    assert Candle.objects.filter(suspect=True).exists()


def test_a_dropped_bar_is_shown_with_its_values_and_taken_back(operator: Client) -> None:
    item = name()
    decide(operator, item, act="drop")
    page = operator.get(address(item)).content.decode()
    assert "dropped by operator" in page
    assert "low 10," in page
    decide(operator, item, take_back="yes")
    assert Candle.objects.get(opened_at__day=4).low == 10.0


def test_a_bar_is_corrected_with_sound_values_only(operator: Client) -> None:
    values = {"open": "104", "high": "105", "low": "99", "close": "104", "volume": "", "correct": "yes"}
    assert "below the low" in said(decide(operator, name(), **values | {"low": "104.5"}))[0]
    assert decide(operator, name(), **values | {"low": "cheap"}).status_code == 200
    decide(operator, name(), **values)
    bar = Candle.objects.get(opened_at__day=4)
    assert (bar.low, bar.volume, bar.provider) == (99.0, None, "by hand")


def test_fetching_again_is_queued_once_and_shown(operator: Client) -> None:
    item = name()
    decide(operator, item, act="fetch")
    assert said(decide(operator, item, act="fetch"))[-1] == "It is being fetched already."
    assert OrmQ.objects.count() == 1
    assert "Fetched again" in operator.get(address(item)).content.decode()


def test_without_a_second_source_a_sentence_says_so(operator: Client, settings: Settings) -> None:
    settings.PROVIDERS = []
    page = operator.post(address(name()), {"second": "yes"})
    assert page.status_code == 200
    assert "No second source is set up" in page.content.decode()


def test_who_only_reads_decides_nothing(reader: Client, clerk: Client, stranger: Client) -> None:
    item = name()
    assert decide(reader, item, act="accept").status_code == 403
    assert clerk.get(address(item)).status_code == 403
    assert clerk.get(address(item).replace("change/", "bars/")).status_code == 403
    assert stranger.get(address(item)).status_code == 302
    assert Candle.objects.filter(suspect=True).exists()


@pytest.mark.parametrize(
    "item",
    [
        *["bar:AAPL:1d:0", "bar:AAPL:2d:0", "bar:AAPL", "bar:A:1d:" + "9" * 30],
        *["gap:0", "gap:x", "x:1", "gap:" + "9" * 30],
    ],
)
def test_what_does_not_exist_is_not_found(operator: Client, item: str) -> None:
    assert operator.get(address(item)).status_code == 404


def several(client: Client, act: str, items: list[str], why: str = "a known hole", **seen: str) -> Any:
    chosen = {"action": act, "_selected_action": items}
    page = client.post(LIST, chosen).content.decode()
    versions = [seen.get(item.partition(":")[0], Item.load(item).version) for item in items]
    assert all(version in page for version in versions if version != "old")
    return client.post(LIST, chosen | {"seen": versions, "why": why})


def test_several_are_decided_about_and_what_cannot_be_done_is_named(operator: Client) -> None:
    items = [name(kind) for kind in ("suspect", "gap", "refused", "disagreement", "move")]
    answer = several(operator, "accept", items)
    done, refused = said(answer)
    assert done.endswith("4 of 5 done.")
    assert refused == f"Not done: {items[-1].replace(':', ' ')}: That is not done with a unexplained move."
    assert LogEntry.objects.count() == 4
    assert list(ReviewItem.objects.values_list("kind", flat=True)) == ["move"]


def test_of_several_what_has_changed_meanwhile_is_left_alone(operator: Client) -> None:
    answer = several(operator, "accept", [name("suspect"), name("gap")], bar="old")
    assert said(answer)[0].endswith("1 of 2 done.")
    assert Candle.objects.filter(suspect=True).exists()


def test_of_several_one_that_cannot_be_stored_keeps_no_other(operator: Client) -> None:
    with refuse_rows(Gap._meta.db_table, "NEW.reviewed_at IS NOT NULL"):
        done, refused = said(several(operator, "accept", [name("gap"), name("suspect")]))
    assert done.endswith("1 of 2 done.")
    assert "It could not be done (IntegrityError: this one is poisoned)." in refused
    assert not Candle.objects.filter(suspect=True).exists()


def test_several_moves_are_answered(operator: Client) -> None:
    make.move(day="2024-07-01")
    moves = list(ReviewItem.objects.filter(kind="move").values_list("id", flat=True))
    several(operator, "real", moves, "a crash")
    assert set(UnexplainedMove.objects.values_list("answer", "why")) == {("real", "a crash")}


def test_several_without_a_reason_are_left_alone(operator: Client) -> None:
    assert said(several(operator, "drop", [name()], " ")) == ["Say why, in at most 500 characters."]
    assert Candle.objects.filter(suspect=True).exists()


def test_who_only_reads_has_no_decisions_about_several(reader: Client) -> None:
    reader.post(LIST, {"action": "accept", "_selected_action": [name()], "seen": ["x"], "why": "because"})
    assert Candle.objects.filter(suspect=True).exists()
    assert not BarVerdict.objects.exists()


@pytest.mark.parametrize("model", ["barverdict", "refetch", "refusedrow"])
def test_the_record_is_only_read(operator: Client, clerk: Client, model: str) -> None:
    decide(operator, name(), act="fetch")
    decide(operator, name(), act="accept")
    page = operator.get(f"/admin/market/{model}/")
    assert page.status_code == 200
    assert operator.post(f"/admin/market/{model}/").status_code == 403
    assert clerk.get(f"/admin/market/{model}/").status_code == 403
