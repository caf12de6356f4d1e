"""What the doctor says of one thing, and how a part of what it looks at is kept from stopping the others."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from market import faults

logger = logging.getLogger(__name__)

RECENT = timedelta(days=1)
SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. It needs attention when it has `advice`, which says what to do."""

    about: str
    text: str
    advice: str = ""


Part = Callable[[], Iterable[Finding]]


def guarded(about: str, part: Part) -> Iterator[Finding]:
    """Yield what a part finds. One that breaks keeps no other from being looked at."""
    try:
        yield from part()
    except faults.CONTENT as error:
        logger.exception("%s cannot be examined", about)
        yield Finding(about, f"it cannot be examined: {faults.describe(error)}", "Read the log.")
