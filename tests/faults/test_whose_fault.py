"""Whose fault it is when nothing came."""

from hypothesis import given
from hypothesis import strategies as st

from market.ingestion.blame import is_doubtful, is_providers

SYMBOLS = st.sets(st.sampled_from(["AAPL", "MSFT", "AMD", "ZZZZ"]))


def test_one_symbol_that_fails_is_its_own_fault() -> None:
    assert not is_doubtful({"ZZZZ"}, proven={"AAPL"}, as_one=False)


def test_symbols_that_never_worked_are_no_witnesses() -> None:
    assert not is_doubtful({"ZZZZ", "YYYY", "XXXX"}, proven={"AAPL"}, as_one=False)


def test_several_that_worked_before_make_a_provider_doubtful() -> None:
    assert is_doubtful({"AAPL", "MSFT"}, proven={"AAPL", "MSFT"}, as_one=False)


def test_where_nothing_ever_worked_each_counts() -> None:
    assert is_doubtful({"AAPL", "MSFT"}, proven=set(), as_one=False)


def test_a_request_for_several_that_fails_as_a_whole_makes_it_doubtful() -> None:
    assert is_doubtful(set(), proven={"AAPL"}, as_one=True)


@given(SYMBOLS, SYMBOLS, st.booleans())
def test_a_provider_that_answers_for_others_is_not_at_fault(
    failed: set[str], proven: set[str], as_one: bool
) -> None:
    assert not is_providers(failed, proven=proven, as_one=as_one, has_answered=True)


@given(SYMBOLS, SYMBOLS, st.booleans(), st.booleans())
def test_a_provider_that_refuses_us_is(
    failed: set[str], proven: set[str], as_one: bool, answered: bool
) -> None:
    assert is_providers(failed, proven=proven, as_one=as_one, has_answered=answered, is_general=True)
