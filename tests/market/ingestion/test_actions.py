"""Corporate actions as facts: asked each night, corrected by their source, or recorded by a person."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from market.ingestion.actions import LEDGER
from market.ingestion.facts import FactRefused
from market.models import CorporateAction, CorporateActionCheck, ProviderPace
from market.providers.actions import Action, Kind
from tests import make
from tests.loopback import AT, alpaca, polygon, watch
from tests.vendors import Alpaca, Polygon, faults

__all__ = ["alpaca", "polygon"]

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
EX = date(2024, 8, 12)
SINCE = date(1990, 1, 1)


def dividend(cash: str = "0.25", **values: Any) -> Action:
    row: dict[str, Any] = {"symbol": "AAPL", "kind": Kind.DIVIDEND, "ex_date": EX, "currency": "USD"}
    return Action(**(row | {"amount": Decimal(cash)} | values))


def record(*given: Action, source: str = "alpaca", at: datetime = AT, since: date = SINCE) -> int:
    return LEDGER.record(given, source, ["AAPL"], since, at)


def standing() -> list[tuple[str, Decimal]]:
    facts = CorporateAction.objects.current().order_by("ex_date", "amount")
    return [(fact.ex_date.isoformat(), fact.amount) for fact in facts]


def fetch(at: datetime) -> int:
    ProviderPace.objects.all().delete()
    return LEDGER.fetch(at)


@pytest.fixture
def operator() -> User:
    return User.objects.create_superuser("operator")


def test_the_same_again_changes_nothing() -> None:
    assert record(dividend()) == 1
    assert record(dividend()) == 0
    assert CorporateAction.objects.count() == 1


def test_a_correction_is_a_new_fact_and_the_old_one_is_kept() -> None:
    record(dividend("0.25", reference="d1"))
    record(dividend("0.26", reference="d1"), at=AT + DAY)
    assert standing() == [("2024-08-12", Decimal("0.26"))]
    old = CorporateAction.objects.get(amount="0.25")
    assert (old.ended_at, old.ended_by) == (AT + DAY, None)


def test_a_pay_date_that_was_not_known_is_a_correction() -> None:
    record(dividend())
    record(dividend(pay_date=EX + 3 * DAY))
    fact = CorporateAction.objects.current().get()
    assert fact.pay_date == EX + 3 * DAY


def test_an_announced_dividend_that_moves_is_not_there_twice() -> None:
    record(dividend(reference="d1"))
    record(dividend(reference="d1", ex_date=EX + 7 * DAY))
    assert [day for day, _ in standing()] == ["2024-08-19"]


def test_an_announced_dividend_that_is_called_off_ends() -> None:
    record(dividend())
    record()
    assert standing() == []


def test_what_a_plan_no_longer_reaches_back_to_stays() -> None:
    record(dividend(ex_date=date(2016, 2, 4)))
    record(since=date(2022, 7, 2))
    record()
    assert len(standing()) == 1


def test_a_regular_and_a_special_dividend_of_one_day_both_count() -> None:
    record(dividend("0.25", reference="r"), dividend("1.50", reference="s"))
    assert [cash for _, cash in standing()] == [Decimal("0.25"), Decimal("1.50")]


def test_a_dividend_that_a_vendor_lists_twice_counts_once() -> None:
    record(dividend(reference="one"), dividend(reference="two"))
    assert len(standing()) == 1


def test_two_sources_never_make_two_dividends_of_one() -> None:
    record(dividend("0.25", reference="d1"))
    assert record(dividend("0.2500001", reference="E9"), source="polygon") == 0
    assert [fact.source for fact in CorporateAction.objects.current()] == ["alpaca"]


def test_a_person_stands_before_a_provider_that_comes_again(operator: User) -> None:
    make.instrument()
    record(dividend("0.25"))
    assert LEDGER.enter([dividend("0.24")], "person", by=operator, why="notice", at=AT) == 1
    record(dividend("0.25"))
    assert standing() == [("2024-08-12", Decimal("0.24"))]


def test_a_person_who_says_what_is_recorded_changes_nothing(operator: User) -> None:
    make.instrument()
    record(dividend(reference="d1"))
    assert LEDGER.enter([dividend()], "person", by=operator, why="notice", at=AT) == 0


def test_what_a_person_withdrew_does_not_come_back(operator: User) -> None:
    record(dividend())
    fact = CorporateAction.objects.get()
    LEDGER.withdraw(fact, by=operator, why="never declared", at=AT)
    record(dividend(), at=AT + DAY)
    assert standing() == []
    with pytest.raises(FactRefused, match="already"):
        LEDGER.withdraw(fact, by=operator, why="again", at=AT)


@pytest.mark.parametrize(
    ("given", "why", "says"),
    [
        ([dividend()], "", "Say why"),
        ([dividend("0")], "w", "amount above zero"),
        ([dividend(currency="")], "w", "currency"),
        ([dividend(symbol="NOPE")], "w", "no such instrument"),
        ([dividend(kind=Kind.SPLIT, amount=Decimal(0))], "w", "ratio"),
        ([dividend(kind=Kind.SYMBOL_CHANGE, new_symbol="AAPL")], "w", "new symbol"),
    ],
)
def test_what_is_no_fact_is_refused(operator: User, given: Sequence[Action], why: str, says: str) -> None:
    make.instrument()
    with pytest.raises(FactRefused, match=says):
        LEDGER.enter(given, "person", by=operator, why=why, at=AT)


# --- from the providers -------------------------------------------------------------------------------------


ROW = {
    "symbol": "AAPL",
    "rate": 0.25,
    "ex_date": "2024-08-12",
    "process_date": "2024-08-15",
    "payable_date": "2024-08-15",
}


def test_each_symbol_is_asked_about_once_a_night(settings: Settings, alpaca: Alpaca) -> None:
    watch(settings, "AAPL", "MSFT")
    alpaca.actions = {"cash_dividends": [ROW]}
    assert fetch(AT) == 1
    assert alpaca.visits[0].query["start"] == "1990-01-01"
    assert fetch(AT + timedelta(hours=1)) == 0
    asked = len(alpaca.visits)
    fetch(AT + DAY)
    assert len(alpaca.visits) == asked + 1
    assert alpaca.visits[-1].query["start"] > "2024-05-01"


def test_after_weeks_without_a_worker_the_whole_gap_is_asked_for(settings: Settings, alpaca: Alpaca) -> None:
    watch(settings, "AAPL")
    fetch(AT)
    fetch(AT + 90 * DAY)
    assert alpaca.visits[-1].query["start"] < AT.date().isoformat()


def test_a_provider_that_fails_leaves_it_to_the_next(
    settings: Settings, alpaca: Alpaca, polygon: Polygon
) -> None:
    watch(settings, "AAPL")
    settings.PROVIDERS = ["alpaca", "polygon"]
    alpaca.fail(faults.status(500), on="/v1/*")
    polygon.dividends = [
        {"ticker": "AAPL", "cash_amount": 0.25, "currency": "USD", "ex_dividend_date": "2024-08-12"}
    ]
    assert fetch(AT) == 1
    assert CorporateActionCheck.objects.get().provider == "polygon"


def test_while_all_fail_nothing_counts_as_asked(settings: Settings, alpaca: Alpaca) -> None:
    watch(settings, "AAPL")
    alpaca.fail(faults.status(500), on="/v1/*")
    assert fetch(AT) == 0
    assert not CorporateActionCheck.objects.exists()


@pytest.mark.parametrize("days", [1, 2, 3, -1, -3])
def test_two_sources_that_date_one_dividend_differently_tell_it_once(days: int) -> None:
    record(dividend("0.25"))
    assert record(dividend("0.25", ex_date=EX + days * DAY), source="polygon") == 0
    assert standing() == [("2024-08-12", Decimal("0.25"))]


@pytest.mark.parametrize(("cash", "rounded"), [("0.2425", "0.24"), ("0.125", "0.13"), ("1.00001", "1")])
def test_amounts_that_one_source_rounds_are_the_same(cash: str, rounded: str) -> None:
    record(dividend(cash))
    assert record(dividend(rounded, ex_date=EX + DAY), source="polygon") == 0


@pytest.mark.parametrize(
    ("days", "cash"), [(7, "0.25"), (-7, "0.25"), (1, "0.30")], ids=["a week after", "before", "another"]
)
def test_what_is_another_dividend_stays_one(days: int, cash: str) -> None:
    record(dividend("0.25"))
    assert record(dividend(cash, ex_date=EX + days * DAY), source="polygon") == 1
    assert len(standing()) == 2


def test_two_that_one_source_dates_near_each_other_are_two() -> None:
    record(dividend("0.25"))
    both = dividend("0.25"), dividend("0.25", ex_date=EX + DAY)
    assert record(*both, source="polygon") == 1
    assert record(*both, source="polygon") == 0
    assert [day for day, _ in standing()] == ["2024-08-12", "2024-08-13"]


def test_of_two_that_stand_from_before_the_later_one_ends() -> None:
    for source, day in (("alpaca", "2024-08-12"), ("polygon", "2024-08-13")):
        make.action(ex_date=day, amount=Decimal("0.25"), source=source)
    record(dividend("0.25", ex_date=EX + DAY), source="polygon")
    record(dividend("0.25"), source="alpaca")
    assert standing() == [("2024-08-12", Decimal("0.25"))]


def test_a_persons_day_takes_the_place_of_a_providers_near_by(operator: User) -> None:
    record(dividend("0.25"))
    LEDGER.enter([dividend("0.25", ex_date=EX + DAY)], "person", by=operator, why="notice", at=AT)
    assert standing() == [("2024-08-13", Decimal("0.25"))]
    assert record(dividend("0.25")) == 0
    assert standing() == [("2024-08-13", Decimal("0.25"))]


def test_a_split_that_two_sources_date_differently_is_one() -> None:
    split = {"kind": Kind.SPLIT, "currency": "", "ratio": Decimal(10)}
    record(dividend("0", **split))
    assert record(dividend("0", **split | {"ex_date": EX - 3 * DAY}), source="polygon") == 0
