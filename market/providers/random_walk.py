"""Invented prices: random walks that can be entered at any minute. Pure functions: no state, no clock.

A walk is Brownian motion in a trading time that runs now fast, now slowly (the multifractal model of asset
returns: B. Mandelbrot, A. Fisher, L. Calvet, Cowles Foundation Discussion Paper 1164, 1997). Trading time is
a cascade: the two halves of a span share its variance unevenly, and so on down to the minute. So returns have
fat tails and come in calm and wild stretches, and yet say nothing about the next one: on invented prices no
strategy earns but by luck. Volume is shared out in the same way, less unevenly.

Every draw is a hash of (key, minute), so any minute is found in 19 steps down from its period. At the ends of
periods (a year, less a day) prices are drawn around the symbol's own level: they stay sensible for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.prices import Floats

Hashes = NDArray[np.uint64]
Integers = NDArray[np.int64]

PERIOD = 2**19  # minutes
ROW = 2**10  # minutes computed side by side
PERIODS_A_YEAR = 365.25 * 24 * 60 / PERIOD
DAYS_A_PERIOD = PERIOD / (24 * 60)

# A draw is 12 bits of a hash, looked up in a table of quantiles.
BITS = 12
QUANTILES = (np.arange(2**BITS) + 0.5) / 2**BITS
NORMAL = np.array([NormalDist().inv_cdf(quantile) for quantile in QUANTILES.tolist()])
UNEVENNESS = 0.66  # of the shares of variance: a kurtosis of about 6 for daily returns, 10 for minutes
SHARE = 1 / (1 + np.exp(UNEVENNESS * NORMAL))
ROOT_OF_SHARE, ROOT_OF_REST = np.sqrt(SHARE), np.sqrt(1 - SHARE)
BEND = ROOT_OF_SHARE * ROOT_OF_REST
VOLUME_SHARE = 1 / (1 + np.exp(UNEVENNESS * 0.6 * NORMAL))
VOLUME_NOISE = 0.2 * (QUANTILES - 0.5)
EXTREME = -2 * np.log(QUANTILES)

# Where in a hash each draw lies.
PRICE, TIME, VOLUME, HIGH, LOW = (np.uint64(bit) for bit in (52, 40, 28, 16, 4))


def keyed(texts: Sequence[str]) -> Hashes:
    """64 random bits for each text, the same on every machine."""
    digests = [blake2b(text.encode(), digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def hashed(keys: Hashes, numbers: Integers) -> Hashes:
    """64 random bits for each (key, number): Vigna's splitmix64 generator, entered at any place."""
    bits = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + keys
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return bits


def drawn(bits: Hashes, place: np.uint64) -> Integers:
    """The row in a table of quantiles that these hashes point to."""
    rows = bits >> place
    rows &= np.uint64(2**BITS - 1)
    return rows.view(np.int64)


@dataclass(frozen=True)
class Spans:
    """Spans of minutes. Log price and traded share of the period's volume at both ends of each, and the
    standard deviation of its log return."""

    left: Floats
    right: Floats
    traded_left: Floats
    traded_right: Floats
    deviation: Floats

    def halve(self, bits: Hashes) -> tuple["Spans", "Spans"]:
        """The two halves of each span, as the hashes of the middles decide: a Brownian bridge."""
        share = drawn(bits, TIME)
        bend = self.deviation * BEND[share] * NORMAL[drawn(bits, PRICE)]
        middle = self.left + SHARE[share] * (self.right - self.left) + bend
        part = VOLUME_SHARE[share] + VOLUME_NOISE[drawn(bits, VOLUME)]
        traded = self.traded_left + part * (self.traded_right - self.traded_left)
        return (
            Spans(self.left, middle, self.traded_left, traded, self.deviation * ROOT_OF_SHARE[share]),
            Spans(middle, self.right, traded, self.traded_right, self.deviation * ROOT_OF_REST[share]),
        )

    def extremes(self, bits: Hashes) -> tuple[Floats, Floats]:
        """Log high and low inside each span: those of a Brownian bridge, each by its exact distribution."""
        centre, move = self.left + self.right, (self.right - self.left) ** 2
        variance = self.deviation**2
        high = (centre + np.sqrt(move + variance * EXTREME[drawn(bits, HIGH)])) / 2
        low = (centre - np.sqrt(move + variance * EXTREME[drawn(bits, LOW)])) / 2
        return high, low


def either(choose: NDArray[np.bool_], yes: Spans, no: Spans) -> Spans:
    return Spans(
        left=np.where(choose, yes.left, no.left),
        right=np.where(choose, yes.right, no.right),
        traded_left=np.where(choose, yes.traded_left, no.traded_left),
        traded_right=np.where(choose, yes.traded_right, no.traded_right),
        deviation=np.where(choose, yes.deviation, no.deviation),
    )


