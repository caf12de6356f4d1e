"""Every page: nothing that axe-core calls serious, nothing on the console, nothing wider than the screen."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from approvals.positions import trades
from opinions.models import OrchestrationRun
from signals.models import Signal
from tests import make
from tests.approvals.positions.trades.rows import entry, leave
from tests.browser.conftest import Visit, Visitor, times

pytestmark = [pytest.mark.slow, pytest.mark.long]


FITS = "document.documentElement.scrollWidth <= window.innerWidth"
# What its panel cuts off.
CUT_OFF = """[...document.querySelectorAll(".panel")].filter((one) => one.scrollWidth > one.clientWidth + 1)
    .map((one) => one.querySelector("h2")?.textContent)"""
# It would fetch the style sheets once more, and describe all that is well.
QUIETLY = {"preload": False, "resultTypes": ["violations"]}
GRAVE = {"serious", "critical"}
PAGES = [
    "/",
    "/signals/",
    "/instruments/AAPL/",
    "/positions/",
    "/trades/",
    "/scorecard/",
    "/away/",
    "/status/",
    "/account/",
    "/opinions/",
]
FORMS = ["/account/password/", "/positions/MSFT/close/", "/halt/", "/login/", "/nowhere/"]


@pytest.fixture
def signal(market: None, at: datetime) -> Signal:
    """One that waits, on a market with a position, a closed trade and opinions of every kind."""
    make.held("MSFT")
    leave(entry(), "192")
    trades.refresh(at)
    make.sell("AAPL", **times(at))
    waiting = make.signal("AAPL", **times(at), confidence=Decimal("0.8"))
    opinions(waiting, at)
    return waiting


def opinions(signal: Signal, at: datetime) -> None:
    """One in every state, on the signal and on the instrument; the newest is not grounded."""
    sides = [
        {"verdict": verdict, "text": f"It speaks {verdict} it, by 12.5 %."} for verdict in ("for", "against")
    ]
    struck = [{"text": "4,321.77", "start": 5, "end": 13}]
    failed = {"status": "failed", "error": "It gave no answer within 120 s.", "finished_at": at}
    states: list[dict[str, Any]] = [
        {"analyst": "llm", "reasoning": "From 4,321.77.", "inventions": struck, "key_factors": sides},
        {"agent_suggestion": "PASS", "key_factors": sides},
        {"agent_suggestion": "HOLD", "contradictions": ["It says HOLD and means BUY."]},
        {"analyst": "agent0", **failed},
    ]
    for minutes, given in enumerate(states):
        make.run(signal, queued_at=at - timedelta(minutes=minutes), in_time=minutes == 0, **given)
    make.run(None, queued_at=at, status="queued")
    make.run(None, queued_at=at - timedelta(minutes=1))


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_every_page_is_sound(visit: Visit, signal: Signal, width: int, dark: bool) -> None:
    runs = [f"/opinions/{run.pk}/" for run in OrchestrationRun.objects.all()]
    addresses = [*PAGES, f"/signals/{signal.pk}/", *runs, *FORMS]

    def look(visitor: Visitor) -> None:
        with visitor.page(width=width, dark=dark) as page:
            for address in addresses:
                page.goto(address)
                assert page.evaluate(FITS), address
                assert page.evaluate(CUT_OFF) == [], address
                violations = Axe().run(page, options=QUIETLY).response["violations"]
                grave = [
                    f"{violation['id']}: {violation['nodes'][0]['html']}"
                    for violation in violations
                    if violation["impact"] in GRAVE
                ]
                assert grave == [], address

    complaints = visit(look).complaints
    assert [complaint for complaint in complaints if "404 (Not Found)" not in complaint] == []
