"""Lists of symbols as people have them: pasted, or exported by TradingView, IB or Yahoo. Pure."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from market.imports import spelling
from market.imports.exchanges import EXCHANGES, ROUND_THE_CLOCK, Exchange

LONGEST = 2_000  # lines
SYMBOL_COLUMNS = ("symbol", "ticker", "instrument", "financial instrument")
NAME_COLUMNS = ("name", "description", "company", "company name", "security", "long name")
EXCHANGE_COLUMNS = ("exchange", "primary exchange", "listing exchange", "market")
SHARES_AT_IB = ("STK", "ETF")
GROUP_COLUMNS = ("group", "section", "watchlist", "list")
NOTE_COLUMNS = ("note", "notes", "comment", "comments")
NOTE = re.compile(r"#(?!##)|//|COLUMN,")  # ### begins a section at TradingView
HEADING = re.compile(r"HED,(.*)")  # as Trader Workstation begins one
FORMULA = ("=", "+", "-", "@", "\t")  # what a table's program would reckon out


# As IB writes classes, preferred shares, warrants and units. `F T` is more likely Ford and AT&T.
ONE_OF_TWO_WORDS = re.compile(r"[A-Z]{1,6} (?:[A-C]|PR ?[A-Z]?|WS|WT|UN|RT)", re.IGNORECASE)
UNCLEAR = "Several shares, or one of a class? Write each on a line of its own, a class with a dot: BRK.B."
PAIR = re.compile(r"([A-Z0-9]{2,10})/([A-Z]{3})")


@dataclass(frozen=True)
class Entry:
    """One share of a list, with its group and note there. `place`: its exchange as the list calls it."""

    symbol: str
    name: str = ""
    place: str = ""
    group: str = ""
    note: str = ""

    @property
    def exchange(self) -> Exchange | None:
        """The exchange, where the list names one or the symbol says it."""
        if pair := PAIR.fullmatch(self.symbol):
            return Exchange(ROUND_THE_CLOCK, pair[2])
        return EXCHANGES.get(self.place)

    @property
    def meant(self) -> list[str]:
        """What the symbol is perhaps a slip of."""
        return spelling.looks_like(self.symbol)


@dataclass
class Watchlist:
    """What a list holds: each share once, and what was left out, as it stands there, with the reason.

    `group`: that of what is added next.
    """

    entries: list[Entry] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    group: str = field(default="", compare=False)

    def add(self, given: str, exchange: str = "", name: str = "", note: str = "") -> None:
        """Add what one cell says: `NASDAQ:AAPL`, `BRK B`."""
        place, _, text = given.strip().rpartition(":")
        place = (place or exchange).strip().upper()
        try:
            entry = _entry(text, place, " ".join(name.split()))
        except ValueError as reason:
            self.left_out.append((given.strip(), str(reason)))
            return
        entry = replace(entry, group=self.group, note=_unquoted(note))
        same = next((other for other in self.entries if other.symbol == entry.symbol), None)
        if same is None:
            self.entries.append(entry)
        elif same.exchange and entry.exchange and same.exchange != entry.exchange:
            twice = f"{entry.symbol} is in the list already, on another exchange: symbols are unique here."
            self.left_out.append((given.strip(), twice))


def parse(text: str) -> Watchlist:
    """Read a list: symbols parted by commas, semicolons, tabs or line ends, or an export with a header.

    Raises ValueError for a list that is too long.
    """
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    lines = [line for line in lines if line and not NOTE.match(line)]
    if len(lines) > LONGEST:
        raise ValueError(f"The list has {len(lines):,} lines; at most {LONGEST:,} are read at once.")
    watchlist = Watchlist()
    if lines and (header := _header(lines[0])):
        _read_table(lines, header, watchlist)
    else:
        for line in lines:
            _read_line(line, watchlist)
    return watchlist


def written(entries: Sequence[Entry]) -> str:
    """Return a list as a table that `parse` reads."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["Symbol", "Exchange", "Name", "Group", "Note"])
    writer.writerows(
        [entry.symbol, entry.place, *map(_quoted, (entry.name, entry.group, entry.note))] for entry in entries
    )
    return table.getvalue()


