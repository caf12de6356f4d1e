"""POST /api/v1/signals/{id}/cancel/"""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from rest_framework.test import APIClient

from signals.models import Signal
from tests import make
from tests.signals.api.conftest import Pending


def url(signal: Signal) -> str:
    return f"/api/v1/signals/{signal.pk}/cancel/"


def test_a_cancelled_signal_says_who_took_it_off_and_why(trader: APIClient, pending: Pending) -> None:
    signal = pending()
    answer = trader.post(url(signal), {"reason": "earnings tonight"})
    shown = answer.json()
    assert (answer.status_code, shown["id"], shown["status"]) == (200, str(signal.pk), "cancelled")
    assert shown["ended_reason"] == "cancelled by trader: earnings tonight"
    assert Signal.objects.get().status == Signal.Status.CANCELLED


def test_it_is_written_down(trader: APIClient, pending: Pending) -> None:
    signal = pending()
    trader.post(url(signal), {"reason": "earnings tonight"})
    entry = LogEntry.objects.get()
    assert (str(entry.user), entry.object_id) == ("trader", str(signal.pk))
    assert entry.get_change_message() == "Cancelled: earnings tonight"


@pytest.mark.parametrize("body", [None, {}, {"reason": ""}])
def test_a_reason_is_not_needed(trader: APIClient, pending: Pending, body: Any) -> None:
    answer = trader.post(url(pending()), body)
    assert answer.json()["ended_reason"] == "cancelled by trader"
    assert LogEntry.objects.get().get_change_message() == "Cancelled."


def test_the_tag_is_that_of_the_signal_as_it_is_now(trader: APIClient, pending: Pending) -> None:
    signal = pending()
    etag = trader.post(url(signal))["ETag"]
    assert trader.get(f"/api/v1/signals/{signal.pk}/")["ETag"] == etag


def test_twice_is_refused_with_what_it_is_and_since_when(trader: APIClient, pending: Pending) -> None:
    signal = pending()
    ended_at = trader.post(url(signal), {"reason": "mine"}).json()["ended_at"]
    answer = trader.post(url(signal), {"reason": "mine too"})
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    since = ended_at[:16].replace("T", " ")
    assert answer.json()["detail"] == f"It is cancelled since {since} UTC (cancelled by trader: mine)."
    assert LogEntry.objects.count() == 1


def test_an_overdue_signal_is_expired_not_cancelled(trader: APIClient) -> None:
    signal = make.signal()
    answer = trader.post(url(signal))
    assert answer.status_code == 409
    assert answer.json()["detail"] == "It is expired since 2024-07-03 17:00 UTC."
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"because": "x"}, "because is not a known field. Choose from: reason."),
        ({"reason": "x" * 501}, "reason: Ensure this field has no more than 500 characters."),
        ({"reason": None}, "reason: This field may not be null."),
        ({"reason": "a\0"}, "reason: Null characters are not allowed."),
        ([], "Expected a dictionary"),
    ],
)
def test_an_unfit_body_changes_nothing(
    trader: APIClient, pending: Pending, body: Any, complaint: str
) -> None:
    signal = pending()
    answer = trader.post(url(signal), body)
    assert answer.status_code == 400
    assert complaint in answer.json()["detail"]
    assert Signal.objects.get().status == Signal.Status.PENDING


def test_a_reader_may_not_cancel(reader: APIClient, pending: Pending) -> None:
    assert reader.post(url(pending())).status_code == 403
    assert Signal.objects.get().status == Signal.Status.PENDING


def test_a_stranger_may_not_cancel(stranger: APIClient, pending: Pending) -> None:
    assert stranger.post(url(pending())).status_code == 401
    assert Signal.objects.get().status == Signal.Status.PENDING
