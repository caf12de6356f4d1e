"""The rows of a text file: its encoding, its delimiter, and what each line says."""

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from market.imports.csvfile.layout import is_header
from market.imports.csvfile.problems import BadFile, Problems

UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
DELIMITERS = ",;\t|"
SPACE = " "  # several are as one
HEAD = 40  # lines among which a header is looked for: titles, addresses and notes may stand before it
MOST = 3_000_000  # rows: a million take some 300 MB while they are read
QUOTED = 120  # letters of a line
RULE = re.compile(r"[-+=:|\s]+")
ENDS = "\x00\x1a"  # of a text, of old programs
PDF = b"%PDF-"
WEB_PAGE = re.compile(
    r"\s*(<!--.*?-->\s*)?(<\?xml[^>]*>\s*)?<(!doctype html|html|head|body|table)\b", re.I | re.S
)
NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True)
class Rows:
    """The rows of a file that are not blank, and the line that each stands on."""

    text: str
    delimiter: str
    cells: list[list[str]]
    lines: list[int]

    @cached_property
    def _texts(self) -> list[str]:
        return list(io.StringIO(self.text, newline=""))

    def text_of(self, line: int) -> str:
        """Return a line as it stands in the file, cut where it is long."""
        text = self._texts[line - 1].rstrip()
        shown = "".join(letter if letter.isprintable() else " " for letter in text[:QUOTED])
        return shown + ("..." if len(text) > QUOTED else "")

    def problems(self) -> Problems:
        return Problems(self.text_of)


def read_rows(content: bytes, delimiter: str = "", skip: int = 0) -> Rows:
    """Split a text into its cells, without its first `skip` lines. Raises BadFile."""
    text = decode(content)
    mark = delimiter or _delimiter(text)
    cells: list[list[str]] = []
    lines: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, skipinitialspace=True)
    try:
        for row in reader:
            if any(row) and reader.line_num > skip and not _is_rule(row):
                cells.append(row)
                lines.append(reader.line_num)
            if len(cells) > MOST:
                raise BadFile(f"the file has more than {MOST:,} rows: split it")
    except csv.Error as error:
        raise BadFile(f"line {reader.line_num}: {error}") from error
    if not cells:
        raise BadFile("the file is empty")
    return Rows(text, mark, cells, lines)


def _is_rule(row: Sequence[str]) -> bool:
    """Whether a row is the line that Markdown or a database's client draws below a header."""
    return "---" in row[len(row) // 2] and bool(RULE.fullmatch("".join(row)))


def decode(content: bytes) -> str:
    """Return the text: UTF-32 or 16 where it says so, UTF-8, or what Windows writes in western Europe."""
    if content.startswith(PDF):
        raise BadFile("the file is a PDF, not a table: save its table as CSV")
    try:
        if content.startswith(UTF_32):
            return content.decode("utf-32")
        if content.startswith(UTF_16):
            return content.decode("utf-16")
        text = _in_any(content, ("utf-8-sig", "cp1252")).rstrip(ENDS)
    except UnicodeDecodeError as error:
        raise BadFile("the file is not text: save it as CSV in UTF-8") from error
    if WEB_PAGE.match(text):
        raise BadFile("the file is a web page, not a table: its site may have answered an error or a log-in")
    if NOT_TEXT.search(text[:4096]):
        raise BadFile("the file is not text, or UTF-16 that does not say so: save it as CSV in UTF-8")
    return text


def _in_any(content: bytes, encodings: Sequence[str]) -> str:
    try:
        return content.decode(encodings[0])
    except UnicodeDecodeError:
        if len(encodings) == 1:
            raise
        return _in_any(content, encodings[1:])


def _delimiter(text: str) -> str:
    """Return what separates the columns: in the header, otherwise in the first lines."""
    head = [line for line in text[: 1 << 16].splitlines()[:HEAD] if line.strip()]
    for line in head:
        if line.lower().startswith("sep=") and len(line.rstrip()) == len("sep=;"):
            return line[4]
        split = {mark: next(csv.reader([line], delimiter=mark), []) for mark in DELIMITERS}
        if headers := [mark for mark in DELIMITERS if is_header(split[mark])]:
            return max(headers, key=line.count)
        if is_header(line.split()):
            return SPACE
    usual = head[len(head) // 2 :] or [""]  # the lines before may be titles
    return max(DELIMITERS, key=lambda mark: min(line.count(mark) for line in usual))
