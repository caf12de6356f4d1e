"""Candles from a file: all or nothing, restated to today's shares, and twice is the same as once."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta, tzinfo
from hashlib import sha256
from io import BytesIO
from typing import IO

import numpy as np
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from market import feeds, sessions
from market.imports import hours
from market.imports.basis import Days, difference, last_closes, restated, session_dates, stored_closes
from market.imports.csvfile.problems import BadFile
from market.imports.csvfile.reader import AS_IT_IS, CandleFile, read
from market.imports.csvfile.table import Shape
from market.imports.results import ImportResult, describe, first_few
from market.ingestion import answers, pipeline, questions
from market.models import Candle, CandleImport, Instrument, Split, UnexplainedMove
from market.prices import Bars, Feed, Timeframe, to_datetime, to_instant
from market.quality import Rejections
from market.sessions import Sessions
from market.store import Written

PROVIDER = "import"
COMPARED = 50_000  # stored bars, the newest ones
AT_ONCE = 100_000  # bars: judging and storing them takes some hundred bytes each


class ImportRefused(ValueError):
    """Nothing was imported. The message says why and what to do."""


def import_candles(
    file: IO[bytes],
    symbol: str,
    timeframe: Timeframe,
    timezone: tzinfo | None,
    splits: Mapping[date, float] | None,
    at: datetime,
    shape: Shape = AS_IT_IS,
    file_name: str = "",
    original: bytes | None = None,
) -> ImportResult:
    """Store the bars of a CSV file as real data of `symbol`.

    `timezone` is that of stamps that name none, `shape` what the user says of the columns. `splits`: those
    that the prices of the file do not reflect yet, new shares for one old by date; empty when they reflect
    all; None when it is not known. The file's name and hash are kept beside its bars; `original` is the whole
    file, where `file` is one symbol's part of it. Raises ImportRefused, and then nothing is stored.
    """
    content = file.read()
    original = original or content
    candle_file = read_file(BytesIO(content), symbol, timeframe, timezone, at, shape)
    with transaction.atomic():
        row = CandleImport.objects.create(
            symbol=symbol,
            timeframe=timeframe,
            zone=str(timezone or ""),
            splits=None if splits is None else {day.isoformat(): ratio for day, ratio in splits.items()},
            said=asdict(shape),
            file_name=file_name[:255],
            size=len(original),
            digest=sha256(original).hexdigest(),
            status=CandleImport.Status.LOADED,
            queued_at=at,
            started_at=at,
        )
        result = store_file(candle_file, symbol, timeframe, splits, at, import_id=row.pk)
        row.report, row.finished_at = describe(result), at
        row.save(update_fields=["report", "finished_at"])
    return result


def read_file(
    file: IO[bytes],
    symbol: str,
    timeframe: Timeframe,
    timezone: tzinfo | None,
    at: datetime,
    shape: Shape = AS_IT_IS,
) -> CandleFile:
    """Return the bars of a file, and see to it that the sessions they belong to are known."""
    _refuse_built(timeframe)
    try:
        candle_file = read(file.read(), timeframe, timezone, to_instant(at), shape)
    except BadFile as problems:
        raise ImportRefused(str(problems)) from problems
    calendar = _instrument(symbol).calendar
    sessions.ensure([calendar], at)
    trading_sessions = sessions.load(calendar)
    if asked := hours.doubt(candle_file, timeframe, trading_sessions, shape):
        raise ImportRefused(str(asked))
    outside = hours.note(candle_file.bars.opened_at, timeframe, trading_sessions)
    return replace(candle_file, notes=[*candle_file.notes, *outside])


def refuse_other_data() -> None:
    """Refuse a file where the data are simulated, or would be with this installation's next cycle."""
    _refuse_simulated()
    try:
        feeds.refuse_wrong_data("real")
    except feeds.WrongData as problems:
        raise ImportRefused(str(problems)) from problems


def _instrument(symbol: str) -> Instrument:
    """Return the instrument, or a new one that is not watched: an import asks no provider for anything."""
    return Instrument.objects.filter(pk=symbol).first() or Instrument(symbol=symbol, watched=False)


@transaction.atomic
def store_file(
    candle_file: CandleFile,
    symbol: str,
    timeframe: Timeframe,
    splits: Mapping[date, float] | None,
    at: datetime,
    by: User | None = None,
    import_id: int | None = None,
) -> ImportResult:
    """Store the bars of a file as real data of `symbol`, all of them or none.

    `import_id`: the row with its name and hash.
    """
    _settle(at)
    instrument = _instrument(symbol)
    added = instrument._state.adding
    if added:
        _add(instrument)
    trading_sessions = sessions.load(instrument.calendar)
    days = session_dates(trading_sessions, timeframe, candle_file.bars.opened_at)
    _agree_on_splits(symbol, splits, days[0], at)
    bars = restated(candle_file.bars, days, splits or {})
    notes = compare_basis(symbol, timeframe, bars, days, trading_sessions)
    written = _record(symbol, timeframe, bars, at, import_id)
    first, last = to_datetime(bars.opened_at[0]), to_datetime(bars.opened_at[-1])
    notes += _about_moves(symbol, days, splits, by, at)
    suspects = Candle.objects.filter(
        symbol=symbol, timeframe=timeframe, opened_at__range=(first, last), suspect=True
    )
    return ImportResult(
        symbol=symbol,
        timeframe=timeframe,
        bars=len(bars),
        first=first,
        last=last,
        written=written,
        suspects=list(suspects.order_by("opened_at").values_list("opened_at", flat=True)),
        empty_lines=candle_file.empty_lines,
        added=added,
        notes=[*candle_file.notes, *_unknown_volumes(bars), *notes],
    )


