"""`manage.py moves`: what waits for an answer, and the answers."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from market import store
from market.models import Instrument, UnexplainedMove
from market.prices import Feed, Timeframe
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people() -> None:
    olga, _ = User.objects.create_user("olga"), User.objects.create_user("vera")
    olga.groups.add(Group.objects.get(name="operator"))


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("moves", *arguments, stdout=out)
    return out.getvalue()


def test_it_lists_what_waits() -> None:
    make.move()
    assert run() == (
        "AAPL 2024-07-02: 200 to 100, as a split by 2 (import, 1d; asked 2024-07-03 14:00 UTC)\n"
        "1 to answer.\n"
    )
    assert run("MSFT") == "0 to answer.\n"


def test_it_takes_an_answer() -> None:
    make.move(looks_like=0.1)
    answered = run("aapl", "2024-07-02", "split", "--ratio", "1/10", "--by", "olga", "--why", "notice")
    assert answered == "AAPL 2024-07-02: a share split, 0.1:1.\n"
    assert UnexplainedMove.objects.get().ratio == 0.1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["AAPL", "2024-07-02"], "Say what the move was"),
        (["AAPL", "2024-07-03", "real", "--by", "olga", "--why", "crash"], "Nothing is asked about"),
        (["AAPL", "2024-07-02", "real", "--by", "olga"], "Say why"),
        (["AAPL", "2024-07-02", "real", "--why", "crash"], "--by USER"),
        (["AAPL", "2024-07-02", "real", "--why", "crash", "--by", "vera"], "vera may not answer"),
        (["AAPL", "2024-07-02", "split", "--ratio", "x"], "'x' is no ratio"),
    ],
)
def test_half_an_answer_is_refused(arguments: list[str], why: str) -> None:
    make.move()
    with pytest.raises(CommandError, match=why):
        run(*arguments)
    assert UnexplainedMove.objects.open().exists()


def test_it_looks_through_what_was_stored_before_there_were_questions() -> None:
    make.only("AAPL", calendar="24/7")
    bars = make.bars([100.0] * 20 + [50.0] * 5, make.T0.replace(hour=0), Timeframe.D1)
    bars.open[20] = 50
    store.write_candles({"AAPL": bars}, Timeframe.D1, provider="import", feed=Feed.LIVE)
    assert run("--look").endswith("1 to answer.\n")
    assert run("--look").endswith("1 to answer.\n")


def test_one_symbol_that_cannot_be_looked_through_keeps_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    make.only("AAAA", "MSFT", calendar="24/7")
    bars = make.bars([100.0] * 20 + [50.0] * 5, make.T0.replace(hour=0), Timeframe.D1)
    bars.open[20] = 50
    store.write_candles({"AAAA": bars, "MSFT": bars}, Timeframe.D1, provider="import", feed=Feed.LIVE)
    Instrument.objects.filter(pk="AAAA").delete()
    assert run("--look").endswith("1 to answer.\n")
    assert "AAAA 1d cannot be looked through: DoesNotExist" in capsys.readouterr().err
