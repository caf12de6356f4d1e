"""When people are left alone. Pure: no Django."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

WRITTEN = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")


@dataclass(frozen=True)
class QuietHours:
    """From `begins` to before `ends` by the clock of `zone`, across midnight when it begins later."""

    begins: time
    ends: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> Self | None:
        """Hours as in 22:00-07:00; none of an empty text. Raises ValueError."""
        if not text:
            return None
        match = WRITTEN.fullmatch(text)
        if match is None or match[1] == match[2]:
            raise ValueError("Write two different times as in 22:00-07:00.")
        return cls(time.fromisoformat(match[1]), time.fromisoformat(match[2]), zone)

    def end(self, at: datetime) -> datetime | None:
        """Return when the quiet hours that `at` lies in are over; None when it lies in none."""
        local = at.astimezone(self.zone)
        if not self._cover(local.time()):
            return None
        day = local.date() if local.time() < self.ends else local.date() + timedelta(days=1)
        return datetime.combine(day, self.ends, self.zone).astimezone(UTC)

    def _cover(self, moment: time) -> bool:
        if self.begins < self.ends:
            return self.begins <= moment < self.ends
        return moment >= self.begins or moment < self.ends
