"""People are told once, over HTTP for real, or it is said why they were not."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from approvals import notify
from approvals.models import Delivery, Notification
from tests import make
from tests.approvals.listener import Listener

Kind = Notification.Kind
Status = Delivery.Status
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def listener(settings: Settings) -> Iterator[Listener]:
    with Listener() as listening:
        settings.NOTIFY_URLS = [listening.url("/secret-token")]
        yield listening


def put(kind: Kind = Kind.ORDER_FILLED, key: str = "order 1", title: str = "Bought 10 AAPL") -> None:
    notify.put(kind, key, title, make.T0, body="at 185.50", path="/orders/1/")


def put_many(count: int, kind: Kind = Kind.ORDER_FILLED) -> None:
    for number in range(count):
        put(kind, f"{kind} {number}", f"{kind.label} {number}")


def states() -> list[str]:
    return list(Delivery.objects.order_by("notification_id").values_list("status", flat=True))


def test_a_message_is_delivered_once(listener: Listener) -> None:
    put()
    put()
    assert notify.send(make.T0) == {"sent": 1}
    assert notify.send(make.T0 + MINUTE) == {}
    assert listener.taken[0]["title"] == "Bought 10 AAPL"
    assert listener.taken[0]["message"] == "at 185.50\n\nhttp://127.0.0.1:8095/orders/1/"
    assert len(listener.paths) == 1


def test_each_address_gets_it_once(listener: Listener, settings: Settings) -> None:
    settings.NOTIFY_URLS = [listener.url("/a"), listener.url("/b"), listener.url("/a")]
    put()
    notify.send(make.T0)
    assert sorted(listener.paths) == ["/a", "/b"]


@pytest.mark.parametrize("status", [500, 429, 404])
def test_a_message_that_was_refused_is_tried_again_with_growing_pauses(
    listener: Listener, status: int
) -> None:
    listener.answers = [status] * 3
    put()
    for minutes in range(8):
        notify.send(make.T0 + minutes * MINUTE)
        assert len(listener.paths) == {0: 1, 1: 2, 2: 2, 3: 3}.get(minutes, 3 if minutes < 7 else 4)
    assert listener.titles == ["Bought 10 AAPL"]
    assert states() == [Status.SENT]


def test_a_service_that_is_away_gets_it_later(listener: Listener, settings: Settings) -> None:
    with Listener() as gone:
        settings.NOTIFY_URLS = [gone.url()]
    put()
    assert notify.send(make.T0) == {"waiting": 1}
    problem = Delivery.objects.get().problem
    assert problem == "The service could not be reached, or refused the connection."


def test_after_a_day_it_is_given_up_and_said_so(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    listener.answers = [500] * 1000
    put()
    notify.send(make.T0)
    assert notify.send(make.T0 + DAY) == {"failed": 1}
    assert notify.send(make.T0 + DAY + HOUR) == {}
    delivery = Delivery.objects.get()
    assert delivery.get_status_display() == "given up after a day"
    assert delivery.problem == "The service answered with HTTP status 500."
    assert "1 messages to people: given up after a day" in caplog.text


def test_when_no_answer_comes_it_is_unknown_whether_it_arrived_and_not_sent_again(
    listener: Listener, settings: Settings
) -> None:
    settings.NOTIFY_URLS = [listener.url(seconds=1)]
    listener.answers = [Listener.HANG]
    put()
    assert notify.send(make.T0) == {"unknown": 1}
    assert notify.send(make.T0 + HOUR) == {}
    assert len(listener.paths) == 1


def test_a_delivery_whose_sender_died_is_unknown_after_a_while_and_not_sent_again(listener: Listener) -> None:
    put()
    notify.send(make.T0)
    Delivery.objects.update(status=Status.SENDING)
    assert notify.send(make.T0 + 9 * MINUTE) == {}
    assert notify.send(make.T0 + 10 * MINUTE) == {"unknown": 1}
    assert len(listener.paths) == 1


def test_when_one_of_several_recipients_fails_none_is_told_twice(
    listener: Listener, settings: Settings
) -> None:
    settings.NOTIFY_URLS = [listener.url("/one/two").replace("json:", "ntfy:")]
    listener.answers = [200, 500]
    put()
    assert notify.send(make.T0) == {"unknown": 1}
    assert notify.send(make.T0 + HOUR) == {}
    assert len(listener.paths) == 2


def test_after_two_failures_the_rest_waits_for_the_next_minute(listener: Listener) -> None:
    listener.answers = [500, 500]
    put(key="a")
    put(Kind.HALT, key="b")
    put(Kind.GATE, key="c")
    notify.send(make.T0)
    assert len(listener.paths) == 2
    notify.send(make.T0 + MINUTE)
    assert len(listener.taken) == 3


def test_a_message_that_is_not_taken_holds_up_no_other(listener: Listener) -> None:
    listener.answers = [500]
    put(key="a")
    put(Kind.HALT, key="b")
    notify.send(make.T0)
    assert len(listener.taken) == 1


def test_without_an_address_nothing_is_queued_and_nothing_is_lost(settings: Settings) -> None:
    put()
    assert notify.send(make.T0) == {}
    assert Notification.objects.count() == 1
    assert not Delivery.objects.exists()


def test_a_new_address_does_not_get_what_is_older_than_an_hour(listener: Listener) -> None:
    put(key="old")
    notify.put(Kind.ORDER_FILLED, "new", "Bought 5 MSFT", make.T0 + HOUR)
    notify.send(make.T0 + HOUR + MINUTE)
    assert listener.titles == ["Bought 5 MSFT"]
    assert states() == [Status.EXPIRED, Status.SENT]


def test_what_waits_for_an_address_that_is_gone_is_not_sent(listener: Listener, settings: Settings) -> None:
    listener.answers = [500]
    put()
    notify.send(make.T0)
    settings.NOTIFY_URLS = []
    assert notify.send(make.T0 + MINUTE) == {"expired": 1}


def test_a_kind_that_is_off_is_written_down_and_not_sent(listener: Listener, settings: Settings) -> None:
    settings.NOTIFY_OFF = ["order_filled"]
    put()
    put(Kind.HALT, "halt 1", "Trading is halted")
    notify.send(make.T0)
    assert listener.titles == ["Trading is halted"]
    assert Notification.objects.count() == 2


def test_four_of_a_kind_come_as_one_message(listener: Listener) -> None:
    put_many(4)
    put(Kind.HALT, "halt 1", "Trading is halted")
    assert notify.send(make.T0) == {"sent": 5}
    assert listener.titles == ["4 messages: an order was filled", "Trading is halted"]
    assert listener.taken[0]["message"].splitlines()[:2] == [
        "an order was filled 0",
        "http://127.0.0.1:8095/orders/1/",
    ]


def test_three_of_a_kind_come_one_by_one(listener: Listener) -> None:
    put_many(3)
    notify.send(make.T0)
    assert len(listener.taken) == 3


def test_a_digest_is_short_however_much_there_is(listener: Listener) -> None:
    put_many(1000)
    assert notify.send(make.T0) == {"sent": 1000}
    assert listener.titles == ["1000 messages: an order was filled"]
    assert "and 990 more: http://127.0.0.1:8095" in listener.taken[0]["message"]
    assert len(listener.taken[0]["message"]) < 2000


def test_a_digest_that_failed_is_sent_again_whole(listener: Listener) -> None:
    listener.answers = [500]
    put_many(5)
    assert notify.send(make.T0) == {"waiting": 5}
    assert notify.send(make.T0 + MINUTE) == {"sent": 5}
    assert listener.titles == ["5 messages: an order was filled"]


def test_quiet_hours_hold_messages_back_and_end_in_a_digest(listener: Listener, settings: Settings) -> None:
    settings.NOTIFY_QUIET_HOURS, settings.NOTIFY_TIME_ZONE = (
        "09:00-12:00",
        "America/New_York",
    )  # T0: 10:00 there
    put_many(1)
    put_many(1, Kind.GATE)
    assert notify.send(make.T0) == {}
    assert notify.send(make.T0 + 2 * HOUR - MINUTE) == {}
    assert notify.send(make.T0 + 2 * HOUR) == {"sent": 2}
    assert listener.titles == ["2 messages"]


@pytest.mark.parametrize("kind", [Kind.HALT, Kind.ORDER_FAILED, Kind.ORDER_HELD])
def test_what_cannot_wait_comes_in_quiet_hours_too(
    listener: Listener, settings: Settings, kind: Kind
) -> None:
    settings.NOTIFY_QUIET_HOURS = "13:00-15:00"
    put(kind)
    assert notify.send(make.T0) == {"sent": 1}


def test_what_failed_before_the_quiet_hours_is_tried_again_after_them(
    listener: Listener, settings: Settings
) -> None:
    settings.NOTIFY_QUIET_HOURS = "14:01-15:00"
    listener.answers = [500]
    put()
    assert notify.send(make.T0) == {"waiting": 1}
    assert notify.send(make.T0 + 2 * MINUTE) == {}
    assert notify.send(make.T0 + HOUR) == {"sent": 1}


def test_silent_kinds_come_together_at_the_full_hour(listener: Listener, settings: Settings) -> None:
    settings.NOTIFY_SILENT = ["order_filled"]
    put_many(2)
    assert notify.send(make.T0 + MINUTE) == {}
    assert notify.send(make.T0 + HOUR) == {"sent": 2}
    assert listener.titles == ["2 messages: an order was filled"]


def test_old_messages_are_forgotten_after_thirty_days(listener: Listener) -> None:
    put()
    notify.send(make.T0)
    notify.prune(make.T0 + 30 * DAY)
    assert Notification.objects.count() == 1
    notify.prune(make.T0 + 30 * DAY + MINUTE)
    assert not Notification.objects.exists()
    assert not Delivery.objects.exists()


def test_sending_a_thousand_takes_as_many_queries_as_sending_ten(
    listener: Listener, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    put_many(1000)
    with django_assert_max_num_queries(13):
        notify.send(make.T0)
