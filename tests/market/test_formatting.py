import pytest

from core.formatting import NOTHING, plain
from market import formatting


@pytest.mark.parametrize(
    ("shares", "shown"),
    [
        *[(None, NOTHING), (0, "0"), (7.0, "7"), (12_500, "12,500"), (1_234_567.4, "1,234,567")],
        *[(0.5, "0.5"), (12.345678, "12.35"), (0.00031, "0.00031"), (0.1 + 0.2, "0.3"), (999.96, "1,000")],
    ],
)
def test_a_volume_has_the_decimals_that_four_digits_need(shares: float | None, shown: str) -> None:
    assert formatting.volume(shares) == shown


@pytest.mark.parametrize(
    ("value", "text"), [(None, "None"), (1_200.0, "1200"), (0.5, "0.5"), (2.0**60, "1152921504606846976")]
)
def test_a_whole_number_is_written_as_one(value: float | None, text: str) -> None:
    assert str(plain(value)) == text
