"""Runs that ask over HTTP: what is believed, what it may cost, and what an answer can never do."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from approvals.models import Order, TradeApproval
from approvals.positions import held_for_analysts
from market.models import Instrument
from opinions import budget, memory, queue, runs
from opinions.models import Memory, OrchestrationRun, Stance
from signals.models import Signal
from tests import make, vendors
from tests.opinions.analysts.given_snapshot import PLANTED
from tests.vendors import faults
from tests.vendors.server import Reply, Turn

pytestmark = pytest.mark.django_db
Status, Trigger = OrchestrationRun.Status, OrchestrationRun.Trigger


@pytest.fixture
def model(settings: Any) -> Iterator[vendors.OpenAI]:
    make.only("AAPL")
    make.july_2024()
    make.rising("AAPL")
    make.quote("AAPL", 185.60, make.T0 - timedelta(seconds=1))
    with vendors.OpenAI() as server:
        settings.LLM_BASE_URL, settings.LLM_MODEL, settings.ANALYST = f"{server.url}/v1", "honest", "llm"
        yield server


def run_on(signal: Signal, context: str = "") -> OrchestrationRun:
    run, _ = queue.request(signal.symbol, make.T0, trigger=Trigger.MANUAL, signal=signal, context=context)
    runs.work(make.T0, list)
    run.refresh_from_db()
    return run


def test_an_honest_model_is_grounded_and_counts_as_support(model: vendors.OpenAI) -> None:
    signal = make.signal()
    run = run_on(signal)
    assert (run.status, run.agent_suggestion, run.invented) == (Status.COMPLETED, "BUY", [])
    assert run.stance(signal.signal_type) == Stance.FOR
    assert run.tokens > 0
    assert run.exchanges[0]["sent"]


def test_an_inventive_one_is_marked_number_by_number_and_supports_nothing(
    model: vendors.OpenAI, settings: Any
) -> None:
    settings.LLM_MODEL = "inventive"
    signal = make.signal()
    run = run_on(signal)
    assert run.status == Status.COMPLETED
    assert {"37.9 %", "$4,321.77", "812,345", "98.76"} == set(run.invented)
    assert run.stance(signal.signal_type) == Stance.UNFOUNDED


@pytest.mark.parametrize(
    "name", ["prosaic", "broken", "cut", "percent", "shouting", "obedient", "acting", "helpful", "silent"]
)
def test_what_is_no_opinion_is_a_failure_and_never_a_hold(
    model: vendors.OpenAI, settings: Any, name: str
) -> None:
    settings.LLM_MODEL = name
    run = run_on(signal := make.signal())
    assert (run.status, run.agent_suggestion, run.confidence) == (Status.FAILED, "", None)
    assert run.error
    assert not signal.runs.newest()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.status(429, retry_after="20"), "20 s"),
        (faults.status(500), "500"),
        (faults.never, "no answer within"),
        (faults.drip(0.5), "no answer within"),
    ],
    ids=["busy", "broken", "silent", "dripping"],
)
def test_a_model_that_is_away_is_a_failure_in_words(
    model: vendors.OpenAI, settings: Any, fault: Any, error: str
) -> None:
    settings.ANALYST_TIMEOUT_SECONDS = 1
    model.fail(fault)
    run = run_on(make.signal())
    assert run.status == Status.FAILED
    assert error in run.error


def test_the_day_has_a_budget_and_a_run_that_might_pass_it_is_not_asked(
    model: vendors.OpenAI, settings: Any
) -> None:
    settings.LLM_INPUT_PRICE = settings.LLM_OUTPUT_PRICE = Decimal(1)
    settings.LLM_DAILY_BUDGET_USD = Decimal("0.05")
    signal = make.signal()
    runs = [run_on(signal) for _ in range(30)]
    statuses = [run.status for run in runs]
    done = statuses.index(Status.FAILED)
    assert 0 < done < 29
    assert set(statuses[:done]) == {Status.COMPLETED}
    assert set(statuses[done:]) == {Status.FAILED}
    assert "LLM_DAILY_BUDGET_USD" in runs[-1].error
    assert len(model.visits) == done
    assert budget.spent(make.T0)[1] <= settings.LLM_DAILY_BUDGET_USD


def test_the_next_day_has_a_budget_of_its_own(model: vendors.OpenAI, settings: Any) -> None:
    make.run(make.sell(), cost_usd=Decimal(1), tokens=3_000_000, started_at=make.T0)
    assert run_on(make.signal()).status == Status.FAILED
    later = make.T0 + timedelta(days=1)
    assert budget.spent(later) == (0, Decimal(0))


def test_what_was_set_aside_for_a_run_that_died_stays_spent(model: vendors.OpenAI, settings: Any) -> None:
    settings.LLM_INPUT_PRICE, settings.LLM_OUTPUT_PRICE = Decimal(1), Decimal(1)
    settings.ANALYST_TIMEOUT_SECONDS = 1
    model.fail(faults.never)
    run = run_on(make.signal())
    assert run.status == Status.FAILED
    assert run.cost_usd > 0
    assert budget.spent(make.T0)[1] == run.cost_usd


def test_a_run_that_might_cost_too_much_is_not_asked(model: vendors.OpenAI, settings: Any) -> None:
    settings.LLM_INPUT_PRICE, settings.LLM_OUTPUT_PRICE = Decimal(1_000), Decimal(1_000)
    run = run_on(make.signal())
    assert "LLM_RUN_BUDGET_USD" in run.error
    assert model.visits == []


@pytest.mark.parametrize("obeys", ["honest", "obedient", "acting", "acting-beside", "helpful"])
def test_nothing_follows_from_an_order_planted_in_any_text(
    model: vendors.OpenAI, settings: Any, trader: User, obeys: str
) -> None:
    """Whatever stands in a text field, and whatever a model makes of it: no approval, no order, no change."""
    settings.LLM_MODEL = obeys
    make.memory(PLANTED)
    make.memory(PLANTED, kind="decision", features={"approved": False})
    signal = make.signal(reasoning=PLANTED)
    Instrument.objects.filter(symbol="AAPL").update(name=PLANTED[:60])
    before = Signal.objects.values("status", "entry_price", "stop_loss", "expires_at").get()
    run_on(signal, context=PLANTED)
    assert Signal.objects.values("status", "entry_price", "stop_loss", "expires_at").get() == before
    assert not TradeApproval.objects.exists()
    assert not Order.objects.exists()
    [visit, *_] = model.visits
    data = visit.content["messages"][1]["content"]
    assert data.count("</data>") == 1  # what is planted ends nothing


def test_keys_and_account_numbers_are_not_sent(model: vendors.OpenAI, settings: Any) -> None:
    settings.ALPACA_API_SECRET = "a-secret-of-mine"
    run = run_on(make.signal(), context="Account DU1234567, key a-secret-of-mine, earnings soon")
    sent = str(model.visits[0].content)
    assert "earnings soon" in sent
    for kept in (sent, run.context, str(run.inputs)):
        assert "DU1234567" not in kept
        assert "a-secret-of-mine" not in kept


def test_positions_are_told_without_account_and_money(model: vendors.OpenAI) -> None:
    make.ready()
    make.held("AAPL", 42)
    run, _ = queue.request("AAPL", make.T0, trigger=Trigger.MANUAL, signal=make.signal(timeframe="1h"))
    runs.work(make.T0, held_for_analysts)
    run.refresh_from_db()
    assert run.inputs is not None
    assert run.inputs["positions"] == [{"symbol": "AAPL", "quantity": 42, "average_price": 185.5}]


@pytest.fixture
def hindsight(model: vendors.OpenAI, settings: Any) -> Iterator[vendors.Hindsight]:
    with vendors.Hindsight() as server:
        settings.HINDSIGHT_URL = server.url
        yield server


def test_hindsight_recalls_beside_and_knows_nothing_from_after_the_bar(
    hindsight: vendors.Hindsight,
) -> None:
    make.memory("AAPL rose after its earnings.")
    make.memory("AAPL fell the week after.", known_at=make.T0)
    assert memory.hand_on(make.T0) == 2
    assert memory.hand_on(make.T0) == 0
    run = run_on(make.signal())
    assert run.inputs is not None
    assert [fact["text"] for fact in run.inputs["recalled"]] == ["AAPL rose after its earnings."]
    assert run.memories_recalled == 2  # once from either


@pytest.mark.parametrize(
    "fault", [faults.status(500), faults.status(429), faults.truncated], ids=["broken", "busy", "cut"]
)
def test_hindsight_that_is_away_is_noted_and_costs_nothing_else(
    hindsight: vendors.Hindsight, fault: Any
) -> None:
    hindsight.fail(fault)
    run = run_on(make.signal())
    assert run.status == Status.COMPLETED
    assert run.notes[0].startswith("Nothing from Hindsight: ")


def test_what_hindsight_does_not_take_is_tried_again_behind_the_others(
    hindsight: vendors.Hindsight,
) -> None:
    first = make.memory("a case")
    hindsight.fail(faults.status(500), times=1)
    assert memory.hand_on(make.T0) == 0
    first.refresh_from_db()
    assert (first.retained_at, first.attempts) == (None, 1)
    assert memory.hand_on(make.T0) == 1


def test_a_case_that_hindsight_never_takes_does_not_keep_the_others_away(
    hindsight: vendors.Hindsight,
) -> None:
    for number in range(8):
        make.memory(f"case {number}" if number else "poison", reference=f"outcome:{number}")

    def refuse_poison(turn: Turn) -> None:
        if b"poison" in turn.visit.body:
            turn.send(Reply.json({"detail": "no"}, 422))
        else:
            turn.send(turn.reply())

    hindsight.fail(refuse_poison)
    for _ in range(12):
        memory.hand_on(make.T0)
    assert list(Memory.objects.filter(retained_at=None).values_list("text", flat=True)) == ["poison"]


def test_hindsight_that_is_away_is_asked_once_for_all_that_are_worked_on_together(
    hindsight: vendors.Hindsight, settings: Any
) -> None:
    settings.ANALYST = "rules"
    hindsight.fail(faults.status(500))
    for strategy in ("rsi_momentum_v1", "macd_crossover_v1", "ma_crossover_v1"):
        signal = make.signal(strategy_id=strategy)
        queue.request("AAPL", make.T0, trigger=Trigger.SIGNAL, signal=signal)
    runs.work(make.T0, list)
    stored = OrchestrationRun.objects.all()
    assert {run.status for run in stored} == {Status.COMPLETED}
    assert {note for run in stored for note in run.notes} == set(stored[0].notes) != set()
    assert len(hindsight.visits) == 1
