"""Which jumps are believed: real days and bad prints, as published or of their kind, after ordinary days.

Volumes are in typical ones. Each wrong rule of thumb fails here: "a high volume is real", "a bar that comes
back is a bad print", "what the next bar trades is real".
"""

import numpy as np
import pytest

from market.prices import Bars
from market.quality import CONTEXT_BARS, suspects

Row = tuple[float, float, float, float, float]  # open, high, low, close, volume
TYPICAL = 1_000_000
DAY, MINUTE = np.timedelta64(24, "h"), np.timedelta64(1, "m")


def history(before: float, *rows: Row, days: int = 25, step: np.timedelta64 = DAY) -> Bars:
    """Return ordinary bars that end at a price, and then these; all without volume when these are."""
    usual = 1.0 if rows[0][-1] else 0.0
    ordinary = [(before * 1.001, before * 1.006, before * 0.994, before, usual)] * days
    open_, high, low, close, volume = np.array([*ordinary, *rows]).T
    stamps = np.datetime64("2001-01-01", "us") + np.arange(len(open_)) * step
    return Bars.of(stamps, open_, high, low, close, (volume * TYPICAL).astype(np.int64))


def doubted(before: float, *rows: Row, step: np.timedelta64 = DAY) -> list[int]:
    """Return which of these rows stay suspect after ordinary ones: 0 is the first of them."""
    return (np.flatnonzero(suspects(history(before, *rows, step=step))) - 25).tolist()


GAMESTOP: list[Row] = [
    (41.55, 45.52, 36.64, 39.36, 46), (37.37, 41.19, 35.97, 39.12, 19), (39.23, 44.75, 37.0, 43.03, 33),
    (42.59, 76.76, 42.32, 65.01, 115), (96.73, 159.18, 61.13, 76.79, 103), (88.56, 150.0, 80.2, 147.98, 102),
    (354.83, 380.0, 249.0, 347.51, 52), (265.0, 483.0, 112.25, 193.6, 32), (379.71, 413.98, 250.0, 325.0, 27),
    (316.56, 322.0, 212.0, 225.0, 19), (140.76, 158.0, 74.22, 90.0, 49), (112.01, 113.4, 85.25, 92.41, 27),
    (91.19, 91.5, 53.33, 53.5, 39), (54.04, 95.0, 51.09, 63.77, 51), (72.41, 72.66, 58.02, 60.0, 16),
    (56.61, 57.0, 46.52, 50.31, 17), (50.77, 62.83, 46.55, 51.2, 23), (50.01, 55.32, 48.22, 51.1, 8),
]  # fmt: skip
AIG_2008: list[Row] = [
    (7.1, 7.67, 3.57, 5.09, 16.0), (1.75, 5.12, 1.25, 3.94, 25.0), (2.7, 2.75, 1.99, 2.05, 11.0),
    (2.4, 2.59, 2.1, 2.39, 9.0),
]  # fmt: skip

