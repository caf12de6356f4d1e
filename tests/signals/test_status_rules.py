"""Each rule about a signal's status is the same as a QuerySet and on the row."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.models import Signal
from tests import make

pytestmark = pytest.mark.django_db

AT = make.T0
Status = Signal.Status
INSTANT = timedelta(microseconds=1)

rows = st.lists(
    st.fixed_dictionaries(
        {
            "symbol": st.sampled_from(["AAPL", "MSFT"]),
            "is_buy": st.booleans(),
            "status": st.sampled_from(Status),
            "expires_at": st.sampled_from([AT - INSTANT, AT, AT + INSTANT]),
        }
    ),
    max_size=6,
)


def stored(rows: list[dict[str, Any]]) -> list[Signal]:
    """Replace all signals by these, each of a strategy of its own."""
    Signal.objects.all().delete()
    for number, row in enumerate(rows):
        raise_ = make.signal if row.pop("is_buy") else make.sell
        raise_(strategy_id=f"strategy_{number}", **row)
    return list(Signal.objects.with_status(AT).with_conflict(AT))


def keys(signals: Any) -> set[Any]:
    return {signal.pk for signal in signals}


@settings(max_examples=60)
@given(rows, st.sets(st.sampled_from(Status)))
def test_a_status_is_the_same_in_a_filter_an_annotation_and_on_the_row(
    rows: list[dict[str, Any]], statuses: set[Signal.Status]
) -> None:
    signals = stored(rows)
    assert [signal.status_now for signal in signals] == [signal.status_at(AT) for signal in signals]  # type: ignore[attr-defined]  # annotated
    among = keys(signal for signal in signals if signal.status_at(AT) in statuses)
    assert keys(Signal.objects.in_status(AT, *statuses)) == among


@settings(max_examples=60)
@given(rows)
def test_pending_and_overdue_are_what_the_row_says(rows: list[dict[str, Any]]) -> None:
    signals = stored(rows)
    pending = keys(signal for signal in signals if signal.status_at(AT) == Status.PENDING)
    assert keys(Signal.objects.pending(AT)) == keys(Signal.objects.in_status(AT, Status.PENDING)) == pending
    overdue = keys(signal for signal in signals if signal.status_at(AT) != signal.status)
    assert keys(Signal.objects.overdue(AT)) == overdue


@settings(max_examples=60)
@given(rows)
def test_a_conflict_is_the_same_as_an_annotation_on_the_row_and_among_the_opposites(
    rows: list[dict[str, Any]],
) -> None:
    signals = stored(rows)
    for signal in signals:
        conflicting = keys(signal.conflicting(AT))
        assert signal.is_conflicting == bool(conflicting)  # type: ignore[attr-defined]  # annotated
        assert keys(Signal.objects.with_opposites(signal.pk, AT)) == {signal.pk} | conflicting
        expected = keys(
            other
            for other in signals
            if other.symbol == signal.symbol
            and other.signal_type != signal.signal_type
            and {signal.status_at(AT), other.status_at(AT)} == {Status.PENDING}
        )
        assert conflicting == expected
