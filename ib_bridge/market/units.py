"""Whether the gateway counts US shares or lots of 100: by the day's volume and the day's bar. Pure."""

from enum import StrEnum

LOT = 100
# The two differ by what has traded meanwhile and by odd lots, but not by this much either way.
LOTS_FROM, LOTS_TO, SHARES_FROM = 10.0, 1000.0, 0.1


class Unit(StrEnum):
    SHARES = "shares"
    LOTS = "lots"
    UNKNOWN = "unknown"

    @property
    def factor(self) -> int:
        return LOT if self is Unit.LOTS else 1


def unit(streamed: float, of_bar: float) -> Unit:
    """Return in what a streamed volume is counted, by that of the day's bar, which is in shares."""
    if streamed <= 0 or of_bar <= 0:
        return Unit.UNKNOWN
    ratio = of_bar / streamed
    if LOTS_FROM <= ratio < LOTS_TO:
        return Unit.LOTS
    return Unit.SHARES if SHARES_FROM < ratio < LOTS_FROM else Unit.UNKNOWN
