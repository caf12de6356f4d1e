"""A run from being asked for to being recorded, with the checklist as analyst."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from opinions import budget, queue, runs, store
from opinions.analysts import registry
from opinions.analysts.base import Bill, NotConfigured
from opinions.models import OrchestrationRun
from signals.models import Signal
from tests import make

pytestmark = pytest.mark.django_db
Status, Trigger = OrchestrationRun.Status, OrchestrationRun.Trigger


@pytest.fixture(autouse=True)
def market() -> None:
    """A year of daily closes of AAPL up to 2 July 2024, and a quote a second ago."""
    make.only("AAPL", "MSFT")
    make.july_2024()
    make.rising("AAPL")
    make.quote("AAPL", 185.60, make.T0 - timedelta(seconds=1))


def nothing_held() -> list[dict[str, Any]]:
    return []


def queued_run(signal: Signal) -> OrchestrationRun:
    run, _ = queue.request(signal.symbol, make.T0, trigger=Trigger.SIGNAL, signal=signal)
    return run


def work() -> None:
    runs.work(make.T0, nothing_held)


def test_a_run_is_completed_with_its_snapshot_and_its_signal_tells_of_it() -> None:
    run = queued_run(signal := make.signal())
    work()
    run.refresh_from_db()
    assert (run.status, run.error, run.model) == (Status.COMPLETED, "", "checklist 1")
    assert run.agent_suggestion in ("BUY", "HOLD", "PASS")
    assert run.inputs is not None
    assert len(run.inputs["bars"]["rows"]) == 60
    assert run.inputs["signal"]["entry"] == 185.5
    assert [*signal.runs.newest()] == [run]


def test_the_same_snapshot_gets_the_same_answer(settings: Any) -> None:
    first = queued_run(signal := make.signal())
    work()
    first.refresh_from_db()
    again = registry.build("rules", settings).analyse(first.inputs or {}, 1)
    assert (again.action, round(Decimal(again.confidence), 4)) == (first.agent_suggestion, first.confidence)
    assert again.reasoning == first.reasoning
    assert signal.symbol == "AAPL"


def test_what_is_open_is_not_asked_twice() -> None:
    signal = make.signal()
    first = queued_run(signal)
    run, is_new = queue.request("AAPL", make.T0, trigger=Trigger.MANUAL, signal=signal)
    assert (run, is_new) == (first, False)


def test_an_opinion_that_comes_after_the_decision_is_recorded_and_changes_nothing() -> None:
    signal = make.signal()
    run = queued_run(signal)
    Signal.objects.update(status=Signal.Status.APPROVED, ended_at=make.T0)
    work()
    run.refresh_from_db()
    assert (run.status, [*signal.runs.newest()]) == (Status.COMPLETED, [])


def test_the_newest_opinion_of_a_signal_is_the_last_that_was_completed() -> None:
    signal, others = make.signal(), make.signal("MSFT")
    queued_run(signal)
    work()
    later = queued_run(signal)
    runs.work(make.T0 + timedelta(minutes=1), nothing_held)
    failed = make.run(signal, status="failed", error="It is away.", finished_at=make.T0 + timedelta(hours=1))
    assert OrchestrationRun.objects.newest_of([signal, others]) == {signal.pk: later}
    assert failed.in_time is False


def test_the_strongest_signal_goes_first_and_people_before_all(django_user_model: type[User]) -> None:
    weak, strong = (
        make.signal(symbol, confidence=Decimal(share), strategy_id=strategy)
        for symbol, share, strategy in (
            ("AAPL", "0.6", "rsi_momentum_v1"),
            ("MSFT", "0.9", "macd_crossover_v1"),
        )
    )
    runs = [queued_run(weak), queued_run(strong)]
    manual, _ = queue.request(
        "AAPL", make.T0, trigger=Trigger.MANUAL, by=django_user_model.objects.create(username="ann")
    )
    ordered = list(OrchestrationRun.objects.strongest_first())
    assert ordered == [manual, runs[1], runs[0]]


def test_by_themselves_come_daily_signals_and_confident_intraday_ones(settings: Any) -> None:
    daily = make.signal(confidence=Decimal("0.60"))
    confident = make.signal("MSFT", timeframe="15m", confidence=Decimal("0.75"))
    make.signal("MSFT", timeframe="15m", confidence=Decimal("0.74"), strategy_id="rsi_momentum_v1")
    assert queue.request_deserving(make.T0) == 2
    assert {run.signal for run in OrchestrationRun.objects.all()} == {daily, confident}
    assert queue.request_deserving(make.T0) == 0


def test_no_more_than_so_many_a_day_the_strongest_first(settings: Any) -> None:
    settings.ORCHESTRATE_PER_DAY = 1
    make.signal(confidence=Decimal("0.60"))
    strong = make.signal("MSFT", confidence=Decimal("0.90"))
    assert queue.request_deserving(make.T0) == 1
    assert OrchestrationRun.objects.get().signal == strong
    assert queue.request_deserving(make.T0 + timedelta(days=1, hours=-20)) == 0


def test_a_signal_whose_bars_were_revised_is_looked_at_again() -> None:
    signal = make.signal()
    queue.request_deserving(make.T0)
    work()
    Signal.objects.update(bars_digest="1" * 32)
    assert queue.request_deserving(make.T0) == 1
    assert signal.runs.count() == 2


def test_a_run_whose_worker_died_fails_after_its_deadline() -> None:
    deadline = make.T0 + timedelta(minutes=3)
    run = make.run(make.signal(), status=Status.RUNNING, deadline_at=deadline)
    assert queue.sweep(deadline - timedelta(seconds=1))["failed"] == 0
    assert queue.sweep(deadline)["failed"] == 1
    run.refresh_from_db()
    assert (run.status, run.agent_suggestion, run.error) == (Status.FAILED, "", queue.DIED)


def test_what_waits_for_a_signal_that_has_ended_is_taken_back() -> None:
    run = queued_run(make.signal())
    assert queue.sweep(make.T0 + timedelta(hours=3))["cancelled"] == 1
    run.refresh_from_db()
    assert (run.status, run.notes) == (Status.CANCELLED, [queue.ENDED])


def test_a_cancelled_run_is_not_worked_on_and_not_cancelled_twice() -> None:
    run = queued_run(make.signal())
    queue.cancel(run, make.T0)
    work()
    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    with pytest.raises(queue.NotOpen, match="cancelled already"):
        queue.cancel(run, make.T0)


def test_an_analyst_that_is_not_configured_is_refused_with_what_to_do(settings: Any) -> None:
    with pytest.raises(NotConfigured, match="Set AGENT0_URL"):
        queue.request("AAPL", make.T0, trigger=Trigger.MANUAL, analyst="agent0")
    assert not OrchestrationRun.objects.exists()


def test_an_analyst_that_was_switched_off_since_is_a_failure(settings: Any) -> None:
    settings.AGENT0_URL = "http://127.0.0.1:9"
    run, _ = queue.request("AAPL", make.T0, trigger=Trigger.MANUAL, analyst="agent0")
    settings.AGENT0_URL = ""
    work()
    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert "Set AGENT0_URL" in run.error


def test_an_instrument_gets_an_opinion_without_a_signal() -> None:
    assert queue.request_all(make.T0) == 2
    work()
    by_symbol = {run.symbol: run for run in OrchestrationRun.objects.all()}
    assert by_symbol["AAPL"].status == by_symbol["MSFT"].status == Status.COMPLETED
    assert by_symbol["AAPL"].agent_suggestion in ("BUY", "HOLD")
    assert by_symbol["MSFT"].agent_suggestion == "HOLD"  # no bars: nothing to say
    assert (by_symbol["AAPL"].inputs or {"signal": "no snapshot"})["signal"] is None


def test_many_runs_take_no_more_queries_than_one(django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        make.signal(bar_opened_at=make.T0 - timedelta(days=number), strategy_id=f"gone_{number}")
    queue.request_deserving(make.T0)
    with django_assert_max_num_queries(40):
        work()
    assert OrchestrationRun.objects.filter(status=Status.COMPLETED).count() == 12


def test_a_run_that_breaks_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Its instrument is gone, so that no snapshot can be taken; eleven others wait beside it."""
    for number in range(11):
        make.signal(bar_opened_at=make.T0 - timedelta(days=number), strategy_id=f"gone_{number}")
    queue.request_deserving(make.T0)
    broken = make.run(symbol="GONE", status=Status.QUEUED)
    work()
    broken.refresh_from_db()
    assert (broken.status, broken.agent_suggestion) == (Status.FAILED, "")
    assert "Something in Jax broke on it (UnknownSymbols)" in broken.error
    assert OrchestrationRun.objects.filter(status=Status.COMPLETED).count() == 11
    assert "Not an instrument: GONE" in caplog.text


