"""Prices with dividends put back, held against a figure that was computed by hand."""

from datetime import date

import numpy as np
import pytest

from market.share_basis.total_return import dividend_factor, factors


def days(*texts: str) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return np.array(texts, dtype="datetime64[D]")


@pytest.mark.parametrize(
    ("dividend", "close", "factor"),
    [(1.0, 100.0, 0.99), (0.24, 192.0, 0.99875), (0.0, 100.0, None), (100.0, 100.0, None), (5.0, 0.0, None)],
)
def test_the_factor_of_one_dividend(dividend: float, close: float, factor: float | None) -> None:
    assert dividend_factor(dividend, close) == (factor if factor is None else pytest.approx(factor))


def test_a_step_counts_for_the_days_before_it() -> None:
    steps = [(date(2024, 2, 9), 0.5), (date(2024, 5, 10), 0.8)]
    given = factors(days("2024-02-08", "2024-02-09", "2024-05-09", "2024-05-10"), steps)
    assert given.tolist() == [0.4, 0.8, 0.8, 1.0]


def test_its_change_is_what_a_holder_made_who_bought_shares_of_each_dividend() -> None:
    closes = np.array([100.0, 102.0, 101.0, 99.0, 103.0])
    ex_dates = {2: 1.02, 4: 2.97}
    stamps = days("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08")
    steps = [
        (date.fromisoformat(str(stamps[row])), dividend_factor(cash, closes[row - 1]) or 1.0)
        for row, cash in ex_dates.items()
    ]
    adjusted = closes * factors(stamps, steps)
    shares = 1.0
    for row, cash in ex_dates.items():
        shares *= closes[row - 1] / (closes[row - 1] - cash)  # bought at the close before, less the dividend
    assert adjusted[-1] / adjusted[0] == pytest.approx(shares * closes[-1] / closes[0])
