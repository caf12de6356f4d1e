"""How long the web service has been up: `jaxsite.wsgi` imports this, so the count begins at its start."""

import time
from datetime import timedelta

STARTED = time.monotonic()


def uptime() -> timedelta:
    return timedelta(seconds=time.monotonic() - STARTED)


def in_words(span: timedelta) -> str:
    """5m30s, 45s, 26h0m5s."""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
