"""A vendor that does everything wrong at once, over many shares, against the whole site.

JAX_TEST_SEED=7 plays another scenario, the same each time.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest

from tests.jaxsite.processes import eventually, folder
from tests.market.everything import expected
from tests.market.everything.expected import Row
from tests.market.everything.play import (
    ABSURD,
    ALPACA,
    BOUGHT,
    BRIDGE,
    EXCLUDED,
    FALLEN,
    LOTS,
    NAIVE,
    NAMES,
    PLUNGED,
    SHIFTED,
    SILENT,
    STREAMED,
    TOKYO,
    Play,
    playing,
)

pytestmark = [pytest.mark.slow, pytest.mark.long]
HISTORY_OF_EACH = 250  # bars of trading hours, of the 300 that are asked for: Tokyo has its own holidays
Bar = tuple[str, str, datetime]  # symbol, timeframe, opening
SEED = int(os.environ.get("JAX_TEST_SEED", "15"))
WATCHED = NAMES[:40]
UNZONED = {(NAIVE, "15m"), (SHIFTED, "15m")}
CANDLES = """
SELECT symbol, timeframe, opened_at, open, high, low, close, volume, provider, session, is_final
FROM candles WHERE provider <> 'built'
"""
STRETCHES = """
SELECT symbol, timeframe, provider, count(*), min(opened_at)::text, max(opened_at)::text
FROM candles WHERE symbol = ANY(%s) GROUP BY 1, 2, 3
"""
HISTORY = "SELECT symbol, price, doubt, provider FROM quote_history WHERE provider = 'polygon'"
EXAMINE = """
from market import doctor
print(json.dumps("\\n".join(f"{each.about}: {each.text}. {each.advice}" for each in doctor.examine(at))))
"""
FILLS = "SELECT symbol, leg, price::float8 AS price FROM fills ORDER BY executed_at"


@pytest.fixture(scope="module")
def played(install: Callable[[Path], None]) -> Iterator[Play]:
    with folder() as var:
        install(var)
        with playing(var, SEED) as done:
            yield done


def test_the_newest_prices_and_their_states_are_what_was_sent(played: Play) -> None:
    played.settle()


def test_no_price_of_the_history_was_not_traded(played: Play) -> None:
    traded = {
        (message["sym"], message["p"]) for beat in played.tape.sent for message in beat if "p" in message
    }
    started = {(symbol, share.began_at) for symbol, share in played.tape.shares.items()}
    rows = [row for row in played.site.rows(HISTORY) if row["symbol"] in STREAMED]
    assert {(row["symbol"], row["price"]) for row in rows} <= traded | started
    left_out = {
        (message["sym"], message["p"])
        for beat in played.tape.sent
        for message in beat
        if message.get("c") and expected.NOT_LAST & {*message["c"]}
    }
    assert left_out & {(row["symbol"], row["price"]) for row in rows} == set()


def test_each_share_has_its_quote_from_the_source_that_has_it(played: Play) -> None:
    stored = {symbol: row["provider"] for symbol, row in played.stored().items()}
    assert {stored[symbol] for symbol in (*STREAMED, SILENT)} == {"polygon"}
    assert {stored[symbol] for symbol in (*ALPACA, *ABSURD)} == {"alpaca"}  # absurd: at the first one
    assert {stored[symbol] for symbol in (*BRIDGE, *TOKYO)} == {"ib_bridge"}


def test_a_bridge_whose_mode_changed_meanwhile_counts_as_delayed(played: Play) -> None:
    feeds = played.site.rows("SELECT DISTINCT feed FROM quote_history WHERE provider = 'ib_bridge'")
    assert [row["feed"] for row in feeds] == ["delayed"]
    assert played.vendor.bridge.visits_to("/connect")


def test_every_bar_that_was_sent_is_stored_as_it_was_sent_and_no_other(played: Play) -> None:
    with suppress(AssertionError):  # what is lost says more
        eventually(lambda: not lost(played), 120)
    assert lost(played) == set(), story_of_bars(played)
    sent, stored = versions(played), stored_bars(played)
    counts = Counter(key[:2] for key, row in stored.items() if row["session"] == "regular")
    assert min(counts.values()) >= HISTORY_OF_EACH
    for key, row in stored.items():
        values = tuple(row[name] for name in ("open", "high", "low", "close", "volume"))
        given = sent[row["provider"], *key]
        assert values in (given[-1:] if row["is_final"] else given), (key, row, given)


def versions(played: Play) -> dict[tuple[str, str, str, datetime], list[tuple[float, ...]]]:
    """Return the prices of each bar in the order of sending: an unfinished one is sent again and again."""
    sent = defaultdict(list)
    for row in expected.bars(played.vendor.said):
        sent[row[:4]].append(row.prices)
    return sent


def stored_bars(played: Play) -> dict[Bar, dict[str, Any]]:
    rows = played.site.rows(CANDLES)
    return {(row["symbol"], row["timeframe"], row["opened_at"]): row for row in rows}


def newest_sent(played: Play) -> dict[tuple[str, str, str, datetime], Row]:
    return {row[:4]: row for row in expected.bars(played.vendor.said)}


def lost(played: Play) -> set[Bar]:
    """Return the bars that were sent for a share by the first source that has it, and are not stored.

    From the first stored one on: a share that is asked about only to find out whether a source is well, and a
    bridge that cannot be asked for a beginning, come with more than the history that is wanted.
    """
    first = dict.fromkeys((*STREAMED, SILENT, *ABSURD), "polygon")
    first |= dict.fromkeys(ALPACA, "alpaca") | dict.fromkeys((*BRIDGE, *TOKYO), "ib_bridge")
    stored = stored_bars(played).keys()
    begins = {key[:2]: key[2] for key in sorted(stored, key=lambda key: key[2], reverse=True)}
    return {
        (symbol, timeframe, at)
        for provider, symbol, timeframe, at in newest_sent(played)
        if first[symbol] == provider
        and (symbol, timeframe) not in UNZONED
        and at >= begins[symbol, timeframe]
    } - stored


def story_of_bars(played: Play) -> str:
    """Return what was asked about shares of which bars are lost, and what is stored of them."""
    symbols = {symbol for symbol, _, _ in lost(played)}
    asked = [f"{said.provider} {said.path} {said.query}" for said in played.vendor.said]
    stored = played.site.rows(STRETCHES, [*symbols])
    return "\n".join(
        [*(line for line in asked if any(symbol in line for symbol in symbols)), *map(str, stored)]
    )


def test_bars_of_another_zone_and_without_one_are_refused(played: Play) -> None:
    stored = {(row["symbol"], row["timeframe"]) for row in stored_bars(played).values()}
    wanted = {(symbol, timeframe) for symbol in WATCHED for timeframe in ("15m", "1d")}
    assert wanted - stored == UNZONED


def test_what_is_sent_of_lunch_is_no_bar_of_trading_hours(played: Play) -> None:
    bars = [
        row for row in stored_bars(played).values() if row["symbol"] in TOKYO and row["timeframe"] == "15m"
    ]
    lunch = {row["session"] for row in bars if time(2, 30) <= row["opened_at"].time() < time(3, 30)}
    assert lunch == {"extended"}
    assert {row["session"] for row in bars if row["opened_at"].time() < time(2, 30)} == {"regular"}
    assert played.site.rows("SELECT 1 FROM gaps WHERE symbol = ANY(%s)", [*TOKYO]) == []


def test_no_stop_is_filled_on_a_doubted_price_and_one_is_on_a_real_fall(played: Play) -> None:
    eventually(lambda: [fill for fill in played.site.rows(FILLS) if fill["leg"] == "stop"], 120)
    fills = played.site.rows(FILLS)
    assert {fill["symbol"] for fill in fills if fill["leg"] == "entry"} == {*BOUGHT}
    assert {fill["symbol"] for fill in fills if fill["leg"] != "entry"} == {FALLEN}
    assert {EXCLUDED, PLUNGED}.isdisjoint(fill["symbol"] for fill in fills if fill["leg"] == "stop")


def test_nothing_is_approved_on_a_doubtful_or_halted_price(played: Play) -> None:
    assert played.refused
    assert all("doubtful" in why or "halted" in why for why in played.refused)


def test_signals_are_raised_from_bars_that_were_sent(played: Play) -> None:
    rows = played.site.rows(
        "SELECT symbol, timeframe, bar_opened_at, entry_price::float8 AS entry FROM strategy_signals"
        " WHERE strategy_id <> 'played_v1'"
    )
    closes = {key[1:]: row.prices[3] for key, row in newest_sent(played).items()}
    for row in rows:
        close = closes[row["symbol"], row["timeframe"], row["bar_opened_at"]]
        assert row["entry"] == pytest.approx(close, rel=0.001)


def test_the_cross_check_tells_what_is_counted_in_lots(played: Play) -> None:
    played.site.do("market.tasks.cross_check", cluster="slow")
    rows = played.site.rows("SELECT DISTINCT symbol FROM provider_disagreements WHERE note LIKE '%%lots%%'")
    assert {row["symbol"] for row in rows} == {*LOTS}


def test_absurd_rows_wait_for_a_person_and_the_pages_say_so(played: Play) -> None:
    reasons = {
        (row["symbol"], row["reason"])
        for row in played.site.rows("SELECT DISTINCT symbol, reason FROM refused_rows")
    }
    assert (ABSURD[0], "time_before_2000") in reasons
    assert {reason for symbol, reason in reasons if symbol in ABSURD[1:]} <= {
        "time_in_wrong_unit",
        "time_before_2000",
        "time_in_future",
    }
    review = played.site.page("/admin/market/reviewitem/?kind=refused")
    assert all(symbol in review for symbol in ABSURD)


def test_status_and_the_doctor_say_what_is_out_of_the_ordinary(played: Play) -> None:
    states = played.states()
    doubtful = sorted(symbol for symbol, state in states.items() if state.doubtful is not None)
    doctor = played.site.shell(EXAMINE)
    for state in (f"doubtful: {', '.join(doubtful[:5])}" if doubtful else "", "stream", "lots of 100 shares"):
        assert state in doctor
    assert "streams" in played.site.page("/status/")
