"""Which symbols are connected but silent. No database; all times are seconds of a clock that only grows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SHORTEST = 60.0  # seconds; no symbol counts as silent earlier
SPACINGS = 20.0  # so many times its typical spacing is too long for a symbol
LONGEST_GAP = 900.0  # of one gap that counts for the typical spacing: a night is none
WEIGHT = 0.1  # of the newest gap
LEAST = 10  # messages before a spacing is typical


@dataclass(slots=True)
class Heard:
    """When something last came of a symbol, and how far apart messages typically are."""

    since: float
    last: float | None = None
    spacing: float | None = None
    count: int = 0

    def note(self, now: float) -> None:
        if self.last is not None:
            gap = min(now - self.last, LONGEST_GAP)
            self.spacing = gap if self.spacing is None else self.spacing + WEIGHT * (gap - self.spacing)
        self.last = now
        self.count += 1

    def quiet_since(self, opened: float) -> float:
        """Return since when nothing came in the session that opened then."""
        return max(opened, self.since if self.last is None else self.last)

    def is_silent(self, opened: float, now: float, traded: float | None) -> bool:
        """Return whether it should have been heard. `traded`: when a poll saw its last trade, if it did."""
        quiet = now - self.quiet_since(opened)
        if quiet <= SHORTEST:
            return False
        is_unlike_it = self.spacing is not None and self.count >= LEAST and quiet > SPACINGS * self.spacing
        return is_unlike_it or (traded is not None and traded > self.quiet_since(opened) + SHORTEST)


def silent(
    heard: Mapping[str, Heard], opened: Mapping[str, float], traded: Mapping[str, float], now: float
) -> list[str]:
    """Return the silent symbols. `opened`: when the session of each that trades now began to."""
    return sorted(
        symbol
        for symbol, known in heard.items()
        if symbol in opened and known.is_silent(opened[symbol], now, traded.get(symbol))
    )


def is_all_silent(symbols: Iterable[str], silent: Iterable[str]) -> bool:
    """Return whether nothing comes of any symbol that trades: then it is the connection."""
    trading = set(symbols)
    return bool(trading) and trading <= set(silent)
