"""Lists of symbols as people have them: pasted, or exported by other programs. Pure."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from market.imports import codes, likeness, list_table, spelling
from market.imports.exchanges import EXCHANGES, ROUND_THE_CLOCK, Exchange

LONGEST = 2_000  # lines
SHARES_AT_IB = ("STK", "ETF")
NOTE = re.compile(
    r"#(?!##)|//|COLUMN,|sep=.$|[|:+\s-]+$", re.IGNORECASE
)  # ### begins a section at TradingView
HEADING = re.compile(r"HED,(.*)")  # as Trader Workstation begins one
BULLET = re.compile(r"(?:\d{1,3}[.)]|[-*+•·–])\s+")  # noqa: RUF001  a dash
LABEL = re.compile(r"(?:symbols?|tickers?|watchlist)\s*[:=]\s*", re.IGNORECASE)
REMARK = re.compile(r"\s+(?:#(?!#)|//)\s*(.+)")
UNSEEN = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u2060\ufeff"))  # copied along from web pages
NUMBER = re.compile(r"[\d.,]+")
OF_SECURITY = re.compile(r"BBG[A-Z0-9]{9}|[A-Z]{2}[A-Z0-9]{9}\d|\d{3}[A-Z0-9]{5}\d")  # FIGI, ISIN, CUSIP
FORMULA = ("=", "+", "-", "@", "\t")  # what a table's program would reckon out


# As IB writes classes, preferred shares, warrants and units. `F T` is more likely Ford and AT&T.
ONE_OF_TWO_WORDS = re.compile(r"[A-Z]{1,6} (?:[A-C]|PR ?[A-Z]?|WS|WT|UN|RT)", re.IGNORECASE)
OF_BLOOMBERG = re.compile(r".+ (?:EQUITY|INDEX|CURNCY|COMDTY|GOVT|CORP|MTGE)|\S+ US", re.IGNORECASE)
UNCLEAR = "Several shares, or one of a class? Write each on a line of its own, a class with a dot: BRK.B."
PAIR = re.compile(r"([A-Z0-9]{2,10})/([A-Z]{3})[TC]?")
CURRENCY = re.compile(likeness.CURRENCIES)
INDEX = re.compile(rf"\$({likeness.INDICES})", re.IGNORECASE)  # $AAPL is a share
TWICE = "It is in the list already"


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
            is_currency = CURRENCY.fullmatch(pair[1])
            return Exchange("24/5" if is_currency else ROUND_THE_CLOCK, pair[2])
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
        """Add what one cell says: `NASDAQ:AAPL`, `BRK B`, `VOD.L`, `AAPL US Equity`."""
        try:
            entry = _entry(given.strip(), exchange, " ".join(name.split()))
        except ValueError as reason:
            self.leave_out(given, str(reason))
            return
        entry = replace(entry, group=self.group, note=_unquoted(note))
        index = next((i for i, other in enumerate(self.entries) if other.symbol == entry.symbol), None)
        if index is None:
            self.entries.append(entry)
        else:
            self._add_again(index, entry, given)

    def _add_again(self, index: int, entry: Entry, given: str) -> None:
        """Take what a second line adds to the first, and say what it contradicts."""
        first = self.entries[index]
        if first.exchange and entry.exchange and first.exchange != entry.exchange:
            twice = f"{entry.symbol} is in the list already, on another exchange: symbols are unique here."
            self.leave_out(given, twice)
            return
        if entry.group != first.group:
            self.leave_out(given, f"{TWICE}, {f'under {first.group}' if first.group else 'without a group'}.")
        notes = [note for note in (first.note, entry.note) if note]
        self.entries[index] = replace(
            first, note="; ".join(dict.fromkeys(notes)), name=first.name or entry.name
        )

    def leave_out(self, given: str, reason: str) -> None:
        self.left_out.append((given.strip(), reason))


def decoded(content: bytes) -> str:
    """Return a file's text: UTF-8 or UTF-16 with or without a mark, else Western Windows."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if content[1:2] == b"\0":
        return content.decode("utf-16-le", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def parse(text: str) -> Watchlist:
    """Read a list: symbols parted by commas, semicolons, tabs, bars or line ends, or a table.

    Raises ValueError for a list that is too long.
    """
    lines = [line.strip(" \r\v\f\0") for line in text.translate(UNSEEN).splitlines()]
    lines = [line for line in lines if line.strip() and not NOTE.match(line)]
    if len(lines) > LONGEST:
        raise ValueError(f"The list has {len(lines):,} lines; at most {LONGEST:,} are read at once.")
    watchlist = Watchlist()
    table = list_table.read(lines)
    if table is None:
        for line in lines:
            _read_line(line.strip(), watchlist)
        return watchlist
    for above in table.above:
        watchlist.leave_out(above, "It stands above the table.")
    for row in table.rows:
        _read_row(row, watchlist)
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


def _read_row(row: list_table.Row, watchlist: Watchlist) -> None:
    watchlist.group = _unquoted(row.group)
    if row.kind and (sort := list_table.no_share(row.kind)):
        watchlist.leave_out(row.symbol, f"The list calls it {sort}: only shares and funds can be watched.")
    elif row.symbol:
        watchlist.add(row.symbol, row.exchange, _unquoted(row.name), row.note)


def _read_line(line: str, watchlist: Watchlist) -> None:
    if heading := HEADING.fullmatch(line):
        watchlist.group = heading[1].strip()
        return
    if remark := REMARK.search(line):
        had = len(watchlist.entries)
        _read_line(line[: remark.start()], watchlist)
        if len(watchlist.entries) == had + 1:
            watchlist.entries[-1] = replace(watchlist.entries[-1], note=_unquoted(remark[1]))
        return
    cells = list(_cells(LABEL.sub("", BULLET.sub("", line, count=1), count=1)))
    if cells and cells[0].upper() in ("DES", "SYM", "CON") and len(cells) > 2:
        _read_line_of_ib([cell.upper() for cell in cells], watchlist)
        return
    for cell in cells:
        text = cell.strip()
        if text.startswith("###"):  # the name of a section at TradingView
            watchlist.group = text.strip("# ")
        elif text:
            _read_words(text, watchlist)


def _cells(line: str) -> Iterator[str]:
    """Yield the parts of a line; of a list as programs write it, `["AAPL", "MSFT"]`, too."""
    if line[:1] + line[-1:] in ("[]", "{}", "()"):
        line = line[1:-1]
    for mark in (";", "\t", "|", " / "):
        line = line.replace(mark, ",")
    yield from (cell.strip() for cell in next(csv.reader([line], skipinitialspace=True), []))


def _read_line_of_ib(cells: Sequence[str], watchlist: Watchlist) -> None:
    """Read `DES,AAPL,STK,SMART/NASDAQ,,,,,` or `SYM,AAPL,SMART/NASDAQ`."""
    if cells[0] == "CON":
        watchlist.leave_out(cells[1], "It is a contract's number at IB: export the list with symbols.")
        return
    kind, place = (cells[2], cells[3] if len(cells) > 3 else "") if cells[0] == "DES" else ("STK", cells[2])
    if kind not in SHARES_AT_IB:
        watchlist.leave_out(cells[1], f"IB calls it {kind}: only shares and funds can be watched.")
        return
    watchlist.add(cells[1], place.rpartition("/")[2])


def _read_words(text: str, watchlist: Watchlist) -> None:
    """Read one cell: `AAPL MSFT NVDA` are three shares, `BRK B` and `AAPL US Equity` are one."""
    words = [word for word in text.split() if word.lower() != "and"]
    if len(words) == 1 or ONE_OF_TWO_WORDS.fullmatch(text) or OF_BLOOMBERG.fullmatch(text):
        watchlist.add(" ".join(words))
    elif not any(len(word) == 1 for word in words) and (looks := likeness.describe(text)):
        watchlist.leave_out(text, looks)
    elif not all(word.isupper() or word.islower() for word in words) or text.islower() != words[0].islower():
        watchlist.leave_out(text, "This is no symbol, and no list of them.")
    elif any(len(word) == 1 for word in words[1:]):
        watchlist.leave_out(text, UNCLEAR)
    else:
        for word in words:
            watchlist.add(word)


def _entry(text: str, exchange: str, name: str) -> Entry:
    """Return what one cell names. Raises ValueError."""
    if INDEX.fullmatch(text):
        raise ValueError(likeness.describe(text))
    symbol, place = codes.read(text.strip("\"'"), codes.known_exchange(exchange))
    if OF_SECURITY.fullmatch(symbol.upper()):
        raise ValueError(likeness.describe(symbol))
    if NUMBER.fullmatch(symbol.removeprefix("$")) and not place:
        in_asia = likeness.describe(symbol) if symbol.isdigit() else ""
        raise ValueError(in_asia or f"{symbol[:20]} is a number and no symbol.")
    try:
        entry = Entry(spelling.ours(symbol), name, place)
    except spelling.NoSymbol as reason:
        raise ValueError(likeness.describe(symbol) or likeness.describe(text) or str(reason)) from reason
    if PAIR.fullmatch(entry.symbol):
        return replace(entry, place="")  # it trades by its own hours, wherever
    if place and entry.exchange is None:
        raise ValueError(
            f"The exchange {place[:20]} is not known here: add it by hand, with its calendar and currency."
        )
    return entry
