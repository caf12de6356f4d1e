"""What /health says of the connection: its state, since when, and what else is wrong."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ib_bridge.conditions import ENDS, NOTICES, READ_ONLY, WORDS, State, is_read_only

logger = logging.getLogger("ib_bridge")
REMEMBERED = 600.0  # seconds for which a notice stands that nothing ends


@dataclass(frozen=True, slots=True)
class Notice:
    code: int
    message: str
    advice: str
    at: datetime

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "advice": self.advice, "at": self.at.isoformat()}


class Status:
    """`on_change` is called when the state changes, after it was logged."""

    def __init__(self, clock: Callable[[], datetime], on_change: Callable[[State], None]) -> None:
        self._clock, self._on_change = clock, on_change
        self.state, self.since = State.CONNECTING, clock()
        self.account = ""
        self.server_version = 0
        self.retry_in = 0.0
        self._notices: dict[int, Notice] = {}

    @property
    def is_ready(self) -> bool:
        return self.state in (State.CONNECTED, State.READ_ONLY)

    @property
    def is_synced(self) -> bool:
        """Return whether orders have been read, too: before that none is sent."""
        return self.state is State.CONNECTED

    @property
    def is_paper(self) -> bool:
        return self.account.startswith("D")

    def become(self, state: State, detail: str = "") -> None:
        if state is self.state:
            return
        self.state, self.since = state, self._clock()
        words = WORDS[state]
        level = (
            logging.INFO if state in (State.CONNECTED, State.CONNECTING, State.READING) else logging.WARNING
        )
        logger.log(level, "%s", " ".join(part for part in (words.message, detail, words.advice) if part))
        self._on_change(state)

    def note(self, code: int, text: str) -> None:
        """Take what the gateway reported: it may begin a notice, or end others."""
        for ended in ENDS.get(code, ()):
            self._notices.pop(ended, None)
        is_meant = code != READ_ONLY or is_read_only(code, text)
        if is_meant and (words := NOTICES.get(code)) is not None:
            if code not in self._notices:
                logger.warning("%s %s IB says: %s", words.message, words.advice, text)
            self._notices[code] = Notice(code, words.message, words.advice, self._clock())

    def end(self, code: int) -> None:
        """Take back a notice that is over."""
        self._notices.pop(code, None)

    def forget_notices(self) -> None:
        self._notices.clear()

    def notices(self) -> list[Notice]:
        now = self._clock()
        lasting = {ended for codes in ENDS.values() for ended in codes}
        return [
            notice
            for notice in self._notices.values()
            if notice.code in lasting or (now - notice.at).total_seconds() < REMEMBERED
        ]

    def as_json(self) -> dict[str, Any]:
        words = WORDS[self.state]
        return {
            "state": self.state,
            "message": words.message,
            "advice": words.advice,
            "since": self.since.isoformat(),
            "account_id": self.account,
            "server_version": self.server_version,
            "synced": self.is_synced,
            "retry_in": round(self.retry_in, 1),
            "notices": [notice.as_json() for notice in self.notices()],
        }
