"""A strategy that fails is left out, recorded and told of; all others go on."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from approvals import notify, outcomes
from approvals.models import Notification, Outcome
from jaxsite.monitoring import health
from market import doctor
from market.models import Fault
from signals import backtest, records, scan
from signals.models import Scan, Signal, StrategyConfig, StrategyRecord
from signals.panel import Panel
from signals.strategies import DIED
from signals.strategies.macd_crossover import MacdCrossover
from tests import make
from tests.signals import broken

pytestmark = pytest.mark.django_db

AT = make.T0 + timedelta(minutes=1)
MINUTE = timedelta(minutes=1)


def add(monkeypatch: pytest.MonkeyPatch, way: str = "it raises", name: str = "broken_v1") -> StrategyConfig:
    broken.register(monkeypatch, way, name)
    return StrategyConfig.objects.create(strategy_id=name, timeframe="15m", lifetime_bars=8)


def again(config: StrategyConfig) -> StrategyConfig:
    config.refresh_from_db()
    return config


@pytest.mark.parametrize("name", ["a_broken", "z_broken"])
@pytest.mark.parametrize("way", broken.WAYS)
def test_one_that_fails_costs_no_signal_of_another(
    macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch, way: str, name: str
) -> None:
    config = add(monkeypatch, way, name)
    make.history("AAPL", make.turning())
    done = scan.run(AT)
    assert done.outcome == Scan.Outcome.FINISHED
    assert set(Signal.objects.values_list("strategy_id", flat=True)) == {"macd_crossover_v1"}
    assert (again(config).failures, config.failing_since, config.enabled) == (1, AT, True)
    assert config.failure
    assert again(macd).failing_since is None


def test_it_is_switched_off_after_so_many_failures_in_a_row(
    macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.STRATEGY_FAILURES = 3
    config = add(monkeypatch)
    make.history("AAPL", make.turning())
    for number in range(3):
        assert again(config).enabled
        scan.run(AT + number * MINUTE)
    assert (again(config).enabled, config.failures, config.failing_since) == (False, 3, AT)
    scan.run(AT + 3 * MINUTE)
    assert again(config).failures == 3


def test_once_mended_it_evaluates_what_it_has_missed(
    macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = add(monkeypatch)
    make.history("AAPL", make.turning())
    scan.run(AT)
    with monkeypatch.context() as mended:
        mended.setitem(broken.WAYS, "it raises", ("title", "Mended"))
        broken.register(mended, "it raises")
        scan.run(AT + MINUTE)
    assert Signal.objects.filter(strategy_id="broken_v1").count() == 1
    assert Signal.objects.filter(strategy_id="macd_crossover_v1").count() == 1
    assert (again(config).failures, config.failing_since, config.failure) == (0, None, "")


def test_a_person_who_changes_it_begins_a_new_row(
    macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = add(monkeypatch)
    make.history("AAPL", make.turning())
    for number in range(3):
        scan.run(AT + number * MINUTE)
    StrategyConfig.objects.filter(pk=config.pk).update(changed_at=AT + 3 * MINUTE)
    assert not StrategyConfig.objects.failing().exists()
    assert not again(config).is_failing
    scan.run(AT + 4 * MINUTE)
    assert (again(config).failures, config.failing_since) == (1, AT + 4 * MINUTE)
    assert [config] == list(StrategyConfig.objects.failing())
    assert config.is_failing


def test_pending_signals_of_the_others_are_still_rechecked(
    macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.history("AAPL", make.turning())
    scan.run(AT)
    add(monkeypatch, name="a_broken")
    make.history("AAPL", make.turning(last=0.0))
    scan.sweep(AT + MINUTE)
    assert Signal.objects.get().status == Signal.Status.CANCELLED


def test_records_and_outcomes_of_the_others_are_computed(
    macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(monkeypatch, name="a_broken")
    make.history("AAPL", make.turning())
    scan.run(AT)
    make.signal(strategy_id="a_broken", timeframe="15m", bar_opened_at=make.T0 - 2 * timedelta(minutes=15))
    assert records.refresh(AT) == [str(macd)]
    assert set(StrategyRecord.objects.values_list("strategy_id", flat=True)) == {macd.strategy_id}
    outcomes.refresh(AT)
    assert set(Outcome.objects.values_list("strategy_id", flat=True)) == {macd.strategy_id}


def test_health_the_doctor_and_a_message_name_it(
    macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.STRATEGY_FAILURES = 2
    add(monkeypatch)
    make.history("AAPL", make.turning())
    scan.run(AT)
    notify.about_strategies(AT)
    notify.about_strategies(AT + MINUTE)
    assert Notification.objects.get().title.startswith("broken_v1 15m fails since 2024-07-03 14:01 UTC")
    (check,) = (check for check in health.run_checks(AT) if check.name == "strategies")
    assert check.status == health.Status.DEGRADED
    assert "broken_v1 15m fails since 2024-07-03 14:01 UTC" in check.message
    assert "KeyError" not in check.message
    (finding,) = (finding for finding in doctor.examine(AT) if finding.about == "strategies")
    assert "KeyError: 'close'" in finding.text
    assert finding.advice
    scan.run(AT + MINUTE)
    notify.about_strategies(AT + MINUTE)
    assert [row.title for row in Notification.objects.order_by("pk")][1].startswith(
        "broken_v1 15m was switched off after 2 failures in a row"
    )


def test_the_signals_page_names_it_and_escapes_what_it_says(
    client: Client, macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(broken.WAYS, "it raises", ("compute", _raises_markup))
    add(monkeypatch)
    make.history("AAPL", make.turning())
    scan.run(AT)
    client.force_login(User.objects.create_superuser("ann"))
    page = client.get("/signals/").content.decode()
    assert "fails since" in page
    assert "ValueError: &lt;b&gt;" in page


def _raises_markup(*_: object) -> object:
    raise ValueError("<b>")


@pytest.mark.parametrize("way", ["it raises", "its number of bars raises", "its columns are too short"])
def test_a_signal_of_it_is_still_shown_with_its_bars(
    client: Client, macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    add(monkeypatch, way)
    make.history("AAPL", make.turning())
    signal = make.signal(
        strategy_id="broken_v1", timeframe="15m", bar_opened_at=make.T0 - 2 * timedelta(minutes=15)
    )
    client.force_login(User.objects.create_superuser("ann"))
    assert client.get(f"/signals/{signal.pk}/").status_code == 200
    bars = client.get(f"/signals/{signal.pk}/bars/")
    assert bars.status_code == 200
    assert bars.json()["series"] == []


def test_a_backtest_of_it_fails_with_what_went_wrong(
    macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(monkeypatch)
    make.history("AAPL", make.turning())
    test = backtest.request(strategy_id="broken_v1", timeframe="15m", symbols=["AAPL"], by=None, at=AT)
    backtest.run(test, AT)
    test.refresh_from_db()
    assert (test.status, test.error) == ("failed", "The strategy failed: KeyError: 'close'")
    with pytest.raises(CommandError, match="The strategy failed: KeyError: 'close'"):
        call_command("backtest", "broken_v1", "AAPL", "--timeframe", "15m")


class TestOneSymbol:
    """A symbol that breaks a strategy is left out by it; the strategy goes on with the others."""

    SYMBOLS = ("AAPL", "AMD", "MSFT", "NVDA", "TSLA")

    @pytest.fixture(autouse=True)
    def histories(self, macd: StrategyConfig) -> None:
        for symbol in self.SYMBOLS:
            make.instrument(symbol, "24/7")
            make.history(symbol, make.turning())

    @pytest.fixture(
        params=[ValueError("no number"), KeyError("close"), MemoryError(), RecursionError("deep")]
    )
    def sensitive(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> StrategyConfig:
        """A strategy that raises when MSFT is among the symbols, with the next of the errors."""

        def compute(strategy: MacdCrossover, panel: Panel) -> object:
            if "MSFT" in panel.symbols:
                raise request.param
            return MacdCrossover.compute(strategy, panel)

        monkeypatch.setitem(broken.WAYS, "one symbol", ("compute", compute))
        return add(monkeypatch, "one symbol")

    def signals_of(self, config: StrategyConfig) -> set[str]:
        return set(Signal.objects.filter(strategy_id=config.strategy_id).values_list("symbol", flat=True))

    def test_is_left_out_of_the_scan_and_named(self, macd: StrategyConfig, sensitive: StrategyConfig) -> None:
        scan.run(AT)
        assert self.signals_of(sensitive) == set(self.SYMBOLS) - {"MSFT"}
        assert self.signals_of(macd) == set(self.SYMBOLS)
        assert (again(sensitive).failures, again(macd).failures) == (0, 0)
        fault = Fault.objects.get()
        assert str(fault) == "MSFT: 15m scan from broken_v1"

    def test_is_left_out_of_the_record(self, macd: StrategyConfig, sensitive: StrategyConfig) -> None:
        assert len(records.refresh(AT)) == 2
        recorded = StrategyRecord.objects.filter(strategy_id="broken_v1").exclude(symbol="")
        assert set(recorded.values_list("symbol", flat=True)) == set(self.SYMBOLS) - {"MSFT"}
        assert records.refresh(AT + timedelta(seconds=10)) == []

    def test_is_left_out_of_the_recheck(self, macd: StrategyConfig, sensitive: StrategyConfig) -> None:
        scan.run(AT)
        for symbol in self.SYMBOLS:
            make.history(symbol, make.turning(last=-1.0))
        scan.sweep(AT + MINUTE)
        assert not Signal.objects.filter(status=Signal.Status.PENDING).exists()
        assert again(sensitive).failures == 0

    def test_whose_price_no_signal_can_hold_costs_no_strategy(self, macd: StrategyConfig) -> None:
        make.history("MSFT", [close * 1e13 for close in make.turning()])
        scan.run(AT)
        assert self.signals_of(macd) == set(self.SYMBOLS) - {"MSFT"}
        assert again(macd).failures == 0
        assert Fault.objects.get().subject == "MSFT"

    def test_a_strategy_that_fails_on_all_is_at_fault_itself(
        self, macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = add(monkeypatch)
        scan.run(AT)
        assert again(config).failures == 1
        assert not Fault.objects.exists()


def test_one_strategy_that_fails_is_left_alone_by_records_and_outcomes(
    macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def compute(*_: object) -> object:
        calls.append(1)
        raise KeyError("close")

    monkeypatch.setitem(broken.WAYS, "it raises", ("compute", compute))
    add(monkeypatch, name="a_broken")
    make.history("AAPL", make.turning())
    records.refresh(AT)
    assert records.refresh(AT + timedelta(seconds=10)) == []
    assert len(calls) == 1
    assert Fault.objects.get().subject == "a_broken 15m"


@pytest.mark.long
def test_one_that_does_not_end_is_left_out_after_its_deadline(
    macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(broken.WAYS, "it never ends", ("compute", _sleeps))
    config = add(monkeypatch, "it never ends", "a_broken")
    make.history("AAPL", make.turning())
    scan.run(AT)
    assert set(Signal.objects.values_list("strategy_id", flat=True)) == {"macd_crossover_v1"}
    assert again(config).failure == "It took longer than 30 s."


def _sleeps(*_: object) -> object:
    while True:
        time.sleep(0.1)


def _in_a_process_of_its_own(work: Callable[[], object]) -> int:
    """Return how a fork that does the work ends."""
    connection.close()  # a fork has no use for ours
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.django_db(transaction=True)
class TestOneThatKillsItsWorker:
    """It ends the process as a library does, or the kernel when memory is out: nothing is left to catch."""

    @pytest.fixture
    def deadly(self, macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch) -> StrategyConfig:
        monkeypatch.setitem(broken.WAYS, "it kills", ("compute", lambda *_: os._exit(9)))
        make.history("AAPL", make.turning())
        return add(monkeypatch, "it kills", "a_deadly")

    def test_is_known_by_the_second_and_left_out_of_the_third_scan(self, deadly: StrategyConfig) -> None:
        for number in range(2):
            assert _in_a_process_of_its_own(partial(scan.run, AT + number * MINUTE)) == 9
        assert not Signal.objects.exists()
        assert scan.run(AT + 2 * MINUTE).outcome == Scan.Outcome.FINISHED
        assert set(Signal.objects.values_list("strategy_id", flat=True)) == {"macd_crossover_v1"}
        assert (again(deadly).failures, deadly.failure) == (1, DIED)
        outcomes = list(Scan.objects.order_by("pk").values_list("outcome", "evaluating"))
        assert outcomes == [("broken", ""), ("broken", "a_deadly 15m"), ("finished", "")]

    def test_is_switched_off_after_so_many(self, deadly: StrategyConfig, settings: Settings) -> None:
        settings.STRATEGY_FAILURES = 2
        number = 0
        while again(deadly).enabled:
            assert number < 6
            _in_a_process_of_its_own(partial(scan.run, AT + number * MINUTE))
            number += 1
        assert deadly.failures == 2

    def test_is_left_out_of_the_next_records(self, macd: StrategyConfig, deadly: StrategyConfig) -> None:
        assert _in_a_process_of_its_own(partial(records.refresh, AT)) == 9
        assert records.refresh(AT + timedelta(seconds=10)) == [str(macd)]
        assert (Fault.objects.get().subject, Fault.objects.get().reason) == ("a_deadly 15m", DIED)
