"""A long file is read in parts to the same bars as at once, where that does not need all of it."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from market.imports.csvfile import chunks
from market.imports.csvfile.problems import BadFile
from market.imports.csvfile.reader import AS_IT_IS, bars_of, in_chunks
from market.imports.csvfile.table import read_table
from market.prices import Timeframe
from tests.market.imports.test_csvfile_shapes import PLAIN, SHAPES, TABLES, minutes

NEW_YORK = ZoneInfo("America/New_York")
UNTIL = np.datetime64("2026-01-01", "us")
TEXTS = {name: (text, Timeframe.D1) for name, text in TABLES.items()}
TEXTS |= {name: (text, Timeframe.M1) for name, text in SHAPES.items()}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LARGE", 0)
    monkeypatch.setattr(chunks, "ROWS", 2)


@pytest.mark.parametrize(("text", "timeframe"), TEXTS.values(), ids=TEXTS)
def test_parts_give_what_the_whole_gives(text: str, timeframe: Timeframe) -> None:
    whole = bars_of(read_table(text.encode(), AS_IT_IS), timeframe, NEW_YORK, UNTIL)
    parts = in_chunks(text.encode(), timeframe, NEW_YORK, UNTIL)
    if parts is not None:
        assert list(parts.bars.rows()) == list(whole.bars.rows())
        assert (parts.notes, parts.stamped, parts.zone) == (whole.notes, whole.stamped, whole.zone)


def test_files_as_programs_write_them_are_read_in_parts() -> None:
    for text, timeframe in ((PLAIN, "1d"), (SHAPES["Kibot"], "1m"), (SHAPES["FirstRate Data"], "1m")):
        assert in_chunks(text.encode(), Timeframe(timeframe), NEW_YORK, UNTIL) is not None


NEW_DAY = "2024-12-02,1300,1310,1290,1305,7\n"
WHOLE = {
    "a note": PLAIN + "some last words\n",
    "no price": PLAIN + "2024-12-02,,,,,\n",
    "a bad line": PLAIN + NEW_DAY.replace("1310", "13"),
    "other widths": PLAIN + "2024-12-02,1\n",
    "the same bar otherwise": PLAIN + NEW_DAY + NEW_DAY.replace("1305", "1306"),
    "another currency": PLAIN.replace(",1242.09", ",$1242.09") + NEW_DAY.replace("1300", "\u20ac1300"),
    "another decimal mark": (PLAIN + NEW_DAY).replace(",", ";").replace("1305", "1305,5"),
    "another symbol": "symbol," + PLAIN.replace("\n2", "\nA,2") + "B," + NEW_DAY,
    "no header": NEW_DAY,
    "utf-16": PLAIN,
}


@pytest.mark.parametrize(("name", "text"), WHOLE.items())
def test_what_needs_the_whole_file_is_not_read_in_parts(name: str, text: str) -> None:
    content = text.encode("utf-16" if name == "utf-16" else "utf-8")
    assert in_chunks(content, Timeframe.D1, NEW_YORK, UNTIL) is None


def test_a_time_that_the_clocks_skipped_is_told_as_ever() -> None:
    text = "time,open,high,low,close,volume\n" + minutes("2024-03-10 02:{m},10,12,9,11,70")
    assert in_chunks(text.encode(), Timeframe.M1, NEW_YORK, UNTIL) is None
    with pytest.raises(BadFile, match="line 2: 2024-03-10 02:30:00 never was in America/New_York"):
        bars_of(read_table(text.encode(), AS_IT_IS), Timeframe.M1, NEW_YORK, UNTIL)
