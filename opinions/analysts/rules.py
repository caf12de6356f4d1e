"""A checklist that anybody can follow: what speaks for a trade, what against it, and how much each counts.

The same snapshot always gets the same answer. It knows nothing that the snapshot does not hold, and what the
snapshot does not hold counts for nothing.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from opinions.analysts.base import Action, AnalystSpec, Bill, Factor, Opinion, Snapshot, Verdict

WITH = {"BUY": "bullish", "SELL": "bearish"}
AGAINST = {"BUY": "bearish", "SELL": "bullish"}
ENOUGH = 30  # cases that a record stands on
A_FEW = 5  # past cases that say anything at all
HIGH_RANK = 90  # percent of the bars that were calmer
FAR = 0.5  # ATR that the price may have run since the signal
GOOD_RATIO, BAD_RATIO = 1.5, 1.0
TAKE, LEAVE = 2, -1  # points from which on it says yes, and up to which it says no
MOST = 12  # points that make it certain
# How many of the recalled cases count stands nowhere in a snapshot. As words such counts are no claims.
COUNTS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight")


class Item(NamedTuple):
    """One line of the checklist. `points`: above 0 for the trade, below against it, 0 neither."""

    points: int
    text: str

    @property
    def factor(self) -> Factor:
        verdict = Verdict.FOR if self.points > 0 else Verdict.AGAINST if self.points < 0 else Verdict.NEUTRAL
        return Factor(verdict, self.text)


class Rules:
    """The analyst that is there without key and network."""

    model = "checklist 1"

    def most(self, snapshot: Snapshot) -> Bill:
        return Bill()

    def analyse(self, snapshot: Snapshot, seconds: float) -> Opinion:
        side = _side(snapshot)
        if side is None:
            text = (
                f"The trend on {snapshot['timeframe']} bars is {snapshot['trend']}: there is no side to take."
            )
            return Opinion(Action.HOLD, 0.5, text, (Factor(Verdict.NEUTRAL, text),), self.model)
        items = list(_items(snapshot, side))
        points = sum(item.points for item in items)
        action = Action(side) if points >= TAKE else Action.PASS if points <= LEAVE else Action.HOLD
        strength = min(abs(points), MOST) / MOST
        confidence = round(0.5 if action == Action.HOLD else 0.5 + strength / 2, 2)
        factors = tuple(item.factor for item in items)
        return Opinion(action, confidence, _reasoning(action, side, items), factors, self.model)


def _side(snapshot: Snapshot) -> str | None:
    """The side that is judged: the signal's; without one, that of the trend."""
    if signal := snapshot["signal"]:
        return str(signal["side"])
    return {"bullish": "BUY", "bearish": "SELL"}.get(snapshot["trend"])


def _items(snapshot: Snapshot, side: str) -> Iterator[Item]:
    for judge in CHECKLIST:
        item = judge(snapshot, side)
        if item is not None:
            yield item


def _reasoning(action: Action, side: str, items: list[Item]) -> str:
    """What came out, and what weighed most."""
    way = {Action.HOLD: 0, Action.PASS: -1}.get(action, 1)
    summary = {
        0: f"Nothing speaks clearly for or against this {side}.",
        -1: f"More speaks against this {side} than for it.",
        1: f"More speaks for this {side} than against it.",
    }[way]
    weighed = max(items, key=lambda item: way * item.points)
    return f"{summary} Most of all: {_lower(weighed.text)}." if way else summary


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _count(cases: int) -> str:
    return COUNTS[cases] if cases < len(COUNTS) else f"{cases:,}"


def _level(price: float) -> str:
    """As traders write it: cents, or more digits where cents say little."""
    return f"{price:.2f}" if price >= 1 else f"{price:.4g}"


def _price(snapshot: Snapshot, side: str) -> Item | None:
    """A price that is not known now, or that has run away, makes the levels those of another trade."""
    quote, signal, atr = snapshot["quote"], snapshot["signal"], snapshot["indicators"].get("atr")
    if quote is None:
        return Item(-2, "There is no quote to hold the levels against")
    if quote["is_stale"]:
        return Item(-2, f"The quote is {quote['age_seconds']:.0f} seconds old: stale")
    if states := quote.get("states"):  # snapshots of before have none
        return Item(-2, f"The quote is {'; '.join(states)}")
    if signal is None or not atr:
        return None
    sign = 1 if side == "BUY" else -1
    if sign * (quote["price"] - signal["stop"]) <= 0:
        return Item(
            -6, f"The price of {_level(quote['price'])} is beyond the stop of {_level(signal['stop'])}"
        )
    if sign * (quote["price"] - signal["target"]) >= 0:
        return Item(
            -6, f"The price of {_level(quote['price'])} has reached the target of {_level(signal['target'])}"
        )
    if sign * (quote["price"] - signal["entry"]) > FAR * atr:
        return Item(
            -1,
            f"The price has run from {_level(signal['entry'])} to {_level(quote['price'])} since the signal",
        )
    return Item(0, f"The price of {_level(quote['price'])} is near the entry of {_level(signal['entry'])}")


def _higher_trend(snapshot: Snapshot, side: str) -> Item:
    higher = snapshot["higher"]
    if higher is None:
        return Item(0, "The trend on the next higher timeframe is not known: too few bars")
    points = 2 if higher["trend"] == WITH[side] else -2 if higher["trend"] == AGAINST[side] else 0
    return Item(points, f"The trend on {higher['timeframe']} bars is {higher['trend']}")


def _own_trend(snapshot: Snapshot, side: str) -> Item | None:
    """Where there is a signal its confidence holds the trend already."""
    if snapshot["signal"] is not None:
        return None
    return Item(1, f"The trend on {snapshot['timeframe']} bars is {snapshot['trend']}")


