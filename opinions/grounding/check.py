"""The checks of an answer: each number of its text against the snapshot, and whether it contradicts itself.

For contradictions only plain recommendations about the trade at hand are read, sentence by sentence. A
sentence with a condition ("avoid it if volume dries up"), a negation ("no reason to avoid this trade") or a
question says nothing here: a contradiction that is missed costs less than one that is made up. HOLD and PASS
with a high confidence are no contradiction: one can be sure that there is nothing to do.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opinions.grounding.facts import BARE_SHARE, Facts
from opinions.grounding.kinds import Kind
from opinions.grounding.names import LEVELS, Given, given, named
from opinions.grounding.reading import Number, Unit, canonical, numbers

# --- whether its numbers are in the snapshot --------------------------------------------------------------

# The lines that traders know by heart: an analyst may compare with them, and only truly.
MARKS: Mapping[str, tuple[float, ...]] = {
    "rsi": (20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0),
    "macd": (0.0,),
    "histogram": (0.0,),
    "macd_signal": (0.0,),
}
LINES = (20.0, 30.0, 50.0, 70.0, 80.0)
LINE_BEFORE = re.compile(
    r"(?:overbought|oversold)(?:\s(?:threshold|level|line|mark|zone|territory|conditions?))?(?:\s|\(|of|at|above|below|over|under"
    r"|is|[:<>=])*\Z"
)
LINE_AFTER = re.compile(
    r"[\s-]?(?:level|threshold|line|mark|zone|territory|overbought|oversold|or (?:above|below))\b"
)
DISTANCE = re.compile(
    r"\)?\s?(?:points?\b|dollars?\b|ticks?\b|cents?\b)?\s?(?:below|above|away|under|over|beneath|from|wide|lower|higher"
    r"|off|per share|shares?|bars?|days?|minutes?|hours?|seconds?|cases?|times|sessions?)\b"
)
DISTANT = (Unit.PERCENT, Unit.BASIS_POINTS, Unit.RISKS, Unit.TIMES, Unit.ATRS, Unit.LARGE)


@dataclass(frozen=True)
class Claim:
    """A number of a text: where it stands, as it is written, and what it means; a date or a time as text."""

    start: int
    end: int
    text: str
    value: float | str
    is_grounded: bool


@dataclass(frozen=True)
class Grounding:
    claims: tuple[Claim, ...]

    @property
    def inventions(self) -> tuple[Claim, ...]:
        return tuple(claim for claim in self.claims if not claim.is_grounded)

    @property
    def is_grounded(self) -> bool:
        return not self.inventions


def check(text: str, snapshot: Mapping[str, Any]) -> Grounding:
    """The claims of a text in order. Never raises for any text; takes time in proportion to its length."""
    read, facts = canonical(text), Facts(snapshot)
    in_text = list(numbers(read))
    names = named(read)
    to = given(read, in_text, names)
    periods = _periods(in_text, names)
    return Grounding(
        tuple(
            Claim(
                number.start,
                number.end,
                text[number.start : number.end],
                number.key or max(-sys.float_info.max, min(sys.float_info.max, number.value * number.scale)),
                _is_grounded(read, number, facts, to.get(i), is_period=i in periods),
            )
            for i, number in enumerate(in_text)
        )
    )


def parts(text: str, inventions: Iterable[tuple[int, int]]) -> Iterator[tuple[str, bool]]:
    """The text in pieces that together are the text, each with whether it is an invention.

    `inventions`: where each starts and ends, in their order.
    """
    at = 0
    for start, end in inventions:
        if start > at:
            yield text[at:start], False
        yield text[start:end], True
        at = end
    if at < len(text):
        yield text[at:], False


def _periods(in_text: list[Number], names: list[Any]) -> set[int]:
    """The numbers inside the name of an average: its bars."""
    inside: set[int] = set()
    at = 0
    for name in names:
        while at < len(in_text) and in_text[at].start < name.start:
            at += 1
        if name.name.startswith("average:") and at < len(in_text) and in_text[at].start < name.end:
            inside.add(at)
    return inside


def _is_grounded(text: str, number: Number, facts: Facts, to: Given | None, *, is_period: bool) -> bool:
    if number.unit is Unit.DATE:
        return number.key in facts.dates
    if number.unit is Unit.TIME:
        return number.key in facts.times
    if number.unit is Unit.PERIOD or is_period:
        return _is_period(text, number, facts)
    if number.unit is Unit.RATIO:
        return facts.of("reward_to_risk").holds(number)
    if to is not None and to.way:
        compared = _compares(number, facts, to)
        return _is_somewhere(text, number, facts) if compared is None else compared
    if to is None or _is_distance(text, number, to):
        return _is_somewhere(text, number, facts)
    return _is_of_its_name(text, number, facts, to)


def _is_period(text: str, number: Number, facts: Facts) -> bool:
    before = text[max(0, number.start - 4) : number.start].rstrip("( -")
    name = next((name for name in ("rsi", "atr", "macd") if before.endswith(name)), "average")
    bare = Number(number.start, number.end, number.value)
    return facts.periods(name).holds(bare, ((Kind.PLAIN, 1.0),)) and number.value == int(number.value)


def _is_distance(text: str, number: Number, to: Given) -> bool:
    """ "Stop 2.7 % below", "target 6.25 away": what is said is no price, so it is looked up anywhere."""
    if LEVELS.isdisjoint(to.names):
        return False
    return number.unit in DISTANT or DISTANCE.match(text, number.end) is not None


def _is_of_its_name(text: str, number: Number, facts: Facts, to: Given) -> bool:
    pools = [facts.of(name) for name in to.names]
    if not any(pools):
        # A key that the snapshot does not have is no name that it could know: "step_2 of 3".
        return all(name.startswith(".") for name in to.names) and _is_somewhere(text, number, facts)
    if not any(pool.knows(number.unit) for pool in pools):
        return _is_somewhere(text, number, facts)
    looks = BARE_SHARE if number.unit is Unit.NONE and "confidence" in str(to.names) else None
    if any(pool.holds(number, looks) for pool in pools):
        return True
    if to.may_be_period and number.unit is Unit.NONE and number.places == 0:
        return any(facts.periods(name).holds(number) for name in to.names if _has_periods(name))
    return _is_line(text, number, facts)


def _has_periods(name: str) -> bool:
    return name not in LEVELS and not name.startswith(".")


def _compares(number: Number, facts: Facts, to: Given) -> bool | None:
    """ "RSI above 70": a line that everyone knows, on the side where the value is."""
    for name in to.names:
        if abs(number.value) in MARKS.get(name, ()):
            values = [value for pool in facts.of(name).by_kind.values() for value in pool]
            signed = [value for _, value in facts.by_path.get(f".indicators.{name}", ())] or values
            above = any(value > number.value for value in signed)
            below = any(value < number.value for value in signed)
            return bool(signed) and {"above": above, "below": below}.get(to.way, True)
    return None


def _is_line(text: str, number: Number, facts: Facts) -> bool:
    if number.value not in LINES or not facts.of("rsi"):
        return False
    before = text[max(0, number.start - 40) : number.start]
    return LINE_AFTER.match(text, number.end) is not None or LINE_BEFORE.search(before) is not None


def _is_somewhere(text: str, number: Number, facts: Facts) -> bool:
    if text[number.start : number.end].strip() in facts.written or facts.pool.holds(number):
        return True
    if number.unit is Unit.ATRS:
        return facts.of("atr").holds(number, ((Kind.PLAIN, 1.0),))
    return _is_line(text, number, facts)


# --- whether it contradicts itself ------------------------------------------------------------------------

UNSURE = 0.3  # below it an answer should not recommend to trade
LONGEST = 400  # characters of a sentence that are read
LEADING = re.compile(r"^\W+")
SENTENCE = re.compile(r"[^.!?;\n]+(?:\.(?=\d)[^.!?;\n]*)*[.!?;]?")
TRADE = r"(?:this|the|that) (?:trade|signal|setup|set-up|position|entry|idea)"
ADVISE = (
    r"(?:i(?:'d| would)? (?:strongly )?(?:recommend|suggest|advise)"
    r"|my (?:recommendation|advice|verdict) is(?: to)?)"
)
WOULD_NOT = r"(?:do not|don't|would not|wouldn't|should not|shouldn't)"
WOULD = r"(?:i(?:'d| would)(?: rather)?|you should|(?:it is|it's) best to|better to|better)"
FOR = re.compile(
    rf"(?:\b{WOULD}|\b{ADVISE}|^(?:(?:so|therefore|overall|conclusion|verdict)\b[ ,:]*)?) ?,? ?(?:to )?"
    rf"(?:tak(?:e|ing)|enter(?:ing)?|approv(?:e|ing)|accept(?:ing)?|go(?:ing)? with) {TRADE}"
)
AGAINST = re.compile(
    rf"(?:\b{WOULD}|\b{ADVISE}|^(?:(?:so|therefore|overall|conclusion|verdict)\b[ ,:]*)?) ?,? ?(?:to )?(?:"
    rf"(?:avoid(?:ing)?|skip(?:ping)?|reject(?:ing)?|pass(?:ing)? on|leav(?:e|ing)"
    r"|stay(?:ing)? (?:out of|away from))"
    rf" (?:{TRADE}|it\b|this one)"
    r"|stay(?:ing)? (?:out|away)\b(?! of)|avoid(?:ing)?(?= *(?:for now|here|[.!;]|$)))"
    rf"|\b{WOULD_NOT} (?:take|enter|approve|accept|touch) (?:{TRADE}|it\b)"
    rf"|\b{TRADE} (?:is not worth taking|should be (?:avoided|rejected|skipped)|is best avoided)"
)
BUYING = re.compile(
    rf"\bstrong buy\b|\b(?:{WOULD}|{ADVISE}) (?:buy(?:ing)?|a buy|go(?:ing)? long)\b"
    r"|^(?:buy|go long)(?: it)? now\b|\b(?:it|this) is a (?:clear |screaming )?buy\b"
)
SELLING = re.compile(
    rf"\bstrong sell\b|\b(?:{WOULD}|{ADVISE}) (?:sell(?:ing)?|a sell|go(?:ing)? short)\b"
    r"|^(?:sell|go short)(?: it)? now\b|\b(?:it|this) is a (?:clear |screaming )?sell\b"
)
NOT_BUYING = re.compile(rf"\b(?:{WOULD_NOT}|avoid) buy(?:ing)?\b")
NOT_SELLING = re.compile(rf"\b(?:{WOULD_NOT}|avoid) sell(?:ing)?\b")

CONDITION = re.compile(
    r"\b(?:if|unless|until|when|once|whether|while|should (?:it|the|price|volume)|otherwise|in case|could"
    r"|might|may|why|traders who|some|others|previously|last time|earlier|past|was|were|said|says|had)\b"
    r"|\?$"
)
NEGATION = re.compile(
    r"\b(?:no|not|never|nothing|neither|nor|hardly|without|rather than|instead of|cannot|far from|less than"
    r"|short of|\w+n't)\b"
)


def contradictions(action: str, confidence: float, text: str, side: str | None) -> list[str]:
    """Return what does not fit together, in sentences. `side`: the signal's, if any; `confidence`: 0 to 1."""
    action = action.upper()
    complaints = []
    if action in ("BUY", "SELL") and confidence < UNSURE:
        complaints.append(f"It says {action} with a confidence of {confidence:.2f}.")
    return complaints + [
        f"It says {action}, but its text says “{words}”."
        for words, agrees in _advice(text, side)
        if action not in agrees
    ]


