"""The version of a signal that is decided on: what is a part of it, and what two versions differ in."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from approvals import decisions
from approvals.proposals.version import PARTS, differences, version, with_opinion
from signals.models import Signal
from tests import make

AT = datetime.fromisoformat("2024-07-03T14:00Z")


def version_of(signal: Signal, at: datetime = AT, **given: Any) -> str:
    return version(signal, at, **{"is_conflicting": False, "opinion_id": None} | given)


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
def test_another_level_bar_or_status_is_another_version(field: str, value: Any) -> None:
    signal = make.signal()
    before = version_of(signal)
    setattr(signal, field, value)
    assert version_of(signal) != before


@pytest.mark.django_db
def test_so_is_a_conflict_an_opinion_or_the_end_of_its_time() -> None:
    signal = make.signal()
    late = signal.expires_at + timedelta(seconds=1)
    versions = {
        version_of(signal),
        version_of(signal, is_conflicting=True),
        version_of(signal, opinion_id=UUID(int=1)),
        version_of(signal, late),
    }
    assert len(versions) == 4


@pytest.mark.django_db
def test_a_signal_in_memory_and_the_one_read_back_have_the_same() -> None:
    assert version_of(make.signal()) == version_of(Signal.objects.get())


@pytest.mark.django_db
def test_what_no_user_decides_on_leaves_it_alone() -> None:
    signal = make.signal()
    before = version_of(signal)
    signal.reasoning, signal.created_at = "Another sentence.", make.T0
    assert version_of(signal) == before


@pytest.mark.django_db
def test_two_versions_tell_what_has_changed() -> None:
    signal = make.signal()
    before = version_of(signal)
    signal.stop_loss, signal.bars_digest = Decimal("181"), "1" * 32
    assert differences(before, version_of(signal)) == ["its levels", "the bars behind it"]
    assert differences(before, version_of(signal, is_conflicting=True)) == [*PARTS[:3]]
    assert differences(version_of(signal), version_of(signal, opinion_id=UUID(int=1))) == [
        "the second opinion"
    ]


@pytest.mark.django_db
def test_everything_differs_from_what_is_no_version() -> None:
    assert differences("W/abc", version_of(make.signal())) == list(PARTS)


@pytest.mark.django_db
def test_the_newest_opinion_that_came_in_time_is_a_part_of_it() -> None:
    signal = make.signal()
    make.run(signal, finished_at=AT + timedelta(minutes=2))
    newest = make.opinion(signal, finished_at=AT + timedelta(minutes=1))
    make.opinion(signal, finished_at=AT)
    assert [signal.opinion_id for signal in with_opinion(Signal.objects.all())] == [newest.pk]  # type: ignore[attr-defined]  # annotated
    assert decisions.etag_of(signal, AT) == version_of(signal, opinion_id=newest.pk)