def test_what_cannot_be_stored_fails_alone() -> None:
    """A NaN is no JSON: the database would refuse all that is written with it."""
    good, bad = queued_run(make.signal()), queued_run(make.sell("MSFT"))
    nan = [{"symbol": "MSFT", "quantity": float("nan"), "average_price": 1.0}]
    runs.work(make.T0, lambda: nan)
    for run in (good, bad):
        run.refresh_from_db()
        assert (run.status, run.inputs) == (Status.FAILED, None)
        assert "ValueError" in run.error


def test_what_a_run_comes_to_counts_on_the_day_it_began(settings: Any) -> None:
    """Asked after midnight, it is held against the budget of the day that it will be counted on."""
    settings.LLM_DAILY_BUDGET_USD = Decimal(1)
    late = datetime(2024, 7, 3, 23, 59, 59, tzinfo=UTC)
    make.run(make.sell(), cost_usd=Decimal("0.95"), started_at=make.T0)
    at_work = {"status": Status.RUNNING, "deadline_at": late + timedelta(minutes=3)}
    run = make.run(make.signal(), started_at=late, **at_work)
    with pytest.raises(budget.BudgetReached, match="LLM_DAILY_BUDGET_USD"):
        budget.set_aside(run, Bill(10, Decimal("0.10")))
    budget.set_aside(run, Bill(10, Decimal("0.05")))
    assert budget.spent(late) == (10, Decimal(1))


