"""What a person says of a move of the size of a split: a split, a real move, or bad data. Each is final."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction

from market import store
from market.ingestion import pipeline, questions, splits
from market.models import Candle, Instrument, TradingSession, UnexplainedMove
from market.models.moves import UnexplainedMoveQuerySet
from market.prices import Feed, Timeframe

MOST = 1_000.0
LONGEST_WHY = 500
Kind = UnexplainedMove.Answer


class AnswerRefused(ValueError):
    """The answer was not taken. The message says why and what to do."""


@dataclass(frozen=True)
class Answer:
    """An answer with its reason; `ratio` of a split is new shares for one old. Raises AnswerRefused."""

    kind: Kind
    why: str
    ratio: float | None = None

    def __post_init__(self) -> None:
        if not self.why.strip() or len(self.why) > LONGEST_WHY:
            raise AnswerRefused(f"Say why, in at most {LONGEST_WHY} characters.")
        if self.kind != Kind.SPLIT and self.ratio is not None:
            raise AnswerRefused("Only a split has a ratio.")
        if self.kind == Kind.SPLIT and not _is_ratio(self.ratio):
            raise AnswerRefused(
                "A split has a ratio other than 1, as 7 for seven new shares for one old, or 0.1 for one for"
                " ten."
            )

    def __str__(self) -> str:
        return f"{self.kind.label}, {self.ratio:g}:1" if self.ratio else self.kind.label


def _is_ratio(ratio: float | None) -> bool:
    return ratio is not None and math.isfinite(ratio) and 1 / MOST <= ratio <= MOST and ratio != 1


@transaction.atomic
def answer(move: UnexplainedMove, given: Answer, *, by: User, at: datetime) -> None:
    """Take the answer to a question that is open, and do what follows from it. One transaction.

    Raises AnswerRefused when it has been answered, or gone, meanwhile.
    """
    store.lock([move.symbol])  # what ingestion stores meanwhile is restated with the rest, or comes after
    open_question = UnexplainedMove.objects.open().filter(pk=move.pk)
    if not open_question.update(
        answer=given.kind, ratio=given.ratio, answered_by=by, answered_at=at, why=given.why
    ):
        raise AnswerRefused(_too_late(move))
    if given.kind == Kind.SPLIT:
        splits.finish(move.symbol, splits.Change(given.ratio or 1, move.date), splits.PERSON, at)
    elif given.kind == Kind.BAD_DATA:
        _drop(move, at)
    LogEntry.objects.log_actions(
        by.pk, UnexplainedMove.objects.filter(pk=move.pk), CHANGE, f"Answered: {given}. {given.why}"
    )


def call_real(moves: UnexplainedMoveQuerySet, why: str, *, by: User | None, at: datetime) -> None:
    """Answer open questions by what was said of a whole file. What logs its loading logs this."""
    moves.update(answer=Kind.REAL, answered_by=by, answered_at=at, why=why)


def _too_late(move: UnexplainedMove) -> str:
    current = UnexplainedMove.objects.select_related("answered_by").filter(pk=move.pk).first()
    if current is None or current.answered_at is None:
        return f"The move of {move} is gone: its bars were corrected. There is nothing to answer."
    by = f" by {current.answered_by}" if current.answered_by else ""
    return (
        f"{move} was answered{by} on {current.answered_at:%Y-%m-%d %H:%M} UTC:"
        f" {current.get_answer_display()}. An answer stands: what followed from it is done."
    )


def _drop(move: UnexplainedMove, at: datetime) -> None:
    """Delete the bars of the session that opened with the move, and build its week anew without it.

    Those that a provider gives again as they were are refused. The price may be as far off in the next
    session: that is another question.
    """
    day = datetime.combine(move.date, time(), UTC)
    calendar = Instrument.objects.values_list("calendar", flat=True).get(pk=move.symbol)
    session = TradingSession.objects.filter(calendar=calendar, date=move.date).first()
    if session:
        intraday = [timeframe for timeframe in Timeframe if timeframe.is_intraday]
        store.delete(move.symbol, intraday, session.opens_at, session.closes_at)
    store.delete(move.symbol, [Timeframe.D1], day, day + timedelta(days=1))
    monday = day - timedelta(days=day.weekday())
    store.delete(move.symbol, [Timeframe.W1], monday, monday + timedelta(days=1))
    _build_week(move.symbol, monday, at)
    questions.look(move.symbol, Timeframe(move.timeframe), move.source, at, first=day, last=day)


def _build_week(symbol: str, monday: datetime, at: datetime) -> None:
    sunday = monday + timedelta(days=6)
    days = store.read_bars([symbol], Timeframe.D1, since=monday, until=sunday)
    newest = Candle.objects.filter(symbol=symbol, timeframe=Timeframe.D1, opened_at__range=(monday, sunday))
    if feed := newest.order_by("-opened_at").values_list("feed", flat=True).first():
        pipeline.build(days, Timeframe.W1, feed=Feed(feed), at=at, delay=timedelta(0))
