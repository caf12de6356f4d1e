"""Something that is done every so many seconds by a loop that turns faster."""

from dataclasses import dataclass


@dataclass
class Turn:
    every: float
    next_at: float = 0.0

    def comes(self, now: float) -> bool:
        """Return whether it is time, which then begins anew."""
        if now < self.next_at:
            return False
        self.next_at = now + self.every
        return True