def test_a_run_that_was_queued_before_midnight_and_began_after_counts_on_the_new_day(settings: Any) -> None:
    settings.LLM_DAILY_BUDGET_USD = Decimal(1)
    midnight = datetime(2024, 7, 4, tzinfo=UTC)
    make.run(make.sell(), cost_usd=Decimal("0.95"), started_at=make.T0)
    times = {"queued_at": midnight - timedelta(minutes=1), "started_at": midnight + timedelta(minutes=1)}
    at_work = {"status": Status.RUNNING, "deadline_at": midnight + timedelta(minutes=3)}
    run = make.run(make.signal(), **times, **at_work)
    budget.set_aside(run, Bill(10, Decimal("0.10")))
    assert budget.spent(midnight) == (10, Decimal("0.10"))
    assert budget.spent(make.T0)[1] == Decimal("1.05")


def test_nothing_is_written_to_a_run_that_was_taken_back_and_nothing_that_was_not_given() -> None:
    at_work = {"status": Status.RUNNING, "deadline_at": make.T0, "notes": ["kept"]}
    run, gone = make.run(make.signal(), **at_work), make.run(make.sell("MSFT"), **at_work)
    queue.cancel(gone, make.T0)
    content = {"reasoning": 'a \\ b \t\n"c" é', "inputs": {"text": "\\N \t é"}}
    assert store.write([{"id": stored.pk, **content} for stored in (run, gone)]) == {run.pk}
    run.refresh_from_db()
    gone.refresh_from_db()
    assert (run.reasoning, run.inputs, run.notes) == (content["reasoning"], content["inputs"], ["kept"])
    assert (gone.reasoning, gone.inputs) == ("", None)
