"""A file between its upload and its import: what was said of it, what it holds, and its symbols' imports."""

import hashlib
import io
import logging
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.db import transaction

from market import faults
from market.imports import candles, jobs, spelling
from market.imports.csvfile import splits as written_splits
from market.imports.csvfile.archives import members
from market.imports.csvfile.problems import BadFile
from market.imports.csvfile.table import Shape
from market.imports.csvfile.text import decode
from market.imports.look import Look, Told, look
from market.imports.sources import Source, sources
from market.models import CandleImport, CandleUpload, Instrument
from market.prices import Timeframe

logger = logging.getLogger(__name__)

BEGINNING = 64 * 1024  # bytes that a preview shows the first lines of
KEPT = timedelta(days=1)
ASK_LATER = "ask"
NAMELESS = "Say whose bars these are."
LISTED = 10_000  # lines that are refused
OF_SHAPE = ("preset", "stamps", "date_order", "decimal", "delimiter")

Json = dict[str, Any]


def keep(content: bytes, file_name: str, symbol: str, by: User, at: datetime) -> CandleUpload:
    """Keep an uploaded file for a day.

    Raises BadFile for what is no text, whatever it is packed in, and candles.ImportRefused where this
    installation's data are of the other kind.
    """
    candles.refuse_other_data()
    texts = {name: decode(text).encode() for name, text in members(content).items()}
    said = {"symbol": symbol} if symbol else {}
    return CandleUpload.objects.create(
        uploaded_by=by,
        uploaded_at=at,
        file_name=file_name,
        size=len(content),
        digest=hashlib.sha256(content).hexdigest(),
        content=_zipped(texts),
        unpacked=sum(map(len, texts.values())),
        said=said,
    )


