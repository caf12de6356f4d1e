"""The names that an analyst gives numbers to, and which number of a text is given to which name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opinions.grounding.reading import Number, Unit

YEAR = r"(?:52[\s-]?w(?:eeks?|ks?)?|12[\s-]month|(?:one|1)[\s-]year|yearly|annual)"
AVERAGE = r"(?:[sed]?mas?\b|(?:simple |exponential )?moving averages?\b)"
COUNTED = r"(?=\s*(?:[:(]|at\b|of\b|is\b|near\b))"  # "target 2 at", not "target 2 ATR away"
# Earlier wins at one place, so longer names stand before those that they begin with.
PATTERNS = {
    "year_range": rf"{YEAR} (?:trading )?range",
    "year_high": rf"{YEAR} highs?",
    "year_low": rf"{YEAR} lows?",
    "reward_to_risk": (
        r"(?:risk|reward)(?:[\s-]to[\s-]|[\s/:-])(?:risk|reward)(?: ratio)?|r[:/]r(?: ratio)?\b"
    ),
    "confidence": r"confidence(?: score| level| rating)?",
    "price_now": (
        r"(?:current|last|latest|spot|quoted|live) (?:price|quote)"
        r"|(?:last|latest) (?:close|trade)\b|(?:currently|now) (?:trading|trades|priced)\b"
    ),
    "bid": r"bid(?: price)?\b",
    "ask": r"ask(?: price)?\b",
    "second_target": (rf"(?:second|2nd|final) (?:price |profit )?target|(?:target|tp) 2{COUNTED}|tp?2\b"),
    "target": (
        rf"(?:price |profit |first |1st )?target(?: price| level)?(?: 1{COUNTED})?\b"
        r"|take[\s-]profit(?: level| price)?|tp?1?\b"
    ),
    "average_price": r"(?:average|avg\.?) (?:entry|cost|price|purchase price)(?: price)?|cost basis",
    "entry": r"entry(?: price| level| point| zone)?\b",
    "stop": r"stop(?:[\s-]?loss)?(?: price| level| order)?\b|sl\b",
    "macd_signal": r"macd(?:'s)? signal(?: line)?|signal line",
    "histogram": r"(?:macd )?histogram",
    "macd": r"macd(?: line| value)?\b",
    "rsi": r"rsi\b|relative strength index",
    "atr": r"atr\b|average true range",
    "average_of": rf"\d{{1,4}}[\s-]?(?:(?:day|d|bar|period|session|hour|week)s?[\s-])?{AVERAGE}"
    rf"|{AVERAGE}[\s-]?\(?\d{{1,4}}\b(?![.,]\d)\)?|[sew]?ma\d{{1,4}}\b",
    "fast_average": rf"(?:fast(?:er|est)?|short(?:er)?)(?:[\s-]term)? (?:{AVERAGE}|average\b)",
    "slow_average": rf"(?:slow(?:er|est)?|long(?:er)?)(?:[\s-]term)? (?:{AVERAGE}|average\b)",
    "average": AVERAGE,
    "volume_ratio": r"volume ratio|relative volume|rvol\b",
    "hit_rate": r"(?:hit|win|success) rate",
    "mean_r": r"(?:mean|average|avg) (?:r|outcome|result)\b|expectancy",
    "adx": r"adx\b",
    "vwap": r"vwap\b",
    "cci": r"cci\b",
    "mfi": r"mfi\b",
    "stoch": r"stochastic(?: rsi| oscillator)?\b|stoch\b",
    "bollinger": r"(?:upper |lower )?bollinger bands?\b",
    "pe": r"p/e(?: ratio)?\b",
    "eps": r"eps\b",
    "market_cap": r"market cap(?:italization|italisation)?\b",
    "implied_volatility": r"implied volatility",
    "key": r"[a-z]++(?:_[a-z0-9]++)++",  # a model that writes a name of the JSON itself
}
NAME = re.compile(r"(?<![a-z0-9_.])(?:" + "|".join(f"(?P<{n}>{p})" for n, p in PATTERNS.items()) + ")")
LEVELS = frozenset(("entry", "stop", "target", "second_target", "price_now", "bid", "ask", "average_price"))
PERIODIC = frozenset(
    ("rsi", "macd", "atr", "histogram", "macd_signal", "adx", "cci", "mfi", "stoch", "bollinger")
)

WORDS = (
    r"(?:of|at|is|was|are|were|be|near|around|about|approximately|approx\.?|roughly|currently|now|only|just|still"
    r"|sits|stands|standing|sitting|set|placed|reads|reading|readings|value|values|level|levels|price|equals"
    r"|remains|holds|holding|hovers|hovering|prints|shows|showing|registers|registering|exactly|already|also"
    r"|a|an|the|rose|risen|fell|fallen|climbed|dropped|has|had|will|would|should|come|comes|came|in|from|to|score)\b"
)
CONNECTOR = re.compile(rf"(?:[\s:=~≈@(|*`\"'>→\[-]|{WORDS}){{0,30}}")
BESIDE = re.compile(r"(?:\s*(?:,|/|&|\||\band\b|\bor\b)\s*(?:(?:the|a|its)\s+)?)")
ADJACENT = re.compile(r"[\s(-]*")
RANGE = re.compile(r"\s?(?:-|/|\bto\b)\s?\$?")
IN_BRACKETS = re.compile(r"\s?[,/]\s?")
AFTER_PERIOD = re.compile(rf"(?=[\s):=,])[)\]]?,?(?:[\s:=~(|*-]|{WORDS}){{1,20}}")
COMPARED = re.compile(
    r"(?:[\s,)]|\b(?:is|was|are|has|remains|stands|sits|still|well|just|now|currently|not|yet|reading|at|level|crossed"
    r"|moved|pushed|rose|risen|fell|fallen|dropped|climbed|broken|stays|staying|be|would|goes)\b){0,12}"
    r"(?P<way>above|over|exceeds|beyond|below|under|<|>)\s*=?\s*(?:the\s)?"
)
UNSURE = re.compile(r"\b(?:not|yet|would|be|goes|if)\b")


# Then the number that follows two levels is what lies between them.
APART = re.compile(r"\b(?:distance|difference|gap|room|cushion|buffer|between)\b[^.;,\n]{0,40}\Z")


@dataclass(frozen=True, slots=True)
class Given:
    """A number given to names: which, and whether it may be their period. `way`: it is only compared."""

    names: tuple[str, ...]
    may_be_period: bool = False
    way: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    start: int
    end: int
    name: str


def named(text: str) -> list[Named]:
    """The names in a canonical text, in order; an average of 50 bars is `average:50`, a JSON key `.stop`."""
    return [Named(*match.span(), _id(match)) for match in NAME.finditer(text)]


def given(text: str, numbers: Sequence[Number], names: Sequence[Named]) -> Mapping[int, Given]:
    """For each number (by its place in `numbers`) that directly follows a name: what it is given to."""
    starts = {number.start: i for i, number in enumerate(numbers)}
    result: dict[int, Given] = {}
    for group in _groups(text, names):
        if group[0].name in LEVELS and APART.search(text[max(0, group[0].start - 50) : group[0].start]):
            continue
        _give(text, numbers, starts, group, result)
    return result


def _id(match: re.Match[str]) -> str:
    name = str(match.lastgroup)
    if name == "average_of":
        return "average:" + "".join(c for c in match[0] if c.isdigit())
    return "." + match[0] if name == "key" else name


def _groups(text: str, names: Sequence[Named]) -> list[list[Named]]:
    """Names side by side ("stop and target") share the numbers that follow."""
    groups: list[list[Named]] = []
    for name in names:
        beside = BESIDE.fullmatch(text, groups[-1][-1].end, name.start) if groups else None
        if beside:
            groups[-1].append(name)
        else:
            groups.append([name])
    return groups


def _give(
    text: str,
    numbers: Sequence[Number],
    starts: Mapping[int, int],
    group: Sequence[Named],
    result: dict[int, Given],
) -> None:
    names, end = tuple(name.name for name in group), group[-1].end
    first = _next(text, CONNECTOR, end, starts)
    if first is None:
        _compare(text, starts, names, end, result)
        return
    number = numbers[first]
    between = text[end : number.start]
    is_beside = ADJACENT.fullmatch(between) is not None
    result[first] = Given(names, may_be_period=is_beside)
    is_bracketed, last = "(" in between, first
    for _ in range(len(group) + 2):
        following, is_listed = _following(text, numbers[last], starts, group, is_bracketed=is_bracketed)
        if following is None or following in result:
            break
        result[following] = Given(names, may_be_period=is_beside and is_listed)
        last = following
    _compare(text, starts, names, numbers[last].end, result)


def _following(
    text: str, number: Number, starts: Mapping[int, int], group: Sequence[Named], *, is_bracketed: bool
) -> tuple[int | None, bool]:
    """The next number of the same names, if one follows, and whether the two are a list or a range."""
    separators = [RANGE] + [BESIDE] * (len(group) > 1) + [IN_BRACKETS] * is_bracketed
    for separator in separators:
        if (place := _next(text, separator, number.end, starts)) is not None:
            return place, True
    if number.places == 0 and number.unit is Unit.NONE and group[0].name in PERIODIC:
        return _next(text, AFTER_PERIOD, number.end, starts), False
    return None, False


def _compare(
    text: str, starts: Mapping[int, int], names: tuple[str, ...], end: int, result: dict[int, Given]
) -> None:
    match = COMPARED.match(text, end)
    if match and (at := starts.get(match.end())) is not None and at not in result:
        up = match["way"] in ("above", "over", "exceeds", "beyond", ">")
        way = "?" if UNSURE.search(match[0]) else "above" if up else "below"
        result[at] = Given(names, way=way)


def _next(text: str, between: re.Pattern[str], end: int, starts: Mapping[int, int]) -> int | None:
    match = between.match(text, end)
    if match is None:
        return None
    # A sign or a currency before the digits may have been read as part of what stands between.
    places = (p for p in (match.end(), match.end() - 1, match.end() - 2) if p >= end)
    return next((starts[p] for p in places if p in starts), None)
