"""The commands in docs/api.md, run as they are written."""

import os
import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from approvals.models import Order, TradeApproval
from opinions.models import OrchestrationRun
from tests import make
from tests.jaxsite.processes import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

DECIDING = ("Decisions", "Orders and positions", "Outcomes and the scorecard")


def commands(*sections: str) -> str:
    """The blocks of these sections that are commands, one after the other."""
    parts = re.split(r"^## (.+)$", (ROOT / "docs" / "api.md").read_text(), flags=re.MULTILINE)
    texts = dict(zip(parts[1::2], parts[2::2], strict=True))
    fences = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    blocks = (fence for name in sections for fence in fences.findall(texts[name]))
    return "\n".join(block for language, block in blocks if not language)


def run(script: str, server: LiveServer, token: str, folder: Path) -> str:
    here = script.replace("http://127.0.0.1:8095", server.url)
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", here],
        cwd=folder,
        env=os.environ | {"TOKEN": token},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_every_command_of_a_decision_runs_as_it_is_written(live_server: LiveServer, tmp_path: Path) -> None:
    now = timezone.now()
    make.only("AAPL", "MSFT", calendar="24/7")
    make.round_the_clock(now)
    make.ready(now)
    for symbol, minutes in (("AAPL", 50), ("MSFT", 55)):
        make.quote(symbol, 185.60, now)
        make.signal(symbol, expires_at=now + timedelta(minutes=minutes))
    token = make.token(make.trader())
    output = run(commands(*DECIDING), live_server, token, tmp_path)
    assert [
        (approval.approved, approval.signal.symbol) for approval in TradeApproval.objects.order_by("pk")
    ] == [
        (True, "AAPL"),
        (False, "MSFT"),
    ]
    order = Order.objects.get()
    assert (order.quantity, order.status) == (2, "cancelled")
    assert output.count('"status": 409') == 1
    assert "Traceback" not in output
    connection.close()


def test_every_command_of_a_second_opinion_runs_as_it_is_written(
    live_server: LiveServer, tmp_path: Path
) -> None:
    make.only("AAPL")
    make.signal(expires_at=timezone.now() + timedelta(hours=1))
    make.memory("Rejected before earnings.")
    user = make.trader()
    asks = ("add_orchestrationrun", "change_orchestrationrun")
    user.user_permissions.add(*Permission.objects.filter(codename__in=asks))
    token = make.token(user)
    output = run(commands("Second opinions"), live_server, token, tmp_path)
    runs = OrchestrationRun.objects.order_by("queued_at").values_list("status", "context")
    assert list(runs) == [("cancelled", "Earnings on Thursday."), ("queued", "")]
    assert "Rejected before earnings." in output
    assert '"status": 4' not in output
    connection.close()
