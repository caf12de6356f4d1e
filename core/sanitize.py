"""Outside text as data: it cannot pass for an instruction, a mark-up or a piece of JSON. Pure."""

import re
import unicodedata

LIMIT = 500
ELLIPSIS = "…"

# Control, format (bidi, zero width, tags), lone surrogates, private and unassigned characters.
UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
# Variation selectors count as marks, but nothing is seen of them and a row of them can hide a text.
SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def plain(text: str, limit: int = LIMIT) -> str:
    """`text` as one line of characters that can be seen, at most `limit` long; an ellipsis where it was cut.

    What it says is not changed: a bracket or a quote stays one, to be escaped on its way to a model.
    """
    spaced = "".join(" " if c.isspace() else c for c in SELECTORS.sub("", text))
    line = " ".join("".join(c for c in spaced if unicodedata.category(c) not in UNSEEN).split())
    return line if len(line) <= limit else line[: max(0, limit - 1)].rstrip() + ELLIPSIS
