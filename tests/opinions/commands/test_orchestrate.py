from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django_q.models import OrmQ

from opinions.models import OrchestrationRun
from tests import make

pytestmark = pytest.mark.django_db


def output() -> str:
    out = StringIO()
    call_command("orchestrate", "--all", stdout=out)
    return out.getvalue()


def test_every_watched_instrument_is_asked_about_once() -> None:
    make.only("AAPL", "MSFT")
    assert "about 2 instruments" in output()
    assert "about 0 instruments" in output()
    assert {run.symbol for run in OrchestrationRun.objects.all()} == {"AAPL", "MSFT"}
    assert {queued.key for queued in OrmQ.objects.all()} == {"slow"}


def test_an_analyst_that_is_not_set_up_is_refused_with_what_to_do(settings: Any) -> None:
    make.only("AAPL")
    settings.ANALYST = "llm"
    with pytest.raises(CommandError, match="Set LLM_BASE_URL and LLM_MODEL"):
        output()
    assert not OrchestrationRun.objects.exists()


def test_without_all_it_says_what_it_needs() -> None:
    with pytest.raises(CommandError, match="--all"):
        call_command("orchestrate")
