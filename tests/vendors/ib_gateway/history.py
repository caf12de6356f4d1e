"""Historical bars, at the pace that IB allows."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.vendors import prices
from tests.vendors.ib_gateway.contracts import Share
from tests.vendors.ib_gateway.messages import Message
from tests.vendors.prices import Bar

FAILED = "Historical Market Data Service error message:"
LENGTHS = {
    "1 min": timedelta(minutes=1),
    "2 mins": timedelta(minutes=2),
    "5 mins": timedelta(minutes=5),
    "15 mins": timedelta(minutes=15),
    "30 mins": timedelta(minutes=30),
    "1 hour": timedelta(hours=1),
    "1 day": timedelta(days=1),
    "1 week": timedelta(weeks=1),
    "1W": timedelta(weeks=1),
}
UNITS = {"S": 1, "W": 7 * 86_400, "M": 31 * 86_400, "Y": 366 * 86_400}
FIRST = datetime(2010, 1, 4, 14, 30, tzinfo=UTC)


@dataclass
class Pace:
    """60 requests in 10 minutes, none again within 15 s, fewer than six for one contract in 2 s."""

    clock: Callable[[], float]
    is_kept: bool = True
    asked: deque[tuple[float, int, str]] = field(default_factory=deque)

    def refuses(self, share: Share, request: str) -> bool:
        now = self.clock()
        while self.asked and self.asked[0][0] <= now - 600:
            self.asked.popleft()
        same = any(at > now - 15 and before == request for at, _, before in self.asked)
        lately = sum(at > now - 2 and con_id == share.con_id for at, con_id, _ in self.asked)
        if self.is_kept and (same or lately >= 5 or len(self.asked) >= 60):
            return True
        self.asked.append((now, share.con_id, request))
        return False


def bars(share: Share, asked: Mapping[str, str], at: datetime) -> list[Bar]:
    """Return the bars that a request means. Raises KeyError when its size or duration is none of IB's."""
    symbol, length, end = share.symbol.replace(" ", "."), LENGTHS[asked["bar_size"]], _end(asked["end"], at)
    hours = prices.REGULAR if asked["regular_hours"] == "1" else prices.EXTENDED
    start = max(_start(symbol, asked["duration"], end), FIRST)
    return prices.bars(symbol, length, start, end, hours)


def _start(symbol: str, duration: str, end: datetime) -> datetime:
    """Return where a duration begins: days are sessions, the one that `end` is in counts."""
    count, unit = int(duration.split()[0]), duration.split()[1]
    if unit != "D":
        return end - timedelta(seconds=count * UNITS[unit])
    sessions = prices.bars(symbol, prices.DAY, end - timedelta(days=2 * count + 7), end)
    return sessions[-count].opened_at


def _end(text: str, at: datetime) -> datetime:
    """Read the moment asked for, `20261130 21:00:00 UTC` or `20261130-21:00:00`; empty means now."""
    if not text:
        return at
    digits = text.replace("-", " ").removesuffix(" UTC")
    return min(datetime.strptime(digits, "%Y%m%d %H:%M:%S").replace(tzinfo=UTC), at)


def answer(req_id: str, found: list[Bar], asked: Mapping[str, str], units: Callable[[int], int]) -> Message:
    rows = [_row(bar, asked, units) for bar in found]
    first, last = (f"{bar.opened_at:%Y%m%d %H:%M:%S} UTC" for bar in (found[0], found[-1]))
    return [17, req_id, first, last, len(rows), *(field for row in rows for field in row)]


def _row(bar: Bar, asked: Mapping[str, str], units: Callable[[int], int]) -> Message:
    return [_stamp(bar, asked), *bar[1:5], units(int(bar.volume)), bar.vwap, 100]


def _stamp(bar: Bar, asked: Mapping[str, str]) -> str:
    local = bar.opened_at.astimezone(prices.NEW_YORK)
    if LENGTHS[asked["bar_size"]] >= prices.DAY:
        return f"{local:%Y%m%d}"
    if asked["format_date"] == "2":
        return str(int(bar.opened_at.timestamp()))
    return f"{local:%Y%m%d %H:%M:%S} US/Eastern"