def _quoted(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _unquoted(text: str) -> str:
    plain = " ".join(text.split())
    return plain[1:] if plain.startswith("'") and plain[1:].startswith(FORMULA) else plain


def _read_table(lines: Sequence[str], header: "_Header", watchlist: Watchlist) -> None:
    for cells in csv.reader(lines[1:], delimiter=header.delimiter):
        if symbol := _cell(cells, header.symbol):
            watchlist.group = _unquoted(_cell(cells, header.group))
            name, note = _unquoted(_cell(cells, header.name)), _cell(cells, header.note)
            watchlist.add(symbol, _cell(cells, header.exchange), name, note)


def _read_line(line: str, watchlist: Watchlist) -> None:
    if heading := HEADING.fullmatch(line):
        watchlist.group = heading[1].strip()
        return
    cells = next(csv.reader([line.replace(";", ",").replace("\t", ",")], skipinitialspace=True))
    if cells[0] in ("DES", "SYM") and len(cells) > 2:
        _read_line_of_ib(cells, watchlist)
        return
    for cell in cells:
        text = cell.strip()
        if text.startswith("###"):  # the name of a section at TradingView
            watchlist.group = text.strip("# ")
        elif text:
            _read_words(text, watchlist)


def _read_line_of_ib(cells: Sequence[str], watchlist: Watchlist) -> None:
    """Read `DES,AAPL,STK,SMART/NASDAQ,,,,,` or `SYM,AAPL,SMART/NASDAQ`."""
    kind, place = (cells[2], _cell(cells, 3)) if cells[0] == "DES" else ("STK", cells[2])
    if kind not in SHARES_AT_IB:
        watchlist.left_out.append((cells[1], f"IB calls it {kind}: only shares and funds can be watched."))
        return
    watchlist.add(cells[1], place.rpartition("/")[2])


def _read_words(text: str, watchlist: Watchlist) -> None:
    """Read one cell: `AAPL MSFT NVDA` are three shares, `BRK B` is one."""
    words = text.split()
    if len(words) == 1 or ONE_OF_TWO_WORDS.fullmatch(text):
        watchlist.add(text)
    elif not (text.isupper() or text.islower()):  # the name of a company
        watchlist.left_out.append((text, "This is no symbol, and no list of them."))
    elif any(len(word) == 1 for word in words[1:]):
        watchlist.left_out.append((text, UNCLEAR))
    else:
        for word in words:
            watchlist.add(word)


def _entry(text: str, place: str, name: str) -> Entry:
    """Return what one line names. Raises ValueError."""
    entry = Entry(spelling.ours(text), name, place)
    if place and entry.exchange is None:
        raise ValueError(
            f"The exchange {place[:20]} is not known here: add it by hand, with its calendar and currency."
        )
    return entry


@dataclass(frozen=True)
class _Header:
    delimiter: str
    symbol: int
    name: int | None
    exchange: int | None
    group: int | None
    note: int | None


def _header(line: str) -> _Header | None:
    """Return where a table's columns are; None when the line is no header."""
    delimiter = max(",;\t", key=line.count)
    titles = [title.strip().strip('"').lower() for title in line.split(delimiter)]
    symbol = _position(titles, SYMBOL_COLUMNS)
    if symbol is None:
        return None
    others = (NAME_COLUMNS, EXCHANGE_COLUMNS, GROUP_COLUMNS, NOTE_COLUMNS)
    return _Header(delimiter, symbol, *(_position(titles, wanted) for wanted in others))


def _position(titles: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((titles.index(title) for title in wanted if title in titles), None)


def _cell(cells: Sequence[str], position: int | None) -> str:
    return cells[position].strip() if position is not None and position < len(cells) else ""