REAL: dict[str, tuple[float, list[Row]]] = {
    "GME 2021-01-19 to 02-11": (33.72, GAMESTOP),
    "AIG 2008-09-15 to 09-18": (12.16, AIG_2008),
    "AIG 2009-08-05": (13.52, [(13.7, 23.0, 13.5, 22.0, 12.6), (26.88, 29.37, 21.31, 22.53, 14.0)]),
    "AAPL 2010-05-06": (255.97, [(254, 258.23, 199.25, 246.25, 2.2), (244, 246.55, 225.25, 235.86, 2.9)]),
    "QQQ 2015-08-24": (102.4, [(94.17, 102.53, 84.74, 98.46, 5.5), (102.11, 102.74, 98.04, 98.09, 3.0)]),
    "WMI 1999-07-07": (53.56, [(37, 45.88, 31.06, 33.88, 46.5), (34.25, 34.94, 33.13, 33.88, 19.0)]),
    "a fund of 24 August 2015 that fell by two fifths within minutes": (
        (75.0, [(71.0, 74.0, 43.8, 71.5, 7.0), (74.0, 75.0, 71.0, 71.2, 3.0)])
    ),
    "a bank that is closed after its worst day": (267.8, [(176.5, 177.8, 100.0, 106.0, 38.0)]),
    "a bankruptcy": (
        3.65,
        [(0.26, 0.42, 0.15, 0.21, 7.0), (0.28, 0.31, 0.26, 0.3, 3.0), (0.29, 0.3, 0.27, 0.28, 2.0)],
    ),
    "a note that loses 93 % overnight": (99.0, [(7.4, 8.0, 4.2, 7.35, 2.5), (7.0, 7.2, 5.8, 6.0, 4.0)]),
    "an oil company of 9 March 2020": (26.9, [(15.5, 18.0, 12.3, 12.5, 3.7), (14.0, 15.8, 12.0, 14.0, 4)]),
    "a short squeeze": (32.0, [(37.5, 72.6, 36.0, 62.6, 6.0), (52.0, 68.8, 37.7, 51.3, 5.0)]),
    "a profit warning": (40.0, [(22.0, 24.0, 19.5, 20.0, 9.0), (21.0, 22.5, 20.5, 22.0, 4.0)]),
    "a takeover bid": (20.0, [(29.0, 29.5, 28.8, 29.2, 12.0), (29.2, 29.4, 29.1, 29.3, 3.0)]),
    "a currency that loses its floor, without volumes": (
        (1.201, [(1.2, 1.201, 0.85, 0.975, 0.0), (0.976, 1.03, 0.97, 0.99, 0.0)])
    ),
}
BAD: dict[str, tuple[float, Row, Row]] = {
    "AAPL 2009-09-21": (185.02, (184.44, 185.16, 10.59, 184.02, 1.1), (185.1, 185.38, 182.85, 184.48, 0.9)),
    "AAPL 2010-08-31": (242.5, (241.88, 244.56, 25.3, 243.37, 0.9), (247.5, 251.46, 246.28, 250.33, 1.6)),
    "AAPL 2011-01-03": (322.56, (325.9, 330.26, 32.65, 329.73, 1.5), (332.5, 332.53, 328.16, 331.29, 1.0)),
    "BAC 1998-04-24": (86.19, (86.5, 86.81, 63.5, 84.63, 0.8), (82.5, 82.81, 79.5, 80.56, 1.5)),
    "BAC 2001-09-17": (57.55, (54.0, 65.6, 53.95, 54.25, 2.6), (54.35, 55.15, 53.72, 55.07, 1.6)),
    "BAC 2001-12-12": (62.31, (62.2, 62.79, 51.31, 62.73, 0.8), (62.18, 62.43, 61.45, 61.49, 1.0)),
    "IBM 2000-07-20": (103.56, (112.0, 117.81, 88.0, 117.0, 3.6), (117.0, 117.0, 113.75, 114.56, 2.0)),
    "IBM 2002-12-23": (79.82, (159.58, 159.58, 79.44, 80.46, 0.8), (80.2, 81.0, 79.74, 79.96, 0.8)),
    "SPY 2000-12-18": (131.45, (111.0, 133.47, 111.0, 132.38, 1.1), (132.47, 134.97, 130.5, 130.56, 1.2)),
    "AIG 2009-05-05": (1.5, (1.63, 20.98, 1.56, 1.72, 3.2), (1.76, 1.94, 1.75, 1.86, 3.0)),
    "GOOG 2008-09-30": (390, (395.98, 489.36, 0.01, 294.57, 1.8), (411.15, 416.97, 403.11, 412.25, 1.5)),
    "IWM 2008-09-19": (71.85, (79.11, 156.51, 73.95, 75.04, 1.1), (75.27, 75.36, 71.79, 71.93, 1.0)),
    "WM 2003-12-09": (43.85, (41.0, 48.14, 39.93, 40.0, 4.9), (39.8, 39.98, 36.5, 38.51, 5.0)),
    "a bid of a cent": (100.0, (100.0, 101.0, 0.01, 100.4, 1.0), (100.4, 101.0, 100.0, 100.8, 1.0)),
    "a bid of a cent in a flash crash": (41.0, (41, 41.2, 0.01, 40.0, 6.0), (40.2, 40.8, 39.5, 40.1, 3.0)),
    "a tick of ten times": (100.0, (100.0, 1004.0, 99.5, 100.2, 1.2), (100.2, 101.0, 99.8, 100.1, 1.0)),
    "a tick of ten times on a busy day": (100, (100, 1050, 99, 105, 6), (105, 106, 104, 105, 3)),
    "a decimal slip of a whole bar": (100.0, (10.0, 10.1, 9.9, 10.0, 1.0), (100.0, 101.0, 99.5, 100.2, 1.0)),
    "a decimal slip of a whole busy bar": (100, (10, 10.1, 9.9, 10, 9), (100, 101, 99.5, 100.2, 1)),
    "a bad close": (100.0, (100.0, 100.5, 70.0, 70.0, 1.0), (100.1, 100.9, 99.8, 100.3, 1.0)),
    "another symbol's bar": (100.0, (47.0, 47.5, 46.8, 47.2, 0.2), (100.0, 100.5, 99.5, 100.0, 1.0)),
    "a lonely low, without volumes": (1.2, (1.2, 1.201, 0.85, 1.199, 0.0), (1.199, 1.203, 1.195, 1.2, 0.0)),
}


