"""What is wrong with a file, line by line."""

from dataclasses import dataclass, field

LISTED = 20


class BadFile(ValueError):
    """The file cannot be taken as it is. The message has a line for each bad one, at most LISTED of them."""


@dataclass
class Problems:
    """The lines that cannot be taken, each with the first reason that was found."""

    reasons: dict[int, str] = field(default_factory=dict)

    def add(self, line: int, reason: str) -> None:
        self.reasons.setdefault(line, reason)

    def refuse(self) -> None:
        """Raise BadFile when anything was added."""
        if self.reasons:
            raise BadFile(str(self))

    def __str__(self) -> str:
        lines = [f"line {line}: {reason}" for line, reason in sorted(self.reasons.items())[:LISTED]]
        if len(self.reasons) > LISTED:
            lines.append(f"... and {len(self.reasons) - LISTED:,} more lines")
        return "\n".join(lines)
