"""A page of a list and how many there are, in one query."""

import pytest
from pytest_django import DjangoAssertNumQueries

from core.paging import paged
from market.models import Instrument
from tests import make

pytestmark = pytest.mark.django_db
ROWS = Instrument.objects.order_by("symbol")


@pytest.fixture(autouse=True)
def five() -> None:
    Instrument.objects.all().delete()
    for symbol in "ABCDE":
        make.instrument(symbol)


def test_a_page_in_the_middle(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        page = paged(ROWS, "2", 2)
        assert [instrument.pk for instrument in page] == ["C", "D"]
        assert (page.number, page.paginator.count, page.paginator.num_pages) == (2, 5, 3)
        assert (page.start_index(), page.end_index()) == (3, 4)
        assert page.has_previous()
        assert page.has_next()


@pytest.mark.parametrize("number", [None, "", "0", "-1", "x", "1.5", "²"])
def test_what_is_no_number_is_the_first_page(number: str | None) -> None:
    assert paged(ROWS, number, 2).number == 1


@pytest.mark.parametrize("number", ["4", "99999999999999999999"])
def test_beyond_the_end_is_the_last_page(number: str) -> None:
    page = paged(ROWS, number, 2)
    assert ([instrument.pk for instrument in page], page.number, page.paginator.count) == (["E"], 3, 5)


def test_of_nothing_there_is_one_empty_page() -> None:
    page = paged(ROWS.none(), "3", 2)
    assert (list(page), page.number, page.paginator.count, page.paginator.num_pages) == ([], 1, 0, 1)
