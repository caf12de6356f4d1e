"""Whose fault it is when nothing came."""

from hypothesis import given
from hypothesis import strategies as st

from market.ingestion.blame import is_providers

SYMBOLS = st.sets(st.sampled_from(["AAPL", "MSFT", "AMD", "ZZZZ"]))


def test_one_symbol_that_fails_is_its_own_fault() -> None:
    assert not is_providers({"ZZZZ"}, proven={"AAPL"}, is_general=False, has_answered=False)


def test_symbols_that_never_worked_are_no_witnesses() -> None:
    assert not is_providers({"ZZZZ", "YYYY", "XXXX"}, proven={"AAPL"}, is_general=False, has_answered=False)


def test_several_that_worked_before_are_the_providers() -> None:
    assert is_providers({"AAPL", "MSFT"}, proven={"AAPL", "MSFT"}, is_general=False, has_answered=False)


def test_where_nothing_ever_worked_each_counts() -> None:
    assert is_providers({"AAPL", "MSFT"}, proven=set(), is_general=False, has_answered=False)


@given(SYMBOLS, SYMBOLS)
def test_a_provider_that_answers_for_others_is_not_at_fault(failed: set[str], proven: set[str]) -> None:
    assert not is_providers(failed, proven=proven, is_general=False, has_answered=True)


@given(SYMBOLS, SYMBOLS, st.booleans())
def test_a_provider_that_refuses_us_is(failed: set[str], proven: set[str], answered: bool) -> None:
    assert is_providers(failed, proven=proven, is_general=True, has_answered=answered)
