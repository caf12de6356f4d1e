"""Many stamps at once: ISO texts to clocks, the clocks of a zone to instants."""

import re
from collections.abc import Sequence
from datetime import tzinfo

import numpy as np

from market.imports.csvfile.stamps import to_utc
from market.prices import INSTANT, Instants, to_datetime, to_instant

LENGTHS = (len("2024-01-02 09:30"), len("2024-01-02 09:30:00"))
ISO = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?")
QUARTER = np.timedelta64(15, "m")  # no clock is put forward or back within one


def iso_clocks(cells: Sequence[str]) -> Instants | None:
    """Return times like 2024-01-02 09:30:00, all of one length; None when some are written otherwise."""
    if not cells or len(cells[0]) not in LENGTHS or len({*map(len, cells)}) > 1:
        return None
    if not all(map(ISO.fullmatch, cells)):
        return None
    try:
        return np.array(cells, dtype=INSTANT)
    except ValueError:
        return None


def clocks_to_utc(clocks: Instants, zone: tzinfo) -> Instants:
    """Return the instants of wall clocks in a zone.

    Raises stamps.Unreadable where one never was, or was twice.
    """
    since = clocks - np.datetime64(0, "us")
    quarters, which = np.unique(clocks - since % QUARTER, return_inverse=True)
    naive = (to_datetime(quarter).replace(tzinfo=None) for quarter in quarters)
    offsets = np.array([to_instant(to_utc(clock, zone)) for clock in naive]) - quarters
    utc: Instants = clocks + offsets[which]
    return utc
