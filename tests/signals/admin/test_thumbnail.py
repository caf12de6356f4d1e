"""The picture of a signal: what is on it, where, and in which words."""

import re
from datetime import date, timedelta
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from market.models import Candle, Split
from market.prices import Bars, Timeframe
from signals.charts import thumbnail
from signals.models import Signal
from tests import make

SVG = "{http://www.w3.org/2000/svg}"


def unsaved(signal_type: str = "BUY", **values: object) -> Signal:
    """A signal at T0 on bars of 15 minutes, between 90 and 120 whichever side it is on."""
    levels = ("90", "120") if signal_type == "BUY" else ("120", "90")
    stop, target = map(Decimal, levels)
    given = {"symbol": "AAPL", "timeframe": "15m", "bar_opened_at": make.T0, "signal_type": signal_type}
    prices = {"entry_price": Decimal("100.5"), "stop_loss": stop, "take_profit": target}
    return Signal(**given | prices | values)


def bars(before: int, after: int = 0) -> Bars:
    """Bars of 15 minutes around T0, the one that opens then included."""
    start = make.T0 - before * Timeframe.M15.length
    return make.bars([100 + n % 2 for n in range(before + 1 + after)], start)


def drawn(signal: Signal, stored: Bars, shares: float = 1) -> ElementTree.Element:
    svg = str(thumbnail.draw(signal, stored, shares))
    return ElementTree.fromstring(svg.replace("<svg", f'<svg xmlns="{SVG[1:-1]}"', 1))


def percent(element: ElementTree.Element, name: str) -> float:
    return float(element.attrib[name].rstrip("%"))


def texts(svg: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in svg.iter(f"{SVG}text")]


def test_up_to_sixty_bars_before_and_twenty_after_are_drawn() -> None:
    assert len(drawn(unsaved(), bars(200, 100)).findall(f"{SVG}g")) == 60 + 1 + 20
    assert len(drawn(unsaved(), bars(3)).findall(f"{SVG}g")) == 3 + 1


def test_the_bar_that_spoke_is_marked_and_stands_at_the_same_place_however_many_follow() -> None:
    fresh, older = drawn(unsaved(), bars(60)), drawn(unsaved(), bars(60, 20))
    bands = [svg.find(f"{SVG}rect[@class='spoke']") for svg in (fresh, older)]
    assert len({band.attrib["x"] for band in bands if band is not None}) == 1
    candle = fresh.findall(f"{SVG}g/{SVG}line")[-1]
    assert bands[0] is not None
    assert percent(candle, "x1") == pytest.approx(
        percent(bands[0], "x") + percent(bands[0], "width") / 2, abs=0.02
    )
    assert "2024-07-03 14:00" in texts(fresh)
    assert "▲" in texts(fresh)


@pytest.mark.parametrize(("side", "upper", "lower"), [("BUY", "target", "stop"), ("SELL", "stop", "target")])
def test_entry_stop_and_target_are_lines_with_words_in_the_order_of_their_prices(
    side: str, upper: str, lower: str
) -> None:
    svg = drawn(unsaved(side), bars(60))
    lines = {line.attrib["class"]: percent(line, "y1") for line in svg.findall(f"{SVG}line")}
    assert sorted(lines, key=lambda name: lines[name]) == [upper, "entry", lower]
    assert {"entry 100.50", f"{upper} 120.00", f"{lower} 90.00"} <= set(texts(svg))


def test_everything_lies_inside_the_picture() -> None:
    svg = drawn(unsaved(), bars(60, 20))
    percents = [
        percent(element, name)
        for element in svg.iter()
        for name in ("x", "y", "x1", "x2", "y1", "y2")
        if name in element.attrib
    ]
    assert min(percents) >= 0
    assert max(percents) <= 100


def test_a_fall_is_told_from_a_rise_by_class_and_an_unchanged_bar_is_seen() -> None:
    svg = drawn(unsaved(), make.bars([100, 101, 99, 99], make.T0 - 3 * Timeframe.M15.length))
    assert [group.attrib["class"] for group in svg.findall(f"{SVG}g")] == ["rise", "rise", "fall", "rise"]
    assert min(percent(body, "height") for body in svg.findall(f"{SVG}g/{SVG}rect")) > 0


def test_it_is_described_for_those_who_do_not_see_it() -> None:
    svg = drawn(unsaved(), bars(60, 3))
    assert svg.attrib["aria-labelledby"].split() == [svg[0].attrib["id"], svg[1].attrib["id"]]
    assert svg[0].text == "AAPL 15m around the bar that spoke"
    assert svg[1].text == (
        "60 bars before the bar of 2024-07-03 14:00 and 3 after it, from 100.00 to 101.00."
        " BUY at 100.50, stop 90.00, first target 120.00."
    )


def test_a_bar_that_is_no_longer_among_the_closed_ones_is_said_to_be_missing() -> None:
    stored = bars(60, 20)
    svg = drawn(unsaved(), stored[stored.opened_at != stored.opened_at[60]])
    assert "The bar that spoke is no longer among the closed ones." in (svg[1].text or "")
    assert "▲" not in texts(svg)
    assert len(svg.findall(f"{SVG}g")) == 60 + 20


def test_after_a_split_the_levels_are_drawn_on_the_bars_shares_with_the_words_of_then() -> None:
    before = drawn(unsaved(), bars(60))
    names = ("entry_price", "stop_loss", "take_profit")
    prices = {name: 4 * getattr(unsaved(), name) for name in names}
    after = drawn(unsaved(**prices), bars(60), 4)
    assert [line.attrib for line in after.iter(f"{SVG}line")] == [
        line.attrib for line in before.iter(f"{SVG}line")
    ]
    assert "entry 402.00" in texts(after)


@pytest.mark.django_db
def test_only_splits_that_came_after_the_signal_count() -> None:
    signal = make.signal()
    for day, recorded_at in ((2, make.T0), (8, signal.created_at - timedelta(days=1)), (5, make.T0)):
        key = {"symbol": "AAPL", "date": date(2024, 7, day), "recorded_at": recorded_at}
        Split.objects.create(**key, ratio=4, source="alpaca")
    assert thumbnail.shares(signal) == 4
    assert thumbnail.shares(make.signal("MSFT")) == 1


def test_without_any_bar_it_says_so() -> None:
    assert thumbnail.draw(unsaved(), Bars.empty()) == "No closed bars are stored around it."


@pytest.mark.django_db
def test_closed_bars_are_read_once_over_nights_and_holidays(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make.only("AAPL")
    start = make.T0 - timedelta(days=7)
    make.history("AAPL", [100 + n % 3 for n in range(2_000)], until=start + 2_000 * Timeframe.M15.length)
    Candle.objects.filter(opened_at=make.T0 - Timeframe.M15.length).update(suspect=True)
    with django_assert_num_queries(1):
        stored = thumbnail.around(unsaved())
    svg = drawn(unsaved(), stored)
    assert len(svg.findall(f"{SVG}g")) == 60 + 1 + 20


def test_the_page_of_a_signal_shows_it(operator: Client) -> None:
    make.only("AAPL")
    make.candle("AAPL", "2024-07-02", 185.5)
    page = operator.get(f"/admin/signals/signal/{make.signal().pk}/change/").content.decode()
    assert re.search(r'<svg class="thumbnail" role="img"', page)
    assert '<a href="/instruments/AAPL/?timeframe=1d">Chart of AAPL</a>' in page