@pytest.mark.parametrize("name", REAL)
def test_real_days_are_believed(name: str) -> None:
    before, rows = REAL[name]
    assert doubted(before, *rows) == []


@pytest.mark.parametrize("name", BAD)
def test_bad_prints_stay_suspect(name: str) -> None:
    before, *rows = BAD[name]
    assert doubted(before, *rows) == [0]


def test_two_bad_lows_in_a_row_do_not_support_each_other() -> None:
    """WM, 13 and 14 February 2001."""
    first, second = (52.4, 52.51, 41.47, 51.38, 0.9), (51.7, 51.7, 44.7, 51.03, 1.0)
    assert doubted(52.45, first, second) == [0]


def test_a_real_crash_of_a_high_volume_is_believed_at_once() -> None:
    assert doubted(33.72, *GAMESTOP[:4]) == []
    assert doubted(12.16, AIG_2008[0]) == []


def test_without_such_a_volume_a_crash_waits_for_the_next_bar() -> None:
    _, (fall, following) = REAL["AAPL 2010-05-06"]
    assert doubted(255.97, fall) == [0]
    assert doubted(255.97, fall, following) == []


def test_a_volume_that_is_not_known_supports_nothing() -> None:
    bars = history(100.0, (60.0, 61.0, 55.0, 58.0, 30.0))
    bars.volume[-1] = np.nan
    assert suspects(bars)[-1]
    bars.volume[-1], bars.volume[:-1] = 30 * TYPICAL, np.nan
    assert suspects(bars)[-1]


def test_a_market_that_swings_is_believed_from_the_third_suspect_on_even_without_volumes() -> None:
    assert doubted(33.72, *((*row[:4], 0.0) for row in GAMESTOP)) == []


def test_wrong_prices_that_alternate_are_no_market_that_swings() -> None:
    slips = [(price, price, price, price, 1.0) for price in (1000.0, 10.0, 1000.0, 10.0)]
    assert doubted(100.0, *slips, (100.0, 100.5, 99.5, 100.0, 1.0)) == [0, 1, 2, 3]


def test_the_volume_of_a_minute_supports_nothing() -> None:
    """It has the shape of the day: the first regular minute is many times the one before."""
    _, (crash, following) = REAL["QQQ 2015-08-24"]
    assert doubted(102.4, crash, following) == []
    assert doubted(102.4, crash, following, step=MINUTE) == [0]


def test_the_context_is_enough_to_judge_a_wild_market() -> None:
    wild = history(33.72, *GAMESTOP, days=60)
    for row in range(CONTEXT_BARS, len(wild) - 1):
        assert suspects(wild[row - CONTEXT_BARS : row + 2])[-2] == suspects(wild[: row + 2])[-2]
