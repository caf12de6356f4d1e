from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from market.models import CorporateAction
from tests import make
from tests.loopback import alpaca, watch
from tests.vendors import Alpaca

__all__ = ["alpaca"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "dividends.csv"
    path.write_text("Date,Dividends\n2024-05-10,0.25\n2024-08-12,0.25\n")
    return path


def corporate_actions(*args: str) -> str:
    out = StringIO()
    call_command("corporate_actions", *args, stdout=out)
    return out.getvalue()


def test_a_file_is_loaded_once_however_often(file: Path) -> None:
    make.instrument()
    User.objects.create_superuser("olga")
    load = ("AAPL", "--load", str(file), "--by", "olga", "--why", "from the company")
    assert "2 new of 2" in corporate_actions(*load)
    again = corporate_actions(*load)
    assert "0 new of 2" in again
    assert "2024-08-12 AAPL cash dividend 0.25 USD (file)" in again
    assert CorporateAction.objects.values_list("why", flat=True)[0] == "from the company"


@pytest.mark.parametrize(
    ("args", "says"),
    [(["--by", "nobody"], "Say who"), (["--by", "ann", "--why", "w"], "may not"), ([], "Say who")],
)
def test_who_may_not_is_refused(file: Path, args: list[str], says: str) -> None:
    make.instrument()
    User.objects.create_user("ann")
    with pytest.raises(CommandError, match=says):
        corporate_actions("AAPL", "--load", str(file), *args)
    assert not CorporateAction.objects.exists()


def test_a_file_that_cannot_be_read_loads_nothing(tmp_path: Path) -> None:
    make.instrument()
    User.objects.create_superuser("olga")
    path = tmp_path / "bad.csv"
    path.write_text("Date,Dividends\n2024-05-10,0.25\nsoon,0.25\n")
    with pytest.raises(CommandError, match="line 3"):
        corporate_actions("AAPL", "--load", str(path), "--by", "olga", "--why", "w")
    assert not CorporateAction.objects.exists()


def test_the_providers_are_asked_now(settings: Settings, alpaca: Alpaca) -> None:
    watch(settings, "AAPL")
    row = {"symbol": "AAPL", "rate": 0.25, "ex_date": "2024-08-12", "process_date": "2024-08-15"}
    alpaca.actions = {"cash_dividends": [row]}
    assert "1 new facts from the providers" in corporate_actions("--fetch")
