"""The admin in Chromium: the chart draws, and no page breaks the content security policy."""

import re
import time
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from market.models import Candle, Gap, Instrument
from signals.models import Signal
from tests import make
from tests.browser.conftest import Visit, Visitor

pytestmark = [pytest.mark.slow, pytest.mark.long]


CHART = "/instruments/AAPL/?timeframe=15m"
PAGES = [
    *["/admin/", "/admin/market/instrument/", "/admin/market/instrument/AAPL/change/"],
    *["/admin/market/instrument/AAPL/load/", "/admin/market/ingestionrun/", "/api/docs/"],
    *["/admin/market/tradingsession/add/", "/admin/knox/authtoken/add/", "/admin/login/"],
]

# The colours of all pixels of the chart, and those that its legend names.
PAINTED = """() => {
    const found = new Set();
    for (const canvas of document.querySelectorAll(".chart canvas")) {
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        for (let i = 0; i < data.length; i += 4) {
            found.add(`rgb(${data[i]}, ${data[i + 1]}, ${data[i + 2]})`);
        }
    }
    return [...found];
}"""
NAMED = """() => Object.fromEntries([...document.querySelectorAll("[data-colour]")].map(
    (key) => [key.dataset.colour, getComputedStyle(key).color]))"""

# Where the first shaded column of an outage stands.
FIRST_SHADED = """() => {
    const canvas = document.querySelector(".chart canvas");
    const colour = getComputedStyle(document.querySelector("[data-colour=outage]")).color;
    const {data} = canvas.getContext("2d").getImageData(0, 100, canvas.width, 1);
    for (let x = 0; x < canvas.width; x++) {
        if (`rgb(${data[4 * x]}, ${data[4 * x + 1]}, ${data[4 * x + 2]})` === colour) return x + 2;
    }
}"""
# Of the height between the highest and the lowest of bars and levels, the share without any of them.
EMPTY_BETWEEN = """() => {
    const canvas = document.querySelector(".chart canvas");
    const wanted = ["stop", "target"].map(
        (name) => getComputedStyle(document.querySelector(`[data-colour=${name}]`)).color);
    const rows = [];
    for (let y = 0; y < canvas.height; y++) {
        const {data} = canvas.getContext("2d").getImageData(0, y, canvas.width, 1);
        for (let i = 0; i < data.length; i += 4) {
            if (wanted.includes(`rgb(${data[i]}, ${data[i + 1]}, ${data[i + 2]})`)) { rows.push(y); break; }
        }
    }
    return 1 - rows.length / (rows.at(-1) - rows[0]);
}"""
# Whether the colours of all these names of the legend are among the pixels.
IS_PAINTED = f"""(names) => {{
    const named = ({NAMED})(), painted = new Set(({PAINTED})());
    return names.every((name) => painted.has(named[name]));
}}"""
PICTURE = """() => document.querySelector(".chart canvas").toDataURL()"""
# A function: the page's policy forbids to read a text again when it does not fit at once.
FITS = "() => document.documentElement.scrollWidth <= window.innerWidth"
NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# A page scrolls on for a while when the finger is lifted.
AT_REST = """() => new Promise((done) => {
    let last = scrollY, frames = 0;
    const look = () => {
        frames = scrollY === last ? frames + 1 : 0;
        last = scrollY;
        frames < 20 ? requestAnimationFrame(look) : done();
    };
    look();
})"""


@pytest.fixture(autouse=True)
def quarters(live_server: object) -> None:
    """1,200 quarters of an hour, one of the newest suspect, two of them lost to an outage of ours."""
    make.only("AAPL", calendar="24/7")
    make.round_the_clock()
    make.quote("AAPL", 101.0)
    stamps = [make.T0 - timedelta(minutes=15 * back) for back in range(1_200)]
    lost = stamps[10:12]
    Candle.objects.bulk_create(
        Candle(
            symbol="AAPL",
            timeframe="15m",
            opened_at=at,
            open=100,
            high=104,
            low=98,
            close=102 - at.hour % 2 * 3,
            volume=1_000,
            provider="alpaca",
            feed="live",
            session="regular",
            is_final=True,
            suspect=at == stamps[5],
        )
        for at in stamps
        if at not in lost
    )
    Gap.objects.create(
        symbol="AAPL",
        timeframe="15m",
        first_at=lost[1],
        last_at=lost[0],
        bars=2,
        reason="outage",
        found_at=make.T0,
    )