def _unknown_volumes(bars: Bars) -> list[str]:
    unknown = int(np.isnan(bars.volume).sum())
    return [f"Volume not known: {unknown:,} bars."] if unknown else []


def _refuse_built(timeframe: Timeframe) -> None:
    if timeframe.built_from:
        raise ImportRefused(
            f"Bars of {timeframe} are built from bars of {timeframe.built_from}, so that no two sources can"
            f" disagree about them: import bars of {timeframe.built_from}."
        )


def _refuse_simulated() -> None:
    own_database = connection.settings_dict["ENGINE"] == "jaxsite.embedded_postgres"
    if settings.DATA_KIND == "simulated" and (own_database or settings.DATA == "simulated"):
        raise ImportRefused(
            "An imported file is real data, and this is the database of simulated data. Say DATA=real in"
            " .env, or in front of the command (DATA=real manage.py migrate first, when it is new)."
        )


def _settle(at: datetime) -> None:
    _refuse_simulated()
    try:
        feeds.settle_installation("real", at)
    except feeds.WrongData as wrong:
        raise ImportRefused(str(wrong)) from wrong


def _add(instrument: Instrument) -> None:
    try:
        instrument.full_clean()
    except ValidationError as error:
        raise ImportRefused(" ".join(error.messages)) from error
    instrument.save(force_insert=True)


def recorded_splits(symbol: str) -> dict[date, float]:
    return dict(Split.objects.filter(symbol=symbol).values_list("date", "ratio"))


def later_splits(symbol: str, first: np.datetime64) -> dict[date, float]:
    """Return the recorded splits after a day, new shares for one old by date."""
    return {day: ratio for day, ratio in recorded_splits(symbol).items() if np.datetime64(day) > first}


def _agree_on_splits(
    symbol: str, splits: Mapping[date, float] | None, first: np.datetime64, at: datetime
) -> None:
    """Record the splits; refuse what contradicts the recorded ones, or leaves open what the file reflects."""
    if splits is None and (later := later_splits(symbol, first)):
        ratios = ",".join(f"{day}:{ratio:g}" for day, ratio in sorted(later.items()))
        raise ImportRefused(
            f"{symbol} was split after the first bar of the file. Say --splits {ratios} when the prices of"
            " the file are as they were traded, or --splits none when they are in today's shares."
        )
    recorded = recorded_splits(symbol)
    for day, ratio in (splits or {}).items():
        if recorded.get(day, ratio) != ratio:
            raise ImportRefused(
                f"The split of {symbol} on {day} is recorded as {recorded[day]:g}, not {ratio:g}."
            )
        if day > at.date():
            raise ImportRefused(f"The split of {symbol} on {day} lies in the future.")
        Split.objects.get_or_create(
            symbol=symbol, date=day, defaults={"ratio": ratio, "source": PROVIDER, "recorded_at": at}
        )
        questions.explain(symbol, day, ratio, PROVIDER, at)


def _about_moves(
    symbol: str, days: Days, splits: Mapping[date, float] | None, by: User | None, at: datetime
) -> list[str]:
    """Say which moves of the file are of the size of a split. `none` said that all of them are real."""
    span = (days[0].item(), days[-1].item())
    unanswered = UnexplainedMove.objects.open().filter(symbol=symbol, date__range=span).order_by("date")
    listed = [f"{move.date} (by {move.looks_like:g})" for move in unanswered]
    if not listed:
        return []
    if splits is not None and not splits:
        answers.call_real(unanswered, "The file was loaded with --splits none.", by=by, at=at)
        return [f"Taken for real, as --splits none says, though of the size of a split: {first_few(listed)}."]
    return [
        f"Of the size of a split, and nothing explains it: {first_few(listed)}. {symbol} has no new signals"
        " until each is answered: in admin, by manage.py moves, or by --splits in loading the file again."
    ]


def compare_basis(
    symbol: str, timeframe: Timeframe, bars: Bars, days: Days, trading_sessions: Sessions
) -> list[str]:
    """Compare with what is stored. Another share basis than a provider's is refused, than a file's noted."""
    stored = (
        Candle.objects.filter(symbol=symbol, opened_at__gte=to_datetime(days[0]))
        .exclude(timeframe=timeframe, provider=PROVIDER)
        .exclude(timeframe__in=[other for other in Timeframe if other.built_from])
    )
    closes: dict[tuple[str, str], list[tuple[datetime, float]]] = {}
    for other, provider, opened_at, close in stored.order_by("-opened_at").values_list(
        "timeframe", "provider", "opened_at", "close"
    )[:COMPARED]:
        closes.setdefault((other, provider), []).append((opened_at, close))
    notes = []
    for (other, provider), stored_bars in closes.items():
        different = difference(
            last_closes(days, bars.close), stored_closes(stored_bars, Timeframe(other), trading_sessions)
        )
        if different and provider != PROVIDER:
            raise ImportRefused(
                f"{different} in the bars of {other} from {provider}. Give the splits that the file does not"
                " reflect, as in --splits 2014-06-09:7."
            )
        if different:
            notes.append(f"{different} in the bars of {other} that were imported: import those again too.")
    return notes


def _record(symbol: str, timeframe: Timeframe, bars: Bars, at: datetime, import_id: int | None) -> Written:
    rejections = Rejections()
    written = sum(
        (
            pipeline.record(
                {symbol: bars[start : start + AT_ONCE]},
                timeframe,
                provider=PROVIDER,
                feed=Feed.IMPORTED,
                delay=timedelta(0),
                at=at,
                rejections=rejections,
                import_id=import_id,
            )
            for start in range(0, len(bars), AT_ONCE)
        ),
        Written(),
    )
    if rejections.total:
        raise ImportRefused(f"{rejections.total} bars are unfit: {rejections.as_json()}")
    pipeline.reconsider(symbol, at=at)
    return written
