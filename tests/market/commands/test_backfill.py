"""`manage.py backfill`: history of some symbols, fetched on request."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from market.models import Candle
from tests import make
from tests.clock import NOW

pytestmark = pytest.mark.django_db

SINCE = (NOW - timedelta(days=20)).date().isoformat()


@pytest.fixture(autouse=True)
def simulated() -> None:
    make.only("AAPL", "MSFT", calendar="24/7")
    make.round_the_clock(timezone.now(), days=60, ahead=400)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("backfill", *arguments, stdout=out)
    return out.getvalue()


def test_it_fetches_the_history(capfd: pytest.CaptureFixture[str]) -> None:
    output = run("aapl", "MSFT", "AAPL", "--since", SINCE)
    assert capfd.readouterr().err == ""  # no progress where nobody watches
    stored = Candle.objects.filter(
        timeframe="1d", symbol__in=["AAPL", "MSFT"], opened_at__gte=f"{SINCE}T00:00Z"
    )
    assert output == f"{stored.count()} candles new or changed.\n"
    assert 40 <= stored.count() <= 42


def test_a_person_at_a_terminal_sees_how_far_it_is_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    run("AAPL", "MSFT", "--since", SINCE)
    assert "2/2" in terminal.getvalue()
    assert terminal.getvalue().count("\n") == 1


def test_twice_changes_nothing_that_is_final() -> None:
    run("AAPL", "--since", SINCE)
    final = list(Candle.objects.filter(is_final=True).order_by("opened_at").values())
    run("AAPL", "--since", SINCE)
    assert list(Candle.objects.filter(is_final=True).order_by("opened_at").values()) == final


def test_an_unknown_symbol_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(CommandError, match=r"not on the list of instruments: NOPE\. Add them in admin first"):
        run("AAPL", "NOPE", "--since", SINCE)
    assert not Candle.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["AAPL", "--since", "yesterday"], "'yesterday' is no date: write it as 2024-01-31"),
        (["AAPL", "--since", SINCE, "--timeframe", "1h"], "invalid choice: '1h'"),
        (["AAPL"], "--since"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        run(*arguments)


def test_a_failure_is_told_and_fails_the_command(settings: Settings) -> None:
    settings.PROVIDERS = []
    with pytest.raises(CommandError, match="1 failed"):
        run("AAPL", "--since", SINCE)
