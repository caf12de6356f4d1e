"""Outside text as data: it cannot pass for an instruction, a mark-up or a piece of JSON. Pure."""

import re
import unicodedata

LIMIT = 500
ELLIPSIS = "…"

# Control, format (bidi, zero width, tags), lone surrogates, private and unassigned characters.
UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
# Variation selectors count as marks, but nothing is seen of them and a row of them can hide a text.
SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")

# Control characters, marks that turn the direction of the text after them, halves of a surrogate.
# The ranges are written as every dialect of regular expressions reads them, without the halves.
HOSTILE_RANGES = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff"
HOSTILE = re.compile(rf"[{HOSTILE_RANGES}\ud800-\udfff]")
LINE_ENDS = re.compile("[\t\n\r\u2028\u2029]")
LOOSE_MINUS = re.compile(r"-(?!\w)")


def is_hostile(text: str, *, one_line: bool = False) -> bool:
    """Return whether the text has characters that no person types; `one_line`: a tab or line end, too."""
    return bool(HOSTILE.search(text) or (one_line and LINE_ENDS.search(text)))


def why_hostile(text: str) -> str:
    """Return what is wrong with such a text, for its sender."""
    if "\x00" in text:
        return "Null characters are not allowed."
    return "Control characters and marks that turn the direction of text are not allowed."


def search_words(text: str) -> str:
    """Return words to search for without minus signs before no word: a row of them exhausts the database."""
    return LOOSE_MINUS.sub(" ", text)


def plain(text: str, limit: int = LIMIT) -> str:
    """`text` as one line of characters that can be seen, at most `limit` long; an ellipsis where it was cut.

    What it says is not changed: a bracket or a quote stays one, to be escaped on its way to a model.
    """
    spaced = "".join(" " if c.isspace() else c for c in SELECTORS.sub("", text))
    line = " ".join("".join(c for c in spaced if unicodedata.category(c) not in UNSEEN).split())
    return line if len(line) <= limit else line[: max(0, limit - 1)].rstrip() + ELLIPSIS
