"""What the doctor says of dividends on paper that wait for a rate."""

from collections.abc import Iterator
from datetime import datetime

from approvals.models import WaitingDividend
from market.doctor import Finding

ADVICE = "They are paid as soon as there is one; otherwise give it in admin, under waiting dividends."
SHOWN = 5


def findings(at: datetime) -> Iterator[Finding]:
    """Yield what is due in a currency of which no rate is known; nothing while all is paid."""
    rows = list(WaitingDividend.objects.all())
    if rows:
        named = "; ".join(f"{row} since {row.since:%Y-%m-%d}: {row.why}" for row in rows[:SHOWN])
        more = "; ..." if len(rows) > SHOWN else ""
        yield Finding("dividends on paper", f"{len(rows)} wait for a rate: {named}{more}", ADVICE)
