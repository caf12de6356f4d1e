"""What is wrong with a file, line by line."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

LISTED = 20
SUMMARIZED = 3  # more bad lines than this are summed up first
KINDS = 3  # reasons in a summary
VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|-?[\d][\d,.:\-]*(e[+-]?\d+)?|\bnan\b|\binf\b")


class BadFile(ValueError):
    """The file cannot be taken as it is. The message has a line for each bad one, at most LISTED of them.

    `problems` has all of them, where it is about lines.
    """

    problems: "Problems | None" = None


def no_text(line: int) -> str:
    return ""


@dataclass
class Problems:
    """The lines that cannot be taken, each with the first reason that was found.

    `text_of` returns what a line says, for the user who looks for it.
    """

    text_of: Callable[[int], str] = no_text
    reasons: dict[int, str] = field(default_factory=dict)

    def add(self, line: int, reason: str) -> None:
        self.reasons.setdefault(line, reason)

    def refuse(self) -> None:
        """Raise BadFile when anything was added."""
        if self.reasons:
            bad_file = BadFile(str(self))
            bad_file.problems = self
            raise bad_file

    def listed(self, most: int) -> list[tuple[int, str, str]]:
        """Return the first of the lines, each with the reason and what it says."""
        return [(line, reason, self.text_of(line)) for line, reason in sorted(self.reasons.items())[:most]]

    def __str__(self) -> str:
        lines = [self._quoted(line, reason) for line, reason in sorted(self.reasons.items())[:LISTED]]
        if len(self.reasons) > LISTED:
            lines.append(f"... and {len(self.reasons) - LISTED:,} more lines")
        if len(self.reasons) > SUMMARIZED:
            lines.insert(0, self._summary())
        return "\n".join(lines)

    def _quoted(self, line: int, reason: str) -> str:
        text = self.text_of(line)
        return f"line {line}: {reason}  |  {text}" if text else f"line {line}: {reason}"

    def _summary(self) -> str:
        """Return how many lines are bad and why: reasons that differ in their numbers alone are one."""
        kinds: dict[str, list[int]] = {}
        for line, reason in sorted(self.reasons.items()):
            kinds.setdefault(VARYING.sub("", reason), []).append(line)
        usual = sorted(kinds.values(), key=len, reverse=True)[:KINDS]
        counts = [f"{len(lines):,} as line {lines[0]} ({self.reasons[lines[0]]})" for lines in usual]
        others = ", and others" if len(kinds) > KINDS else ""
        return f"{len(self.reasons):,} lines cannot be taken: {', '.join(counts)}{others}."
