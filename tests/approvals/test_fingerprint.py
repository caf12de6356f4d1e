from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from signals.models import Signal
from signals.models.signals import SEEN, differences
from tests import make

AT = datetime.fromisoformat("2024-07-03T14:00Z")


def seen(signal: Signal, at: datetime = AT, **known: Any) -> str:
    return signal.fingerprint(at, **{"is_conflicting": False} | known)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("entry_price", Decimal("185.51")),
        ("stop_loss", Decimal("180.49")),
        ("take_profit", Decimal("191.76")),
        ("second_target", Decimal("195.51")),
        ("bars_digest", "1" * 32),
        ("status", Signal.Status.APPROVED),
    ],
)
@pytest.mark.django_db
def test_another_level_bar_or_status_is_another_fingerprint(field: str, value: Any) -> None:
    signal = make.signal()
    before = seen(signal)
    setattr(signal, field, value)
    assert seen(signal) != before


@pytest.mark.django_db
def test_so_is_a_conflict_an_opinion_or_the_end_of_its_time() -> None:
    signal = make.signal()
    advised = Signal(**{field.attname: getattr(signal, field.attname) for field in Signal._meta.fields})
    advised.opinion_id = UUID(int=1)
    late = signal.expires_at + timedelta(seconds=1)
    fingerprints = {
        seen(signal),
        seen(signal, is_conflicting=True),
        seen(advised),
        seen(signal, late),
    }
    assert len(fingerprints) == 4


@pytest.mark.django_db
def test_a_signal_in_memory_and_the_one_read_back_have_the_same() -> None:
    assert seen(make.signal()) == seen(Signal.objects.get())


@pytest.mark.django_db
def test_what_nobody_decides_on_leaves_it_alone() -> None:
    signal = make.signal()
    before = seen(signal)
    signal.reasoning, signal.created_at = "Another sentence.", make.T0
    assert seen(signal) == before


@pytest.mark.django_db
def test_two_fingerprints_tell_what_has_changed() -> None:
    signal = make.signal()
    before = seen(signal)
    signal.stop_loss, signal.bars_digest = Decimal("181"), "1" * 32
    assert differences(before, seen(signal)) == ["its levels", "the bars behind it"]
    assert differences(before, seen(signal, is_conflicting=True)) == [*SEEN[:3]]


@pytest.mark.django_db
def test_everything_differs_from_what_is_no_fingerprint() -> None:
    assert differences("W/abc", seen(make.signal())) == list(SEEN)