def _volatility(snapshot: Snapshot, side: str) -> Item:
    volatility = snapshot["volatility"]
    if volatility is None:
        return Item(0, "The volatility is not known: too few bars")
    wide = f"A bar's range is {volatility['atr_percent']:.2g} % of the price"
    scale = f"({volatility['regime']} on a year's scale)"
    text = (
        f"{wide} {scale}, wider than {volatility['rank_percent']:.0f} % of the last {volatility['bars']} bars"
    )
    return Item(-1 if volatility["rank_percent"] >= HIGH_RANK or volatility["regime"] == "wild" else 0, text)


def _year(snapshot: Snapshot, side: str) -> Item:
    """A target beyond what a year has seen asks for something new; an extreme at the back is a trend's."""
    year, signal = snapshot["year"], snapshot["signal"]
    if year is None:
        return Item(0, "The extremes of the last 52 weeks are not known")
    high, low = year["high"], year["low"]
    target = signal["target"] if signal else None
    above, below = year["above_low_percent"], year["below_high_percent"]
    to_high = f"{below:.1f} % below" if below >= 0 else f"{-below:.1f} % above"
    to_low = f"{above:.1f} % above" if above >= 0 else f"{-above:.1f} % below"
    where = f"{to_high} the 52-week high, {to_low} the low"
    if target is not None and (target > high if side == "BUY" else target < low):
        edge, name = (high, "high") if side == "BUY" else (low, "low")
        return Item(-1, f"The target of {_level(target)} lies beyond the 52-week {name} of {_level(edge)}")
    if (above if side == "BUY" else below) < 2:
        return Item(-1, f"It is {where}: against the year's move")
    return Item(0, f"It is {where}")


def _volume(snapshot: Snapshot, side: str) -> Item:
    ratio = snapshot["indicators"].get("volume_ratio")
    if ratio is None:
        return Item(0, "The volume cannot be compared")
    return Item(1 if ratio > 1 else 0, f"The volume is {ratio:.2f} times its mean")


def _conflict(snapshot: Snapshot, side: str) -> Item | None:
    opposed = snapshot["signal"]["opposed_by"] if snapshot["signal"] else []
    if not opposed:
        return None
    opposites = ", ".join(
        f"{opposed_signal['strategy']} on {opposed_signal['timeframe']} bars"
        for opposed_signal in opposed[:3]
    )
    return Item(-2, f"The opposite is said by {opposites}")


def _ratio(snapshot: Snapshot, side: str) -> Item | None:
    costs = snapshot["costs"]
    if costs is None:
        return None
    ratio = costs["reward_to_risk"]
    points = 1 if ratio >= GOOD_RATIO else -2 if ratio < BAD_RATIO else 0
    return Item(points, f"The reward is {ratio:.2f} times the risk after costs")


def _record(snapshot: Snapshot, side: str) -> Item | None:
    """The strategy's record here, where it stands on enough cases; otherwise over all symbols."""
    if snapshot["record"] is None:
        return None
    here, everywhere = snapshot["record"]["here"], snapshot["record"]["all"]
    record, where = (here, "here") if here and here["cases"] >= ENOUGH else (everywhere, "over all symbols")
    if record is None or record["cases"] < ENOUGH or record["mean_r_low"] is None:
        return Item(0, "The strategy's record has too few cases to say anything")
    result = f"Signals of this strategy made {record['mean_r']:+.2f} R each {where}"
    between = f"({record['mean_r_low']:+.2f} to {record['mean_r_high']:+.2f} over {record['cases']} cases)"
    if record["mean_r_low"] > 0:
        return Item(2, f"{result} {between}")
    if record["mean_r_high"] < 0:
        return Item(-2, f"{result} {between}")
    return Item(0, f"{result} {between}: no more than chance")


def _cases(snapshot: Snapshot, side: str) -> Item | None:
    """How the most alike past signals turned out."""
    results = [case["r"] for case in snapshot["cases"] if "r" in case and case["side"] == side]
    if not results:
        return Item(0, "No signal like this has ended yet")
    won = sum(r > 0 for r in results)
    text = f"{_count(won).capitalize()} of the {_count(len(results))} most alike past signals made money"
    if len(results) < A_FEW:
        return Item(0, f"{text}: too few to count")
    return Item(1 if won > 0.6 * len(results) else -1 if won < 0.4 * len(results) else 0, text)


def _refusals(snapshot: Snapshot, side: str) -> Item | None:
    """What people refuse again and again is worth a word. It is no evidence."""
    close = [refusal for refusal in snapshot["refusals"] if {"strategy", "symbol"} <= set(refusal["alike"])]
    return Item(0, f"You have rejected {_count(len(close))} of these here lately") if close else None


def _held(snapshot: Snapshot, side: str) -> Item | None:
    symbol = snapshot["instrument"]["symbol"]
    held: float = sum(
        position["quantity"] for position in snapshot["positions"] if position["symbol"] == symbol
    )
    if held and (held > 0) == (side == "BUY"):
        return Item(-1, f"{abs(held):,} shares are held already: this adds to one bet")
    return Item(1, f"It ends a position of {abs(held):,} shares") if held else None


CHECKLIST: tuple[Callable[[Any, str], Item | None], ...] = (
    *(_price, _higher_trend, _own_trend, _volatility, _year, _volume),
    *(_conflict, _ratio, _record, _cases, _refusals, _held),
)


SPEC = AnalystSpec(
    name="rules",
    title="rule-based",
    noun="the checklist",
    build=lambda values: Rules(),
    is_outside=False,
    may_invent=False,
    at_once=1000,
)
