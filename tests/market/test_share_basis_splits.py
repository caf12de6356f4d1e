"""Overnight moves that look like a share split."""

import numpy as np
import pytest

from market.share_basis import split_like


@pytest.mark.parametrize(
    ("close", "opened", "factor"),
    [
        (645.57, 92.69, 7),
        (499.23, 127.67, 4),
        (88.99, 44.68, 2),
        (48.0, 32.4, 1.5),
        (1.0, 10.1, 1 / 10),
        (53.5, 28.12, 0),  # a real crash
        (100.0, 100.5, 0),
        (100.0, 75.0, 0),
    ],
)
def test_a_move_near_a_plain_ratio_is_taken_for_a_split(close: float, opened: float, factor: float) -> None:
    assert split_like(np.array([close]), np.array([opened])).tolist() == [factor]


def test_nothing_is_like_nothing() -> None:
    assert len(split_like(np.empty(0), np.empty(0))) == 0