def swipe(page: Page, start: tuple[float, float], by: tuple[float, float]) -> None:
    """A finger that is put down, moved and lifted."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [_point(start, by, 0)]})
    for share in (0.2, 0.4, 0.6, 0.8, 1):
        devtools.send(
            "Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [_point(start, by, share)]}
        )
        page.wait_for_timeout(30)
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.evaluate(AT_REST)


def on(chart: Locator) -> tuple[float, float]:
    """Where a finger stands on the chart, which is somewhere else after each scrolling."""
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    return box["x"] + 150, box["y"] + 200


def _point(start: tuple[float, float], by: tuple[float, float], share: float) -> dict[str, float]:
    return {"x": start[0] + share * by[0], "y": start[1] + share * by[1]}


def open_chart(page: Page) -> None:
    page.goto(CHART)
    expect(page.locator("[data-drawn]")).to_be_visible()
    page.evaluate(NEXT_FRAME)


@pytest.mark.parametrize("dark", [False, True])
def test_the_chart_draws_bars_gaps_and_suspects_in_the_colours_of_its_legend(
    visit: Visit, dark: bool
) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page(dark=dark) as page:
            open_chart(page)
            page.wait_for_function(IS_PAINTED, arg=["up", "down", "suspect", "outage"])
            named, painted = page.evaluate(NAMED), page.evaluate(PAINTED)
            assert named["no_trade"] not in painted, "nothing of that kind is there to be drawn"

    assert visit(look).complaints == []


def test_the_newest_bar_and_a_gap_are_read_out(visit: Visit) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            open_chart(page)
            reading, chart = page.locator("[data-reading]"), page.locator(".chart")
            expect(reading).to_contain_text("2024-07-03 14:00 UTC: open 100.00, high 104.00, low 98.00")
            shaded = page.wait_for_function(FIRST_SHADED).json_value()
            chart.hover(position={"x": shaded, "y": 100})
            expect(reading).to_have_text("2024-07-03 11:15 UTC: gap. outage of ours, 2 bars of 15m missing")

    assert visit(look).complaints == []


def test_times_are_the_viewers_with_the_exchanges_beside(visit: Visit) -> None:
    Instrument.objects.filter(symbol="AAPL").update(calendar="XNYS")

    def look(visitor: Visitor) -> None:
        with visitor.page(zone="Europe/Berlin") as page:
            page.goto("/")  # its script says where the viewer is
            open_chart(page)
            expect(page.locator("[data-reading]")).to_contain_text(
                "2024-07-03 16:00 CEST, Wed 10:00 New York: open 100.00"
            )
            expect(page.locator("table.bars tbody th").first).to_contain_text("2024-07-03 16:00")

    assert visit(look).complaints == []


def test_earlier_bars_come_when_one_scrolls_back(visit: Visit) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            open_chart(page)
            expect(page.locator("[data-drawn]")).to_have_attribute("data-drawn", "1000")
            page.locator(".chart").hover()
            for _ in range(12):
                page.mouse.wheel(-1_500, 0)
            expect(page.locator("[data-drawn]")).to_have_attribute("data-drawn", "1198")

    assert visit(look).complaints == []


@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_fits_its_screen_and_breaks_no_policy(visit: Visit, width: int) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page(width=width) as page:
            for address in PAGES:
                page.goto(address)
                expect(page.get_by_text("no price here is real"), address).to_be_visible()
                page.wait_for_function(FITS)

    assert visit(look).complaints == []


def test_no_bar_arrives_and_the_page_says_what_to_do(visit: Visit) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.route("**/bars/**", lambda route: route.fulfill(status=503))
            page.goto(CHART)
            expect(page.locator("[data-reading]")).to_contain_text("The bars could not be loaded.")
            expect(page.locator("table.bars").last).to_contain_text("2024-07-03 14:00")

    assert "503" in visit(look).complaints[0]


@pytest.fixture
def signal(quarters: None) -> Signal:
    spoke = make.T0 - timedelta(minutes=15 * 40)
    return make.signal(
        "AAPL", timeframe="15m", bar_opened_at=spoke, entry_price=101, stop_loss=98.5, take_profit=103.5
    )


def test_the_chart_of_a_signal_takes_the_place_of_its_drawing(visit: Visit, signal: Signal) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.goto(f"/signals/{signal.pk}/")
            expect(page.locator("[data-milliseconds]")).to_be_visible()
            expect(page.locator(".chart svg.thumbnail")).to_have_count(0)
            names = ["up", "down", "spoke", "entry", "one", "two", "three"]
            page.wait_for_function(IS_PAINTED, arg=names)
            expect(page.locator("[data-legend]")).to_contain_text("MACD 12, 26")
            page.emulate_media(color_scheme="dark")
            page.wait_for_function(IS_PAINTED, arg=["entry", "two"])

    assert visit(look).complaints == []


def test_nothing_moves_when_the_chart_comes(visit: Visit, signal: Signal) -> None:
    def later(route: Route) -> None:
        time.sleep(0.5)
        route.continue_()

    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.route("**/bars/**", later)
            page.goto(f"/signals/{signal.pk}/", wait_until="domcontentloaded")
            expect(page.locator(".chart svg.thumbnail")).to_be_visible()
            before = page.locator(".chart").bounding_box()
            expect(page.locator("[data-milliseconds]")).to_be_visible()
            assert page.locator(".chart").bounding_box() == before

    assert visit(look).complaints == []


def test_levels_far_from_the_bars_are_in_the_picture(visit: Visit, signal: Signal) -> None:
    Signal.objects.update(stop_loss=60, take_profit=150)

    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.goto(f"/signals/{signal.pk}/")
            expect(page.locator("[data-milliseconds]")).to_be_visible()
            page.wait_for_function(f"() => ({EMPTY_BETWEEN})() > 0.5")  # the lines stand apart from the bars

    assert visit(look).complaints == []


def test_the_drawn_chart_still_has_a_name_and_a_description(visit: Visit, signal: Signal) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.goto(f"/signals/{signal.pk}/")
            expect(page.locator("[data-milliseconds]")).to_be_visible()
            chart = page.get_by_role("img", name="AAPL 15m around the bar that spoke")
            expect(chart).to_have_accessible_description(re.compile("BUY at 101.00, stop 98.50"))
            open_chart(page)
            chart = page.get_by_role("img", name="Candlestick chart of AAPL")
            expect(chart).to_have_accessible_description(re.compile("the last close 102.00"))

    assert visit(look).complaints == []


def test_a_finger_scrolls_the_page_and_moves_the_chart_sideways(visit: Visit) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page(width=390, touch=True) as page:
            open_chart(page)
            chart = page.locator(".chart")
            before = page.evaluate("scrollY")
            swipe(page, on(chart), (0, -150))
            page.wait_for_function("(before) => scrollY > before + 50", arg=before)
            finger = on(chart)
            scrolled, drawn = page.evaluate("scrollY"), page.evaluate(PICTURE)
            swipe(page, finger, (120, 0))
            page.wait_for_function(f"(drawn) => ({PICTURE})() !== drawn", arg=drawn)
            assert page.evaluate("scrollY") == scrolled

    assert visit(look).complaints == []


def test_where_no_bars_are_stored_it_says_so_and_nothing_of_a_failure(visit: Visit, signal: Signal) -> None:
    Candle.objects.all().delete()

    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.goto(f"/signals/{signal.pk}/")
            expect(page.locator("[data-notes]")).to_be_visible()
            expect(page.locator("[data-notes]")).to_have_text(
                "No 15m bars of AAPL are stored. The worker fetches them with its next cycles."
            )
            expect(page.locator("[data-reading]")).to_have_text("")

    assert visit(look).complaints == []


def test_when_no_bars_come_the_drawing_of_the_signal_stays(visit: Visit, signal: Signal) -> None:
    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.route("**/bars/**", lambda route: route.fulfill(status=503))
            page.goto(f"/signals/{signal.pk}/")
            expect(page.locator("[data-reading]")).to_contain_text("The bars could not be loaded.")
            expect(page.locator(".chart svg.thumbnail")).to_be_visible()

    assert "503" in visit(look).complaints[0]
