"""Where an answer contradicts itself: its action against its confidence, or against its own text. Pure.

Only plain recommendations about the trade at hand are read, sentence by sentence. A sentence with a condition
("avoid it if volume dries up"), a negation ("no reason to avoid this trade") or a question says nothing here:
a contradiction that is missed costs less than one that is made up. HOLD and PASS with a high confidence are
no contradiction: one can be sure that there is nothing to do.
"""

import re

UNSURE = 0.3  # below it nobody should recommend to trade

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
    """What does not fit together, in sentences. `confidence`: 0 to 1. `side`: of the signal, if any."""
    action = action.upper()
    found = []
    if action in ("BUY", "SELL") and confidence < UNSURE:
        found.append(f"It says {action} with a confidence of {confidence:.2f}.")
    return found + [
        f"It says {action}, but its text says “{said}”."
        for said, agrees in _advice(text, side)
        if action not in agrees
    ]


def _advice(text: str, side: str | None) -> list[tuple[str, frozenset[str]]]:
    """What the text recommends in so many words, each once, with the actions that agree with it."""
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
            said = pattern.search(sentence)
            if said and not NEGATION.search(sentence[: said.start() if says_no else said.end()]):
                advice.setdefault(said[0].strip(" ,*-:\t"), frozenset(agrees))
    return list(advice.items())


def _plain(sentence: str) -> str:
    """With single spaces and no mark before its first word; as much of it as a recommendation needs."""
    return LEADING.sub("", " ".join(sentence[:LONGEST].split()))
