"""The third step: what was found of each symbol, and the answers that were given."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from core import formatting
from market.imports import spelling, uploads
from market.imports.csvfile import splits
from market.imports.look import Counts, in_words
from market.models import CandleUpload
from market.prices import Timeframe

SPLITS = "splits"
SHOWN = 20  # lines of a refusal
MOST_EDITED = 100  # symbols
ANSWERS = {
    "stamps": {"open", "close"},
    "date_order": {"month", "day"},
    "outside_hours": {"1"},
    "timeframe": {timeframe.value for timeframe in Timeframe if not timeframe.built_from},
}


@dataclass(frozen=True)
class Row:
    """One symbol's bars in the table.

    Of many symbols only those that need it take a symbol or splits: Django bounds the fields of a form.
    """

    number: int
    written: str
    symbol: str
    state: str
    tone: str
    bars: int = 0
    span: str = ""
    counts: str = ""
    splits: str = ""
    is_left_out: bool = False
    takes_symbol: bool = True
    takes_splits: bool = True
    doubts: list[Mapping[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def rows(upload: CandleUpload) -> list[Row]:
    return [_row(upload, number, seen) for number, seen in enumerate(upload.looks)]


def _row(upload: CandleUpload, number: int, seen: Mapping[str, Any]) -> Row:
    state, tone = _state(seen)
    written = upload.said.get(SPLITS, {}).get(str(number), "")
    is_short = len(upload.looks) <= MOST_EDITED
    return Row(
        number=number,
        written=seen["written"] or seen.get("file_name", ""),
        symbol=seen["symbol"],
        state=state,
        tone=tone,
        bars=seen.get("bars", 0),
        span=_span(seen, upload.said["timeframe"]),
        counts=in_words(Counts(**seen["counts"])) if seen.get("first") else "",
        splits="" if written == uploads.ASK_LATER else written,
        is_left_out=number in upload.said.get("left_out", ()),
        takes_symbol=is_short or not seen["symbol"] or str(number) in upload.said.get("symbols", {}),
        takes_splits=is_short or bool(written) or bool(seen["doubts"]),
        doubts=[doubt for doubt in seen["doubts"] if _is_of_splits(doubt)],
        refused=seen["refused"].splitlines()[:SHOWN],
        notes=seen.get("notes", []),
    )


def _state(seen: Mapping[str, Any]) -> tuple[str, str]:
    if seen["refused"]:
        return "refused", "bad"
    if seen["doubts"]:
        return "to answer", "warn"
    return ("ready", "good") if seen["is_known"] else ("ready, a new symbol", "good")


def _span(seen: Mapping[str, Any], timeframe: str) -> str:
    if not seen.get("first"):
        return ""
    first, last = (datetime.fromisoformat(seen[name]) for name in ("first", "last"))
    if Timeframe(timeframe).is_intraday:
        return f"{formatting.moment(first)} to {formatting.moment(last)} UTC"
    return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"


def _is_of_splits(doubt: Mapping[str, Any]) -> bool:
    return all(fix["name"] == SPLITS for fix in doubt["fixes"])


@dataclass(frozen=True)
class Question:
    """A doubt about the file as a whole, and how many of its symbols have it."""

    text: str
    fixes: list[Mapping[str, str]]
    symbols: int


def of_all(upload: CandleUpload) -> list[Question]:
    """Return what is in doubt of the file as a whole, each once."""
    by_fixes: dict[str, list[Mapping[str, Any]]] = {}
    for seen in upload.looks:
        for doubt in seen["doubts"]:
            if not _is_of_splits(doubt):
                by_fixes.setdefault(str(doubt["fixes"]), []).append(doubt)
    return [Question(same[0]["text"], same[0]["fixes"], len(same)) for same in by_fixes.values()]


def said(upload: CandleUpload, posted: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return what was entered, and what is wrong with it."""
    numbers = range(len(upload.looks))
    symbols, wrong = dict(upload.said.get("symbols", {})), []
    written_splits = dict(upload.said.get(SPLITS, {}))
    for number in numbers:
        given = posted.get(f"symbol_{number}", "").strip()
        if given and given != upload.looks[number]["symbol"]:
            symbols[str(number)] = given
        if text := posted.get(f"splits_{number}", "").strip():
            written_splits[str(number)] = text
        elif f"splits_{number}" in posted and written_splits.get(str(number)) != uploads.ASK_LATER:
            written_splits.pop(str(number), None)
    answers: dict[str, Any] = {
        "symbols": symbols,
        SPLITS: written_splits,
        "left_out": [number for number in numbers if f"leave_out_{number}" in posted],
        "watch": "watch" in posted,
    }
    if fix := posted.get("fix"):
        wrong += list(_apply(fix, answers))
    wrong += list(_wrong(answers))
    return answers, wrong


def _apply(fix: str, answers: dict[str, Any]) -> Iterator[str]:
    """Add the answer of a button. Yields what is wrong with one that no page has."""
    name, _, value = fix.partition("=")
    name, _, number = name.partition(":")
    if name == SPLITS and number.isdecimal():
        answers[SPLITS][number] = value
    elif (name == "zone" and value in available_timezones()) or value in ANSWERS.get(name, ()):
        answers[name] = value
    else:
        yield "There is no such answer."


def _wrong(answers: Mapping[str, Any]) -> Iterator[str]:
    for symbol in answers["symbols"].values():
        try:
            spelling.ours(symbol)
        except spelling.NoSymbol as reason:
            yield str(reason)
    for written in answers[SPLITS].values():
        try:
            if written != uploads.ASK_LATER:
                splits.parse(written)
        except ValueError as reason:
            yield str(reason)


def needs_a_look(upload: CandleUpload, answers: Mapping[str, Any]) -> bool:
    """Whether these answers change what was found."""
    if not upload.looks:
        return True
    without = {name: value for name, value in answers.items() if name not in ("left_out", "watch")}
    return any(upload.said.get(name, type(value)()) != value for name, value in without.items())