def _advice(text: str, side: str | None) -> list[tuple[str, frozenset[str]]]:
    """Return what the text recommends in so many words, each once, with the actions that agree with it."""
    waiting = {"HOLD", "PASS"}
    with_it = {side} if side else {"BUY", "SELL"}
    readings = (
        (FOR, with_it, False),
        (AGAINST, waiting | ({"BUY", "SELL"} - with_it if side else set()), True),
        (BUYING, {"BUY"}, False),
        (SELLING, {"SELL"}, False),
        (NOT_BUYING, waiting | {"SELL"}, True),
        (NOT_SELLING, waiting | {"BUY"}, True),
    )
    advice: dict[str, frozenset[str]] = {}
    for sentence in map(_plain, SENTENCE.findall(text.lower().replace("\u2019", "'"))):
        if CONDITION.search(sentence):
            continue
        for pattern, agrees, says_no in readings:
            words = pattern.search(sentence)
            if words and not NEGATION.search(sentence[: words.start() if says_no else words.end()]):
                advice.setdefault(words[0].strip(" ,*-:\t"), frozenset(agrees))
    return list(advice.items())


def _plain(sentence: str) -> str:
    """Return it with single spaces and no mark before its first word, as long as a recommendation needs."""
    return LEADING.sub("", " ".join(sentence[:LONGEST].split()))
