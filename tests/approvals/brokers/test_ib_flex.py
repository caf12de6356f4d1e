"""The Flex Web Service against a counterpart on loopback: waiting, and errors in words without the token."""

from collections.abc import Iterator

import pytest

from approvals.brokers import ib
from approvals.brokers.ib.flex import FlexWebService
from approvals.brokers.statements import NoStatement, NotYet, StatementError
from tests.approvals.brokers.test_ib_statement import XML
from tests.vendors import Flex, faults
from tests.vendors.flex import QUERY, TOKEN


@pytest.fixture
def vendor() -> Iterator[Flex]:
    with Flex(statement=XML) as vendor:
        yield vendor


def fetch(vendor: Flex, token: str = TOKEN, query: str = QUERY) -> bytes:
    clock = iter(range(0, 10_000, 5))
    return FlexWebService(vendor.url, token, lambda _: None, lambda: next(clock)).fetch(query)


def test_a_statement_is_ordered_and_fetched_when_it_is_made(vendor: Flex) -> None:
    vendor.waits = 3
    assert fetch(vendor) == XML.encode()
    assert [visit.path for visit in vendor.visits] == ["/SendRequest", *["/GetStatement"] * 4]


def test_one_that_is_not_made_in_time_may_come_later(vendor: Flex) -> None:
    vendor.waits = 1000
    with pytest.raises(NotYet, match="1019"):
        fetch(vendor)


@pytest.mark.parametrize(
    ("call", "code", "kind", "words"),
    [
        ("SendRequest", "1001", NotYet, "at this moment"),
        ("SendRequest", "1012", NoStatement, "expired"),
        ("SendRequest", "1011", NoStatement, "not switched on"),
        ("GetStatement", "1017", NoStatement, "any more"),
        ("GetStatement", "1099", NoStatement, "The words of 1099"),
    ],
)
def test_errors_are_said_in_words(
    vendor: Flex, call: str, code: str, kind: type[StatementError], words: str
) -> None:
    vendor.errors[call] = code
    with pytest.raises(kind, match=words) as caught:
        fetch(vendor)
    assert TOKEN not in str(caught.value)


def test_a_wrong_token_or_query_says_what_to_set(vendor: Flex) -> None:
    with pytest.raises(NoStatement, match="IB_FLEX_TOKEN"):
        fetch(vendor, token="another")
    with pytest.raises(NoStatement, match="IB_FLEX_QUERY"):
        fetch(vendor, query="1")


@pytest.mark.parametrize(("status", "kind"), [(503, NotYet), (404, NoStatement)])
def test_what_its_server_refuses(vendor: Flex, status: int, kind: type[StatementError]) -> None:
    vendor.fail(faults.status(status), on="/SendRequest")
    with pytest.raises(kind, match=str(status)):
        fetch(vendor)


def test_no_token_is_told_when_nothing_can_be_reached() -> None:
    service = FlexWebService("http://127.0.0.1:1", TOKEN, lambda _: None)
    with pytest.raises(NotYet, match=r"127\.0\.0\.1") as caught:
        service.fetch(QUERY)
    assert TOKEN not in str(caught.value)


def test_its_settings_are_ibs_and_the_token_is_secret() -> None:
    secret = {setting.name for setting in ib.SPEC.settings if setting.secret}
    assert "IB_FLEX_TOKEN" in secret
    assert ib.SPEC.statement_needs == ("IB_FLEX_TOKEN", "IB_FLEX_QUERY")
