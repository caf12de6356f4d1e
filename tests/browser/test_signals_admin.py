"""The pages about signals in Chromium: pictures are drawn, forms check numbers, nothing breaks the policy."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Model
from playwright.sync_api import expect

from signals.models import Backtest, Scan, Signal, StrategyConfig, StrategyRecord
from tests import make
from tests.browser.conftest import Visit, Visitor

pytestmark = [pytest.mark.slow, pytest.mark.long]


ADMIN, RSI = "/admin/signals/", "rsi_momentum_v1"
KEY: dict[str, Any] = {"strategy_id": RSI, "timeframe": "1d"}
TO_ENTER = [
    f"{ADMIN}strategyconfig/add/",
    f"{ADMIN}strategyconfig/add/?strategy_id={RSI}&timeframe=1h",
    f"{ADMIN}backtest/add/",
]
# A function: the page's policy forbids to read a text again when it does not fit at once.
FITS = "() => document.documentElement.scrollWidth <= window.innerWidth"
# Where the levels and the edges of the picture are painted, in pixels, and in which colours.
PAINTED = """() => {
    const picture = document.querySelector("svg.thumbnail");
    const colour = (name) => getComputedStyle(picture.querySelector(`line.${name}`)).stroke;
    const box = (one) => one.getBoundingClientRect().toJSON();
    return {
        picture: box(picture),
        words: [...picture.querySelectorAll("text")].filter((one) => one.textContent).map(box),
        levels: Object.fromEntries(["target", "entry", "stop"].map((name) => [name, colour(name)])),
        ground: getComputedStyle(document.body).backgroundColor,
    };
}"""


@pytest.fixture(autouse=True)
def stored(live_server: object) -> None:
    """One row of everything, and 80 daily closes around a signal that still waits."""
    make.only("AAPL")
    for back in range(-19, 61):
        make.candle("AAPL", f"{make.T0 - timedelta(days=back + 1):%Y-%m-%d}", 180 + back % 7)
    make.signal(expires_at=make.T0 + timedelta(days=3650))
    make.sell(expires_at=make.T0 + timedelta(days=3650))
    StrategyConfig.objects.update_or_create(**KEY)
    counts = {"cases": 212, "targets": 100, "stops": 80, "bars": 9_000, "computed_at": make.T0}
    StrategyRecord.objects.create(**KEY | counts)
    Scan.objects.create(started_at=make.T0, counts=[KEY | {"reasons": {"warming_up": "AAPL needs 200 bars"}}])
    setup = {"symbols": ["AAPL"], "minimum_confidence": "0.6", "cost_bps": 2, "queued_at": make.T0}
    rules = {"lifetime_bars": 1, "longest_holding_bars": 40, "flat_at_close": False}
    done = {"status": "completed", "finished_at": make.T0}
    result = {"text": "trades " * 60, "warnings": [], "rows": []}
    Backtest.objects.create(**KEY | setup | rules | done, result=result)


def pages() -> list[str]:
    """Every list, and the page of a row of each."""
    rows: list[Model] = [
        *[Scan.objects.get(), Backtest.objects.get(), StrategyRecord.objects.get()],
        *[Signal.objects.get(signal_type="BUY"), StrategyConfig.objects.get(**KEY)],
    ]
    lists = [f"{ADMIN}{row._meta.model_name}/" for row in rows]
    return [*lists, *(f"{ADMIN}{row._meta.model_name}/{row.pk}/change/" for row in rows), *TO_ENTER]


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])
def test_every_page_fits_its_screen_and_breaks_no_policy(visit: Visit, width: int, dark: bool) -> None:
    addresses = pages()

    def look(visitor: Visitor) -> None:
        with visitor.page(width=width, dark=dark) as page:
            for address in addresses:
                page.goto(address)
                expect(page.locator("#content h1"), address).to_be_visible()
                page.wait_for_function(FITS)

    assert visit(look).complaints == []


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])
def test_the_picture_has_its_words_inside_and_its_lines_in_colours_that_show(
    visit: Visit, width: int, dark: bool
) -> None:
    address = f"{ADMIN}signal/{Signal.objects.get(signal_type='BUY').pk}/change/"

    def look(visitor: Visitor) -> None:
        with visitor.page(width=width, dark=dark) as page:
            page.goto(address)
            painted = page.evaluate(PAINTED)
            edges = painted["picture"]
            assert edges["right"] - edges["left"] > 0.8 * min(width, 900)
            for word in painted["words"]:
                assert edges["left"] - 1 <= word["left"] <= word["right"] <= edges["right"] + 1
                assert edges["top"] - 1 <= word["top"] <= word["bottom"] <= edges["bottom"] + 1
            assert len({*painted["levels"].values(), painted["ground"]}) == 4
            expect(page.get_by_role("img", name="AAPL 1d around the bar that spoke")).to_be_visible()

    assert visit(look).complaints == []


def test_a_number_that_is_none_is_not_sent_as_the_default(visit: Visit) -> None:
    config = StrategyConfig.objects.get(**KEY)
    StrategyConfig.objects.filter(pk=config.pk).update(parameters={"rsi_period": 10})

    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.goto(f"{ADMIN}strategyconfig/{config.pk}/change/")
            page.locator("[name=parameter_rsi_period]").fill("")
            page.locator("[name=parameter_rsi_period]").press_sequentially("1e")
            page.get_by_role("button", name="Save", exact=True).click()
            assert page.evaluate("document.activeElement.name") == "parameter_rsi_period"

    assert visit(look).complaints == []
    config.refresh_from_db()
    assert config.parameters == {"rsi_period": 10}


def test_scan_now_and_a_cancellation_work_without_scripts(visit: Visit) -> None:
    buy = Signal.objects.get(signal_type="BUY")

    def look(visitor: Visitor) -> None:
        with visitor.page() as page:
            page.route("**/*.js", lambda route: route.abort())
            page.goto(f"{ADMIN}scan/")
            page.get_by_role("button", name="Scan now").click()
            expect(page.get_by_text("A scan is queued")).to_be_visible()
            page.goto(f"{ADMIN}signal/{buy.pk}/change/")
            page.get_by_role("button", name="Cancel it").click()
            expect(page.get_by_text("Cancelled: BUY AAPL macd_crossover_v1 1d.")).to_be_visible()

    visit(look)
    buy.refresh_from_db()
    assert (buy.status, Scan.objects.count()) == ("cancelled", 2)
