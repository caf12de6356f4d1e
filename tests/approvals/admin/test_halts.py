"""Halting from the admin, and going on."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from approvals.models import TradingHalt
from tests import make

LIST = "/admin/approvals/tradinghalt/"
HALT, RESUME = f"{LIST}halt/", f"{LIST}resume/"

pytestmark = pytest.mark.django_db


def messages_after(client: Client, address: str, **content: str) -> list[str]:
    page = client.post(address, content, follow=True)
    return [str(message) for message in page.context["messages"]]


def halted() -> bool:
    return TradingHalt.objects.filter(ended_at=None).exists()


def test_the_operator_halts_with_a_reason(operator: Client) -> None:
    assert messages_after(operator, HALT, reason="odd prices") == [
        "Trading is halted: nothing is approved or sent. Positions can be closed and orders cancelled."
    ]
    halt = TradingHalt.objects.get()
    assert (halt.cause, halt.reason, str(halt.started_by)) == ("person", "odd prices", "operator")


def test_halting_twice_is_the_same_as_once(operator: Client) -> None:
    messages_after(operator, HALT, reason="odd prices")
    messages_after(operator, HALT, reason="still odd")
    assert TradingHalt.objects.get().reason == "odd prices"


def test_the_operator_resumes_with_a_note(operator: Client) -> None:
    messages_after(operator, HALT, reason="odd prices")
    [message] = messages_after(operator, RESUME, note="the feed was wrong")
    assert message.startswith("Trading goes on.")
    halt = TradingHalt.objects.get()
    assert (halt.ended_note, str(halt.ended_by)) == ("the feed was wrong", "operator")
    assert messages_after(operator, RESUME, note="again") == ["Trading was not halted."]


@pytest.mark.parametrize(("address", "wanted"), [(HALT, "is halted"), (RESUME, "goes on")])
def test_neither_is_done_without_a_word(operator: Client, address: str, wanted: str) -> None:
    TradingHalt.objects.create(cause="day_loss", reason="-3 %", started_at=make.T0)
    assert messages_after(operator, address, reason=" ", note=" ") == [
        f"Nothing was done: say why trading {wanted}."
    ]
    assert TradingHalt.objects.filter(ended_at=None).count() == 1


def test_the_buttons_are_those_that_make_sense(operator: Client) -> None:
    assert "Resume trading" not in operator.get(LIST).content.decode()
    messages_after(operator, HALT, reason="odd prices")
    page = operator.get(LIST).content.decode()
    assert "Resume trading" in page
    assert "Halt trading" in page


def test_a_reader_and_a_stranger_do_neither(reader: Client, stranger: Client) -> None:
    assert "Halt trading" not in reader.get(LIST).content.decode()
    assert reader.post(HALT, {"reason": "no"}).status_code == 403
    assert stranger.post(HALT, {"reason": "no"}).status_code == 302
    assert not halted()
    TradingHalt.objects.create(cause="person", reason="odd prices", started_at=make.T0)
    assert reader.post(RESUME, {"note": "no"}).status_code == 403
    assert stranger.post(RESUME, {"note": "no"}).status_code == 302
    assert halted()


def test_who_may_add_a_halt_may_halt_but_not_resume(reader: Client) -> None:
    permission = Permission.objects.get(codename="add_tradinghalt")
    User.objects.get(username="reader").user_permissions.add(permission)
    messages_after(reader, HALT, reason="odd prices")
    assert "Resume trading" not in reader.get(LIST).content.decode()
    assert reader.post(RESUME, {"note": "no"}).status_code == 403
    assert halted()


def test_both_take_a_post_only(operator: Client) -> None:
    assert operator.get(HALT).status_code == operator.get(RESUME).status_code == 405
