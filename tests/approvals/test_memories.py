"""What was decided and how it turned out is kept by itself, once each, without names and keys."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from approvals.models import Outcome, TradeApproval
from approvals.outcomes import memories
from market.prices import Timeframe
from opinions.models import Memory
from signals.models import Signal
from signals.trades import End
from tests import make

pytestmark = pytest.mark.django_db
ENDED = datetime(2024, 7, 9, tzinfo=UTC)


def outcome(signal: Signal, ledger: Outcome.Ledger = Outcome.Ledger.SIGNAL, **values: Any) -> Outcome:
    given: dict[str, Any] = {
        "symbol": signal.symbol,
        "strategy_id": signal.strategy_id,
        "timeframe": signal.timeframe,
        "confidence": signal.confidence,
        "generated_at": signal.generated_at,
        "since": signal.generated_at,
        "played_on": Timeframe.D1,
        "end": End.TARGET,
        "race": End.TARGET,
        "exited_at": ENDED,
        "r": 1.25,
        "is_final": True,
        "is_race_final": True,
        "luck": 0.44,
        "candles_version": 1,
        "computed_at": make.T0,
    }
    return Outcome.objects.create(signal=signal, ledger=ledger, **given | values)


def rejected(signal: Signal, notes: str = "") -> TradeApproval:
    reason = TradeApproval.Reason.WEAK_EVIDENCE
    return make.approval(signal, approved=False, reason=reason, modification_notes=notes)


def test_a_decision_is_kept_with_what_was_said_of_it() -> None:
    rejected(make.signal(status=Signal.Status.REJECTED), notes="Earnings on Thursday.")
    assert memories.retain(make.T0) == 1
    kept = Memory.objects.get()
    assert (kept.kind, kept.symbol, kept.side, kept.known_at) == ("decision", "AAPL", "BUY", make.T0)
    assert "rejected: weak evidence" in kept.text
    assert "Earnings on Thursday." in kept.text
    assert "ann" not in kept.text


def test_an_outcome_is_known_from_the_close_of_the_bar_it_ended_in() -> None:
    outcome(make.signal())
    memories.retain(make.T0)
    kept = Memory.objects.get()
    assert (kept.kind, kept.known_at, kept.features["r"]) == ("outcome", ENDED + timedelta(days=1), 1.25)
    assert "made +1.25 R" in kept.text


@pytest.mark.parametrize(
    "still", [{"is_final": False}, {"is_race_final": False}, {"end": End.OPEN, "r": None, "exited_at": None}]
)
def test_what_may_still_change_or_has_no_result_is_not_kept(still: dict[str, Any]) -> None:
    outcome(make.signal(), **still)
    assert memories.retain(make.T0) == 0


def test_what_a_decision_came_to_is_kept_beside_what_the_signal_did() -> None:
    signal = make.signal(status=Signal.Status.REJECTED)
    decision, group = rejected(signal), Outcome.Group.REJECTED
    outcome(signal, approval=decision, group=group)
    outcome(signal, Outcome.Ledger.DECISION, approval=decision, group=group, r=0.9)
    assert memories.retain(make.T0) == 3
    assert set(Memory.objects.values_list("kind", flat=True)) == {"decision", "outcome", "result"}


def test_twice_is_the_same_as_once() -> None:
    outcome(make.signal())
    memories.retain(make.T0)
    assert memories.retain(make.T0) == 0
    assert Memory.objects.count() == 1


def test_the_next_round_goes_on_where_one_was_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memories, "AT_ONCE", 2)
    for number in range(3):
        outcome(make.signal(("AAPL", "MSFT", "NVDA")[number]))
    assert [memories.retain(make.T0) for _ in range(3)] == [2, 1, 0]


def test_keys_and_account_numbers_are_not_kept(settings: Any) -> None:
    settings.ALPACA_API_SECRET = "a-secret-of-mine"
    notes = "Account DU1234567 has none left; the key is a-secret-of-mine."
    rejected(make.signal(status=Signal.Status.REJECTED), notes=notes)
    memories.retain(make.T0)
    kept = Memory.objects.get().text
    assert "DU1234567" not in kept
    assert "a-secret-of-mine" not in kept
    assert "has none left" in kept


def test_a_decision_that_came_after_the_end_is_not_known_before_it_was_made() -> None:
    """An outcome tells of the decision, too: a reader between the two would know what no one knew then."""
    signal = make.signal(status=Signal.Status.REJECTED)
    decision = rejected(signal)
    early = ENDED - timedelta(days=30)
    outcome(signal, approval=decision, group=Outcome.Group.REJECTED, exited_at=early)
    memories.retain(make.T0)
    kept = Memory.objects.get(kind="outcome")
    assert "it was rejected" in kept.text
    assert kept.known_at == decision.approved_at


def test_another_bank_gets_everything_anew(settings: Any) -> None:
    outcome(make.signal())
    memories.retain(make.T0)
    settings.MEMORY_BANK = "another"
    assert memories.retain(make.T0) == 1
    assert set(Memory.objects.values_list("bank", flat=True)) == {"jax", "another"}