def _zipped(texts: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in texts.items():
            archive.writestr(name or "file", text)
    return file.getvalue()


def beginning(upload: CandleUpload) -> bytes:
    """Return the first lines of the first text."""
    with zipfile.ZipFile(io.BytesIO(upload.content)) as archive, archive.open(archive.namelist()[0]) as text:
        content = text.read(BEGINNING + 1)
    return content if len(content) <= BEGINNING else content.rpartition(b"\n")[0] or content


def say(upload: CandleUpload, said: Mapping[str, Any]) -> None:
    """Keep what is said of a file, beside what was. What it was looked at for is out of date then."""
    upload.said = upload.said | dict(said)
    upload.looks = []
    upload.save(update_fields=["said", "looks"])


def shape_of(said: Mapping[str, Any]) -> Shape:
    return Shape(
        columns=tuple(said.get("columns") or ()),
        outside_hours=bool(said.get("outside_hours")),
        skip=int(said.get("skip") or 0),
        **{name: said.get(name) or "" for name in OF_SHAPE},
    )


def told_of(said: Mapping[str, Any], number: int) -> Told:
    """Return what is said of the bars of one symbol."""
    written = said.get("splits", {}).get(str(number), "")
    return Told(
        timeframe=Timeframe(said["timeframe"]),
        zone=ZoneInfo(said["zone"]) if said.get("zone") else None,
        splits=written_splits.parse(written) if written not in ("", ASK_LATER) else None,
        ask_later=written == ASK_LATER,
    )


def _sources(upload: CandleUpload) -> Iterator[tuple[int, Source, str]]:
    """Yield what the file holds, numbered, and whose bars it is said to be."""
    corrected = upload.said.get("symbols", {})
    each = sources(bytes(upload.content), upload.file_name, shape_of(upload.said))
    first_two = list(islice(each, 2))
    for number, source in enumerate(chain(first_two, each)):
        is_whole = len(first_two) == 1
        likely = (upload.said.get("symbol") if is_whole else "") or source.symbol
        yield number, source, corrected.get(str(number)) or likely


def looks(upload: CandleUpload, at: datetime) -> Iterator[Json]:
    """Yield what loading each symbol of a file would do."""
    listed, files_of = 0, dict[str, str]()
    try:
        for number, source, symbol in _sources(upload):
            seen = _look(upload, number, source, symbol, at)
            if seen.symbol and seen.symbol in files_of:
                other = files_of[seen.symbol]
                seen = replace(seen, refused=f"{other} is of {seen.symbol} as well: import each by itself.")
            files_of.setdefault(seen.symbol, source.file_name)
            entry = _as_json(seen, source, LISTED - listed)
            listed += len(entry["problems"])
            yield entry
    except BadFile as bad:
        yield {
            "symbol": "",
            "written": "",
            "refused": str(bad),
            "doubts": [],
            "problems": _problems(bad, LISTED),
        }


def _look(upload: CandleUpload, number: int, source: Source, symbol: str, at: datetime) -> Look:
    told = told_of(upload.said, number)
    if source.left_out:
        refused = f"Lines that are of no symbol are left out.\n{source.left_out}"
        return Look("", told.timeframe, is_known=False, refused=refused, problems=source.left_out)
    try:
        symbol = spelling.ours(symbol)
    except spelling.NoSymbol as reason:
        refused = f"{NAMELESS} {reason}" if symbol else NAMELESS
        return Look(symbol, told.timeframe, is_known=False, refused=refused)
    try:
        with transaction.atomic():
            return look(source.content, symbol, told, source.shape, at)
    except faults.CONTENT as error:  # the others of the file can still be read
        logger.exception("%s of %s cannot be looked at", symbol, upload.file_name)
        refused = f"It cannot be read ({faults.describe(error)})."
        return Look(symbol, told.timeframe, is_known=False, refused=refused)


def _as_json(seen: Look, source: Source, room: int) -> Json:
    problems = seen.problems.listed(room) if seen.problems else []
    return {
        "written": source.written,
        "file_name": source.file_name,
        "symbol": seen.symbol,
        "is_known": seen.is_known,
        "bars": seen.bars,
        "first": seen.first.isoformat() if seen.first else "",
        "last": seen.last.isoformat() if seen.last else "",
        "counts": asdict(seen.counts),
        "doubts": [asdict(doubt) for doubt in seen.doubts],
        "refused": seen.refused,
        "notes": list(seen.notes),
        "problems": problems,
    }


def _problems(bad: BadFile, room: int) -> list[tuple[int, str, str]]:
    return bad.problems.listed(room) if bad.problems else []


def can_load(seen: Mapping[str, Any]) -> bool:
    return not seen["refused"] and not seen["doubts"]


def wanted(upload: CandleUpload) -> list[int]:
    """Return the numbers of the symbols that can be loaded and were not left out."""
    left_out = set(upload.said.get("left_out", ()))
    return [i for i, seen in enumerate(upload.looks) if can_load(seen) and i not in left_out]


def request_each(upload: CandleUpload, at: datetime) -> None:
    """Queue the bars of each symbol by itself, but for those that a dead worker has queued.

    One that fails keeps back no other.
    """
    queued = {row.symbol for row in imports_of(upload) if row.queued_at >= (upload.asked_at or at)}
    numbers = {i for i in wanted(upload) if upload.looks[i]["symbol"] not in queued}
    by = upload.uploaded_by
    if upload.said.get("watch"):
        _watch([seen["symbol"] for i, seen in enumerate(upload.looks) if i in numbers], by)
    for number, source, symbol in _sources(upload):
        if number in numbers:
            upload.looks[number]["not_queued"] = _request(upload, number, source, symbol, at)


def _request(upload: CandleUpload, number: int, source: Source, symbol: str, at: datetime) -> str:
    """Queue the bars of one symbol. Return why it cannot be; empty when it is."""
    told = told_of(upload.said, number)
    try:
        jobs.request(
            source.content,
            spelling.ours(symbol),
            told.timeframe,
            told.zone,
            told.splits,
            source.shape,
            file_name=source.file_name,
            by=upload.uploaded_by,
            at=at,
            upload=upload,
        )
    except faults.CONTENT as error:
        logger.exception("%s of %s cannot be queued", symbol, upload.file_name)
        return f"It cannot be queued ({faults.describe(error)})."
    return ""


def not_queued(upload: CandleUpload) -> list[tuple[str, str]]:
    """Return the symbols whose bars could not be queued, each with why."""
    return [(seen["symbol"], seen["not_queued"]) for seen in upload.looks if seen.get("not_queued")]


@transaction.atomic
def _watch(symbols: Sequence[str], by: User) -> None:
    """Add those of these that are not known to the watchlist."""
    known = {*Instrument.objects.filter(pk__in=symbols).values_list("pk", flat=True)}
    new = [Instrument(symbol=symbol) for symbol in dict.fromkeys(symbols) if symbol not in known]
    for instrument in new:
        instrument.save(force_insert=True)
    if new:
        LogEntry.objects.log_actions(by.pk, new, ADDITION, [{"added": {}}])


def imports_of(upload: CandleUpload) -> list[CandleImport]:
    return list(CandleImport.objects.filter(upload=upload).defer("content").order_by("symbol", "pk"))
