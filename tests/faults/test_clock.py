"""A clock that jumped days ahead, and back: what was stored meanwhile holds nothing up and hides nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from approvals import entry_check, gate, halt, notify, positions
from approvals.brokers.base import Leg
from approvals.execution.account import halt_on_loss
from approvals.execution.reconcile import _left_behind
from approvals.models import AccountSnapshot, Delivery, Gate, Notification, TradingHalt
from approvals.notify import outbox
from jaxsite.monitoring import health
from jaxsite.processes import schedules
from market import doctor, feeds, quotes, store
from market.ingestion.schedule import _is_new
from market.models import CandleProgress, IngestionRun, ProviderPace, ProviderStatus, Quote
from market.prices import Feed
from market.providers.base import Limit
from market.queries.freshness import stale_symbols
from opinions import budget
from signals.models import Scan
from tests import make
from tests.approvals import execution_rows
from tests.approvals.paper_tape import Account, Tape, bracket, closing, held

pytestmark = pytest.mark.django_db

T0 = make.T0
AHEAD = T0 + timedelta(days=3)
MINUTE = timedelta(minutes=1)


def add_snapshot(at: datetime, equity: int) -> None:
    money = dict.fromkeys(("equity", "cash", "buying_power"), Decimal(equity))
    AccountSnapshot.objects.create(broker="paper", at=at, currency="USD", **money)


class TestTheAccount:
    @pytest.fixture(autouse=True)
    def day(self) -> None:
        make.july_2024()
        make.only("AAPL")
        add_snapshot(T0 - timedelta(days=1), 100_000)
        add_snapshot(AHEAD, 100_000)

    def test_is_what_was_seen_last_until_now(self) -> None:
        add_snapshot(T0, 99_000)
        account = positions.account(T0 + MINUTE)
        assert account is not None
        assert (account.snapshot.at, account.day_result) == (T0, Decimal(-1_000))

    def test_counts_as_unseen_when_nothing_was_seen_lately(self) -> None:
        account = positions.account(T0)
        assert account is not None
        with pytest.raises(positions.Unknown):
            account.require_fresh(T0)

    def test_money_of_entries_recorded_then_is_not_set_aside_for_days(self) -> None:
        add_snapshot(T0, 99_000)
        order = make.order(status="filled", filled_quantity=10, submitted_at=T0, ended_at=T0)
        make.fill(order, 10, recorded_at=AHEAD)
        account = positions.account(T0)
        assert account is not None
        assert account.bought == 0

    def test_a_halt_for_a_loss_then_does_not_silence_the_limit_now(self) -> None:
        halt.start(TradingHalt.Cause.DAY_LOSS, "The account lost.", AHEAD)
        halt.end(T0, None, "the clock was wrong")
        add_snapshot(T0, 90_000)
        halt_on_loss("paper", T0)
        assert gate.state(T0).halted


class TestTheGate:
    def test_opens_by_the_rounds_until_now(self) -> None:
        make.ready(T0)
        IngestionRun.objects.bulk_create(
            IngestionRun(
                kind=IngestionRun.Kind.QUOTES,
                outcome=IngestionRun.Outcome.FINISHED,
                started_at=AHEAD - minute * MINUTE,
                finished_at=AHEAD - minute * MINUTE,
                stored=minute % 2,
            )
            for minute in range(gate.ROUNDS)
        )
        assert gate.state(T0).closed is None

    def test_a_broker_that_was_asked_then_was_not_asked_now(self) -> None:
        make.ready(T0)
        Gate.objects.update(checked_at=AHEAD, broker_good_since=AHEAD)
        assert gate.state(T0).broker == gate.Closed(Gate.Trouble.BROKER_UNCHECKED)

    def test_opens_a_minute_after_the_clock_is_right_again(self) -> None:
        make.ready(T0)
        Gate.objects.update(checked_at=AHEAD, broker_good_since=AHEAD)
        assert [gate.check(T0 + minute * MINUTE, "").is_open for minute in range(2)] == [False, True]


class TestQuotes:
    @pytest.fixture(autouse=True)
    def market(self) -> None:
        make.july_2024()
        make.only("AAPL")
        make.quote("AAPL", 500.0, AHEAD)

    def test_one_from_then_is_stale(self) -> None:
        assert stale_symbols(T0) == ["AAPL"]
        quote = Quote.objects.get()
        assert quotes.is_stale(quote, "XNYS", T0 - timedelta(hours=1), T0)

    @pytest.mark.parametrize("provider", ["alpaca", "polygon"])
    def test_one_from_then_gives_way_to_the_next(self, provider: str) -> None:
        tick = make.tick(price=185.0, as_of=T0)
        store.write_quotes([tick], provider=provider, feed=Feed.LIVE, delay=timedelta(0), at=T0)
        assert Quote.objects.get().price == 185.0

    def test_no_entry_is_made_on_one_from_then(self) -> None:
        order = execution_rows.entry(status="waiting_open", due_at=T0)
        assert any("in the future" in problem for problem in entry_check.problems(order, T0))


class TestThePaperAccount:
    DAYS = 3 * 24 * 60

    def test_a_position_is_closed_though_that_was_asked_for_then(self) -> None:
        account = Account(Tape())
        held(account)
        account.at(self.DAYS).close(closing())
        account.tape.quote(101.0, 9)
        assert account.fills(10)[1:] == [(Leg.CLOSE, 100, "100.96", 9)]

    def test_a_stop_works_though_the_entry_was_filled_then(self) -> None:
        account = Account(Tape())
        account.at(self.DAYS).place(bracket(good_until=AHEAD + timedelta(hours=2)))
        account.tape.quote(99.0, self.DAYS + 1)
        assert [fill[0] for fill in account.fills(self.DAYS + 1)] == [Leg.ENTRY]
        account.tape.quote(94.0, 9)
        assert (Leg.STOP, 100, "93.97", 9) in account.fills(10)


class TestWhatWaits:
    def test_a_provider_is_not_left_alone_for_days(self) -> None:
        row = ProviderStatus(provider="alpaca", kind="quotes", cool_off_until=AHEAD)
        assert not row.cools_off(T0)
        row.cool_off_until = T0 + timedelta(minutes=30)
        assert row.cools_off(T0)

    def test_requests_do_not_wait_for_slots_from_then(self) -> None:
        limit = Limit("minute", 1, 60)
        then = datetime(2100, 1, 1, tzinfo=UTC).timestamp()  # these go by the database's clock
        ProviderPace.objects.create(provider="alpaca", limit="minute", slots=[then])
        assert feeds.DatabasePace("alpaca").reserve([limit], 1) == [pytest.approx(0, abs=1)]

    def test_bars_are_asked_for_though_an_answer_came_then(self) -> None:
        row = CandleProgress(symbol="AAPL", timeframe="15m", answered_through=AHEAD)
        assert _is_new(row, T0)
        row.answered_through = T0
        assert not _is_new(row, T0)

    def test_a_message_goes_out_though_it_was_put_off_then(self) -> None:
        notify.put(Notification.Kind.HALT, "halt", "Trading is halted", T0)
        outbox.queue("target", T0)
        Delivery.objects.update(due_at=AHEAD)
        assert outbox.due("target", T0).count() == 1

    def test_an_order_decided_on_then_is_picked_up(self) -> None:
        order = execution_rows.entry(at=AHEAD)
        assert _left_behind(T0) == [order]
        assert _left_behind(AHEAD) == []

    def test_what_analysts_cost_then_is_not_of_today(self) -> None:
        make.run(cost_usd=Decimal("0.95"), started_at=AHEAD)
        assert budget.spent(T0)[1] == 0


class TestPeriodicTasks:
    def test_they_run_at_once_when_they_were_put_off(self) -> None:
        tasks = schedules.periodic()
        schedules.write(tasks, AHEAD)
        schedules.bring_forward(T0)
        assert set(Schedule.objects.values_list("next_run", flat=True)) == {T0}

    def test_otherwise_they_keep_their_turn(self) -> None:
        schedules.write(schedules.periodic(), T0)
        before = set(Schedule.objects.values_list("name", "next_run"))
        schedules.bring_forward(T0)
        schedules.bring_forward(T0 - MINUTE)
        assert set(Schedule.objects.values_list("name", "next_run")) == before

    def test_the_scheduler_brings_them_forward_before_it_looks(self) -> None:
        now = timezone.now()
        schedules.write(schedules.periodic(), now + timedelta(days=3))
        OrmQ.objects.all().delete()
        due: list[int] = []
        scheduler = schedules.bringing_forward(
            lambda broker: due.append(Schedule.objects.filter(next_run__lte=timezone.now()).count())
        )
        scheduler(broker=None)
        assert due == [len(schedules.periodic())]


class TestWhatIsSaid:
    def checks(self) -> dict[str, tuple[str, str]]:
        return {check.name: (check.status.value, check.message) for check in health.run_checks(T0)}

    def run(self, at: datetime) -> None:
        finished = {"kind": "quotes", "outcome": "finished"}
        IngestionRun.objects.create(started_at=at, finished_at=at, **finished)

    def test_a_worker_that_is_down_is_down(self) -> None:
        self.run(T0 - timedelta(hours=1))
        self.run(AHEAD)
        Scan.objects.create(outcome="finished", started_at=AHEAD, finished_at=AHEAD)
        assert self.checks()["worker"][1].startswith("The last cycle finished 3600 s ago. The worker seems")
        assert self.checks()["scans"][1].startswith("No scan has finished yet")

    def test_a_clock_that_is_ahead_is_told(self) -> None:
        self.run(AHEAD)
        status, message = self.checks()["clock"]
        assert (status, message.split(",")[0]) == (
            "degraded",
            "The worker's clock says 2024-07-06 14:00 UTC",
        )
        [finding] = doctor.site.clock(T0)
        assert "set it" in finding.advice

    def test_one_that_was_is_mentioned(self) -> None:
        self.run(AHEAD)
        self.run(T0)
        assert self.checks()["clock"][0] == "healthy"
        [finding] = doctor.site.clock(T0)
        assert (finding.about, finding.advice) == ("clock", "")

    def test_nothing_is_said_of_one_that_is_right(self) -> None:
        self.run(T0)
        assert "clock" not in self.checks()
        assert list(doctor.site.clock(T0)) == []
