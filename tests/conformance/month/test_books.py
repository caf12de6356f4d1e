"""The second books themselves, against sums done by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal

from tests.conformance.month.books import Deal, Ratio, keep


def deal(day: int, quantity: int, price: str, commission: str = "0", *, is_ours: bool = True) -> Deal:
    at = datetime(2024, 7, day, 15, tzinfo=UTC)
    return Deal(at, "AAPL", Decimal(quantity), Decimal(price), Decimal(commission), is_ours)


def test_a_round_trip_makes_the_cash_of_its_deals() -> None:
    books = keep([deal(1, 10, "100", "1"), deal(2, -4, "110", "1"), deal(3, -6, "95", "1"), deal(4, 5, "50")])
    (trip,) = books.trips
    assert (trip.gross, trip.commission) == (Decimal(10), Decimal(3))
    assert (books.cash, books.ours["AAPL"]) == (Decimal(-243), Decimal(5))


def test_a_sale_by_hand_takes_the_owners_shares_first() -> None:
    books = keep(
        [deal(1, 10, "100"), deal(2, 3, "100", is_ours=False), deal(3, -5, "101", "5", is_ours=False)]
    )
    assert (books.ours["AAPL"], books.others["AAPL"]) == (Decimal(8), Decimal(0))
    assert not books.trips
    books = keep([deal(1, 2, "100"), deal(3, -2, "101", "5", is_ours=False)])
    assert (books.trips[0].gross, books.trips[0].commission) == (Decimal(2), Decimal(5))


def test_a_split_changes_shares_and_no_cash() -> None:
    split = Ratio(date(2024, 7, 2), "AAPL", Decimal(2))
    books = keep([deal(1, 10, "100"), deal(3, -20, "51")], [split])
    assert (books.trips[0].gross, books.ours["AAPL"], books.cash) == (Decimal(20), Decimal(0), Decimal(20))
