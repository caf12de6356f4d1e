"""The settings that a process is given by name, as texts. Pure."""

import difflib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from core.registry.kinds import Flag, Number, Whole

T = TypeVar("T")

# Python's own types as a vendor may name them: a number without bounds, but a number.
PLAIN: dict[Any, Callable[[str], Any]] = {
    bool: Flag(),
    int: Whole(),
    Decimal: Number(),
    float: lambda text: float(Number()(text)),
}
PLAIN_WORDS = {float: "a number"}
LONGEST = 80  # of a value that is shown
ALIKE = 0.87  # of two names, 1 being the same: a letter too many, too few or wrong


class Environment:
    """Reads settings. `problems`: a sentence for each that makes no sense, to be told all at once.

    `kinds`: what each setting that was read may be.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.problems: list[str] = []
        self.kinds: dict[str, Callable[[str], Any]] = {}

    def __contains__(self, name: str) -> bool:
        """Return whether it is set to something: NAME= means the default."""
        return bool(self._values.get(name, "").strip())

    def read(self, name: str, cast: Callable[[str], T], default: T, *, secret: bool = False) -> T:
        """Return the value of a setting; the default when it is not set, and when it is a problem."""
        self.kinds[name] = kind = PLAIN.get(cast, cast)
        text = self._values.get(name, "").strip()
        if not text:
            return default
        try:
            value: T = kind(text)
        except (ValueError, ArithmeticError):
            self.problems.append(f"{name} is not {_expected(cast)}{_shown(text, secret)}.{_comment(text)}")
            return default
        return value

    def misspelt(self) -> dict[str, str]:
        """Return the names that nothing reads but that look like one of those read, with that one each."""
        others = sorted(name for name in self._values if name not in self.kinds)
        likely = {name: difflib.get_close_matches(name, self.kinds, 1, ALIKE) for name in others}
        return {name: names[0] for name, names in likely.items() if names}


def _expected(cast: Any) -> str:
    """Return what a kind says of itself; a function of a vendor's own says nothing."""
    words = PLAIN_WORDS.get(cast) or str(PLAIN.get(cast, cast))
    return "what it should be" if words.startswith("<") else words


def _shown(text: str, secret: bool) -> str:
    """Return the value to show. A secret, or an address that may hold one, is not."""
    return "" if secret or "@" in text else f": {text[:LONGEST]}"


def _comment(text: str) -> str:
    return " A comment needs a line of its own." if " #" in text else ""