def woven(ends: Floats, middles: Floats) -> Floats:
    """ends[.., 0], middles[.., 0], ends[.., 1], ... : rows of n ends and n or n - 1 middles."""
    path = np.empty((len(ends), ends.shape[1] + middles.shape[1]))
    path[:, ::2], path[:, 1::2] = ends, middles
    return path


@dataclass(frozen=True)
class Minutes:
    """n minutes of one symbol, one after the other: log price and shares traded since 1970 at their n + 1
    ends, log high and low of each."""

    price: Floats
    traded: Integers
    high: Floats
    low: Floats


@dataclass(frozen=True)
class Walks:
    """The walks of some symbols, a row each: hash key, log price level, standard deviation of a period's log
    return (20 to 60 % a year), shares traded in a period."""

    keys: Hashes
    level: Floats
    deviation: Floats
    volume: Integers

    @classmethod
    def of(cls, seed: int, symbols: Sequence[str]) -> "Walks":
        nature = keyed([f"{seed} {symbol} nature" for symbol in symbols])
        a_year = 0.2 + 0.4 * QUANTILES[drawn(nature, TIME)]
        a_day = 1e6 * 50 ** QUANTILES[drawn(nature, VOLUME)]
        return cls(
            keys=keyed([f"{seed} {symbol}" for symbol in symbols]),
            level=np.log(20) + np.log(30) * QUANTILES[drawn(nature, PRICE)],
            deviation=a_year / PERIODS_A_YEAR**0.5,
            volume=(a_day * DAYS_A_PERIOD).astype(np.int64),
        )

    def spans(self, minutes: Integers, length: int) -> Spans:
        """The span of `length` minutes (a power of 2, up to a period) that holds each symbol's minute."""
        start = minutes // PERIOD * PERIOD
        spans = Spans(
            left=self._end_of_period(start),
            right=self._end_of_period(start + PERIOD),
            traded_left=np.zeros(len(start)),
            traded_right=np.ones(len(start)),
            deviation=self.deviation,
        )
        half = PERIOD // 2
        while half >= length:
            middle = start + half
            first, second = spans.halve(hashed(self.keys, middle))
            later = minutes >= middle
            spans = either(later, second, first)
            start = np.where(later, middle, start)
            half //= 2
        return spans

    def _end_of_period(self, minute: Integers) -> Floats:
        normal = NORMAL[drawn(hashed(self.keys, minute), PRICE)]
        price: Floats = self.level + self.deviation / np.sqrt(2) * normal
        return price

    def traded(self, share: Floats, minutes: Integers) -> Integers:
        """Shares traded since 1970 up to a moment in each minute, by its share of the period's volume."""
        return minutes // PERIOD * self.volume + (share * self.volume).astype(np.int64)

    def minutes(self, first: int, last: int) -> Minutes:
        """Return the minutes from `first` up to, not including, `last`, of walks of a single symbol."""
        rows = np.arange(first // ROW, (last - 1) // ROW + 1) * ROW
        coarse = self._repeated(len(rows)).spans(rows, ROW)
        bits = hashed(self.keys, rows[:, np.newaxis] + np.arange(ROW))
        price = np.stack([coarse.left, coarse.right], axis=1)
        share = np.stack([coarse.traded_left, coarse.traded_right], axis=1)
        spans = _between(price, share, coarse.deviation[:, np.newaxis])
        half = ROW // 2
        while half:
            earlier, later = spans.halve(bits[:, half :: 2 * half])
            price, share = woven(price, earlier.right), woven(share, earlier.traded_right)
            spans = _between(price, share, woven(earlier.deviation, later.deviation))
            half //= 2
        high, low = spans.extremes(bits)
        traded = self.traded(share, rows[:, np.newaxis])
        inside = slice(first - int(rows[0]), last - int(rows[0]))
        ends = slice(inside.start, inside.stop + 1)
        return Minutes(
            _chained(price)[ends], _chained(traded)[ends], high.ravel()[inside], low.ravel()[inside]
        )

    def _repeated(self, times: int) -> "Walks":
        return Walks(
            keys=np.repeat(self.keys, times),
            level=np.repeat(self.level, times),
            deviation=np.repeat(self.deviation, times),
            volume=np.repeat(self.volume, times),
        )


def _between(price: Floats, share: Floats, deviation: Floats) -> Spans:
    return Spans(price[:, :-1], price[:, 1:], share[:, :-1], share[:, 1:], deviation)


def _chained(ends: NDArray[Any]) -> NDArray[Any]:
    """Join rows of ends: each row begins where the one before it ended."""
    return np.append(ends[:, :-1], ends[-1, -1])
