"""The rows of a statement by section, from IB's three formats. Pure. Columns may be any and in any order."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

from approvals.brokers.statements import UnreadableStatement

Row = Mapping[str, str]
Tables = dict[str, list[Row]]

LARGEST = 16 * 2**20  # bytes
ALIASES = {
    "clientaccountid": "accountid",
    "account": "accountid",
    "currencyprimary": "currency",
    "assetclass": "assetcategory",
    "notescodes": "notes",
    "code": "notes",
    "tprice": "tradeprice",
    "commfee": "ibcommission",
    "comminbase": "ibcommission",
    "datadiscriminator": "levelofdetail",
    "position": "quantity",
    "netcashwithbillable": "netcash",
}
# By what only one section of a Flex query has: its CSV without section marks does not name them.
MARKS = {
    "trades": ("tradeprice",),
    "cashreport": ("endingcash",),
    "cashtransactions": ("amount",),
    "openpositions": ("markprice", "positionvalue", "costbasisprice"),
}
FLEX_CODES = {
    "TRNT": "trades",
    "CTRN": "cashtransactions",
    "POST": "openpositions",
    "CRTT": "cashreport",
    "ACCT": "accountinformation",
}
BEGINS_HEADER = ("ClientAccountID", "Client Account ID")
WHAT_TO_GIVE = (
    "Give the XML or CSV of a Flex query of the type Activity, or an activity statement as CSV: in IB's"
    " Client Portal under Performance & Reports."
)


def tables(content: bytes) -> Tables:
    """Return the rows by section. Raises UnreadableStatement."""
    if len(content) > LARGEST:
        raise UnreadableStatement(
            f"The statement is larger than {LARGEST // 2**20} MB: give a shorter period."
        )
    text = _text(content).lstrip()
    if text.startswith("<"):
        return _xml(text)
    lines = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
    if any(row[0] in ("BOF", "BOA", "BOS") for row in lines[:5]):
        return _flex_csv_with_marks(lines)
    if any(row[0].strip() in BEGINS_HEADER for row in lines):
        return _flex_csv(lines)
    if any(len(row) > 1 and row[0] == "Statement" and row[1] in ("Header", "Data") for row in lines[:5]):
        return _activity(lines)
    raise UnreadableStatement(f"This is none of IB's statements. {WHAT_TO_GIVE}")


def column(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return ALIASES.get(plain, plain)


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableStatement(f"Its characters cannot be read. {WHAT_TO_GIVE}")


def _named(header: list[str], row: list[str]) -> Row:
    return {column(name): cell.strip() for name, cell in zip(header, row, strict=False)}


# --- XML --------------------------------------------------------------------------------------------------


def _xml(text: str) -> Tables:
    if re.search(r"<!\s*(DOCTYPE|ENTITY)", text[:2000], re.IGNORECASE):
        raise UnreadableStatement("The file declares entities, which no statement of IB does.")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise UnreadableStatement(f"The XML is broken ({error}): fetch or export it again.") from error
    statements = list(root.iter("FlexStatement"))
    if not statements:
        raise UnreadableStatement(f"The XML has no FlexStatement. {WHAT_TO_GIVE}")
    found: Tables = {"statement": [_attributes(statement) for statement in statements]}
    for statement in statements:
        for section in statement:
            rows = found.setdefault(section.tag.lower(), [])
            rows += [_attributes(row) for row in section] if len(section) else []
            if not len(section) and section.attrib:
                rows.append(_attributes(section))
    return found


def _attributes(element: ElementTree.Element) -> Row:
    named = {column(name): value.strip() for name, value in element.attrib.items()}
    level = {"Order": "ORDER", "Lot": "CLOSED_LOT", "SymbolSummary": "SYMBOL_SUMMARY"}.get(element.tag)
    return {**named, "levelofdetail": level} if level else named


# --- CSV --------------------------------------------------------------------------------------------------


def _flex_csv_with_marks(lines: list[list[str]]) -> Tables:
    found: Tables = {"statement": []}
    headers: dict[str, list[str]] = {}
    for kind, *cells in lines:
        if kind in ("BOF", "BOA"):
            found["statement"].append(_span(cells))
        elif kind == "HEADER":
            headers[cells[0]] = cells[1:]
            found.setdefault(FLEX_CODES.get(cells[0], cells[0].lower()), [])
        elif kind == "DATA" and cells[0] in headers:
            section = FLEX_CODES.get(cells[0], cells[0].lower())
            found[section].append(_named(headers[cells[0]], cells[1:]))
    return found


def _span(cells: list[str]) -> Row:
    """Return account and days of a line that opens a file or an account: the first two of its dates."""
    dates = [cell for cell in cells[1:] if re.fullmatch(r"\d{8}|\d{4}-\d\d-\d\d", cell)]
    names = zip(("accountid", "fromdate", "todate"), [cells[0] if cells else "", *dates[:2]], strict=False)
    return {name: cell for name, cell in names if cell}


def _flex_csv(lines: list[list[str]]) -> Tables:
    found: Tables = {"statement": []}
    header: list[str] = []
    section = ""
    for row in lines:
        if row[0].strip() in BEGINS_HEADER:
            header = row
            section = _section_of({column(name) for name in row})
            found.setdefault(section, [])
        elif header:
            found[section].append(_named(header, row))
    return found


def _section_of(columns: set[str]) -> str:
    return next((name for name, marks in MARKS.items() if columns.intersection(marks)), "other")


SECTIONS = {
    "Trades": "trades",
    "Open Positions": "openpositions",
    "Cash Report": "cashreport",
    "Account Information": "accountinformation",
    "Statement": "statement",
}
MONEY = (
    *("Dividends", "Withholding Tax", "Fees", "Transaction Fees", "Interest", "Deposits & Withdrawals"),
    *("Other Fees", "Broker Interest Paid", "Broker Interest Received", "Payment In Lieu Of Dividends"),
    *("Commission Adjustments", "Sales Tax", "Advisor Fees"),
)


def _activity(lines: list[list[str]]) -> Tables:
    """Return the sections of an activity statement, whose rows begin with the section's name."""
    found: Tables = {}
    headers: dict[str, list[str]] = {}
    for title, kind, *cells in (row for row in lines if len(row) > 2):
        section = SECTIONS.get(title) or ("cashtransactions" if title in MONEY else "")
        if not section:
            continue
        rows = found.setdefault(section, [])
        if kind == "Header":
            headers[title] = cells
        elif kind == "Data" and title in headers:
            row = _named(headers[title], cells)
            rows.append({**row, "section": title} if section == "cashtransactions" else row)
    return {name: list(_flattened(name, rows)) for name, rows in found.items()}


def _flattened(section: str, rows: list[Row]) -> Iterator[Row]:
    """Yield the rows; pairs of a name and a value, and perhaps a currency, as the columns of one."""
    if section in ("statement", "accountinformation"):
        yield {
            column(row.get("fieldname", "")): row.get("fieldvalue", "")
            for row in rows
            if row.get("fieldname")
        }
    elif section == "cashreport":
        by_currency: dict[str, dict[str, str]] = {}
        for row in rows:
            own = by_currency.setdefault(row.get("currency", ""), {"currency": row.get("currency", "")})
            own[column(row.get("currencysummary", ""))] = row.get("total", "")
        yield from by_currency.values()
    else:
        yield from rows
