"""Sessions, quotes and bars: whether they are there, fresh and complete, and whether the pace allows it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Max, OuterRef, Q, Sum
from django.urls import reverse

from market.doctor.findings import RECENT, SHOWN, Finding
from market.ingestion import crosscheck, request_budget, schedule
from market.ingestion.lateness import late_bars
from market.models import (
    Candle,
    DetailChange,
    Disagreement,
    Gap,
    IngestionRun,
    Instrument,
    Quote,
    ReviewItem,
    TradingSession,
    UnexplainedMove,
)
from market.providers.listings import Status
from market.queries.freshness import stale_symbols
from market.quotes import pairs

A_WEEK = timedelta(days=7)
GONE_ADVICE = "delisted and still watched. Take them off the watchlist; what is stored stays readable."
HELD_ADVICE = "delisted and still held or on order. Close it on Positions; a real broker settles it itself."
SESSIONS_AHEAD = timedelta(days=60)
NOT_PUBLISHED = (
    "The worker fills in what is recorded later. Where it runs, the exchange has not published more or this"
    " version of Jax does not know it yet: install a newer one before then."
)
LATE_ADVICE = (
    "The newest ingestion runs say what failed or waits; the line on requests, whether the pace allows it."
)
NO_RATE_ADVICE = (
    "What is in that currency is not counted with the rest, and its dividends on paper wait. Switch on a"
    " provider whose plan has rates, or watch the pair."
)
A_WHILE = timedelta(minutes=45)
NOTHING_NEW_ADVICE = (
    "The exchange is open and no provider gives a new bar: restart the program between Jax and the"
    " vendor, if there is one, or see at the vendor's own site whether it has any."
)


def calendars(at: datetime) -> Iterator[Finding]:
    watched = Instrument.objects.watched().values_list("calendar", flat=True)
    ends = dict(
        TradingSession.objects.filter(calendar__in=set(watched))
        .values_list("calendar")
        .annotate(last=Max("date"))
        .order_by("calendar")
    )
    for calendar in sorted(set(watched)):
        last = ends.get(calendar)
        text = f"sessions are known until {last}" if last else "no session is known"
        short = last is None or last < (at + SESSIONS_AHEAD).date()
        advice = (NOT_PUBLISHED if last else "The worker fills it in: let it run.") if short else ""
        yield Finding(f"calendar {calendar}", text, advice)


def quotes(at: datetime) -> Finding:
    watched = Instrument.objects.watched().count()
    if not watched:
        return Finding("quotes", "nothing is watched", "Add instruments in admin.")
    stale = stale_symbols(at)
    text = (
        f"{watched} instruments are watched, {len(stale)} of them have no fresh quote though they trade now"
    )
    more = ", ..." if len(stale) > SHOWN else ""
    advice = f"See why in the newest ingestion run: {', '.join(stale[:SHOWN])}{more}." if stale else ""
    return Finding("quotes", text, advice)


def quote_states() -> Finding:
    """Say of which instruments the newest price, the book or trading is out of the ordinary."""
    states = {state: symbols for state, symbols in Quote.objects.by_state().items() if symbols}
    parts = [
        f"{state}: {', '.join(symbols[:SHOWN])}" + (", ..." if len(symbols) > SHOWN else "")
        for state, symbols in states.items()
    ]
    advice = "Nothing is approved on a doubtful price or in a halt: wait for a second trade, or for its end."
    is_held_up = states.keys() & {"doubtful", "halted"}
    return Finding(
        "quote states",
        "; ".join(parts) or "none is doubtful, crossed or halted",
        advice if is_held_up else "",
    )


def exchange_rates(at: datetime) -> Iterator[Finding]:
    """Yield which rates are missing or old; nothing while all that are needed can be used."""
    missing = pairs.missing(at)
    if missing:
        named = " · ".join(map(str, missing[:SHOWN])) + (" · ..." if len(missing) > SHOWN else "")
        yield Finding(
            "exchange rates", f"{len(missing)} of those needed cannot be used: {named}", NO_RATE_ADVICE
        )


def candles(at: datetime) -> Iterator[Finding]:
    watched, late = Instrument.objects.watched(), late_bars(at)
    for timeframe in schedule.fetched():
        stored = Candle.objects.filter(symbol=OuterRef("symbol"), timeframe=timeframe)
        lacking = list(watched.exclude(Exists(stored)).values_list("symbol", flat=True))
        text = f"{watched.count() - len(lacking)} of {watched.count()} instruments have some"
        advice = (
            f"They come as the providers' pace allows; none yet: {', '.join(lacking[:SHOWN])}."
            if lacking
            else ""
        )
        if late[timeframe]:
            text += (
                f"; the newest bar is late of {len(late[timeframe])}: {', '.join(late[timeframe][:SHOWN])}"
            )
            advice = advice or LATE_ADVICE
        yield Finding(f"candles {timeframe}", text, advice)
    yield _candle_cycles(at, is_late=any(late.values()))
    yield _suspects()


def _suspects() -> Finding:
    """Say how many bars are in doubt, and which are the newest of them."""
    suspects = Candle.objects.filter(suspect=True)
    newest = suspects.order_by("-opened_at", "symbol").values_list("symbol", "timeframe", "opened_at")
    listed = [f"{symbol} {timeframe} {at:%Y-%m-%d %H:%M}" for symbol, timeframe, at in newest[:SHOWN]]
    which = f" (the newest: {', '.join(listed)})" if listed else ""
    text = f"{suspects.count()} hold a jump that nothing supports{which}"
    return Finding("suspect candles", f"{text}; strategies leave them out, stops do not")


def to_review() -> Finding:
    counts = ReviewItem.objects.counts()
    kinds = ", ".join(
        f"{kind.label} {counts[kind.value]}" for kind in ReviewItem.Kind if kind.value in counts
    )
    total = sum(counts.values())
    where = f" ({kinds}): {reverse('admin:market_reviewitem_changelist')}" if total else ""
    return Finding("data to review", f"{total} {'waits' if total == 1 else 'wait'} for a person{where}")


def _candle_cycles(at: datetime, *, is_late: bool) -> Finding:
    """Look whether anything new is stored while an exchange is open."""
    since = at - A_WHILE
    cycles = IngestionRun.objects.finished(IngestionRun.Kind.CANDLES).filter(started_at__range=(since, at))
    sums = cycles.aggregate(
        asked=Sum("asked", default=0), stored=Sum("stored", default=0), rows=Sum("rows", default=0)
    )
    calendars = Instrument.objects.watched().values("calendar")
    is_open = TradingSession.objects.open_at(since).filter(calendar__in=calendars, closes_at__gt=at).exists()
    text = (
        f"in the last 45 minutes {sums['stored']} of {sums['asked']} that were asked for were answered;"
        f" {sums['rows']} bars were new or changed"
    )
    is_idle = is_late and is_open and sums["asked"] and not sums["rows"]
    return Finding("candle cycles", text, NOTHING_NEW_ADVICE if is_idle else "")


def details(at: datetime) -> Finding:
    """Say what providers changed of instruments in the last week, and what is watched though it is gone."""
    changes = DetailChange.objects.filter(found_at__gte=at - A_WEEK)
    listed = "; ".join(map(str, changes[:SHOWN]))
    gone = list(Instrument.objects.watched().filter(status=Status.DELISTED).values_list("symbol", flat=True))
    text = f"{changes.count()} changed in the last week{f' ({listed})' if listed else ''}"
    held = list(Instrument.objects.gone().filter(in_use=True).values_list("symbol", flat=True))
    advice = [f"{', '.join(gone[:SHOWN])}: {GONE_ADVICE}"] if gone else []
    advice += [f"{', '.join(held[:SHOWN])}: {HELD_ADVICE}"] if held else []
    return Finding("details of instruments", text, " ".join(advice))


def requests() -> Finding:
    text, is_enough = request_budget.describe(request_budget.watchlist())
    return Finding("requests", text, "" if is_enough else request_budget.ADVICE)


def gaps() -> Finding:
    counts = Gap.objects.aggregate(
        total=Count("pk"),
        tried=Count("pk", filter=Q(next_attempt_at__isnull=False)),
        **{reason: Count("pk", filter=Q(reason=reason)) for reason in Gap.Reason.values},
    )
    reasons = ", ".join(f"{counts[reason.value]} {reason.label}" for reason in Gap.Reason)
    return Finding("gaps", f"{counts['total']} ({reasons}); {counts['tried']} are tried again")


def disagreements() -> Finding:
    rows = list(Disagreement.objects.all())
    symbols = sorted({row.symbol for row in rows})
    text = f"{len(rows)} figures of {len(symbols)} instruments differ from a second provider's"
    more = "".join(
        f" The volume of {source} looks like lots of 100 shares: {', '.join(lots[:SHOWN])}."
        for source, lots in crosscheck.counted_in_lots(rows).items()
    )
    advice = f"Look at them in admin: {', '.join(symbols[:SHOWN])}.{more}" if rows else ""
    return Finding("cross-check", text, advice)


def splits() -> Finding:
    pending = list(
        Instrument.objects.filter(split_pending_since__isnull=False).values_list("symbol", flat=True)
    )
    text = f"{len(pending)} wait for their history on the new basis"
    advice = (
        f"Nothing evaluates {', '.join(pending[:SHOWN])} until a provider gives it again." if pending else ""
    )
    return Finding("splits", text, advice)


def moves() -> Finding:
    """Say how many moves wait for an answer, and what that holds up."""
    unanswered = UnexplainedMove.objects.open()
    symbols = sorted(set(unanswered.values_list("symbol", flat=True)))
    text = f"{unanswered.count()} of the size of a split are unexplained"
    more = ", ..." if len(symbols) > SHOWN else ""
    advice = (
        f"No new signals of {', '.join(symbols[:SHOWN])}{more} until they are answered: in admin under"
        " unexplained moves, or by manage.py moves."
    )
    return Finding("moves", text, advice if symbols else "")


def refused(at: datetime) -> Finding:
    counts: dict[str, int] = {}
    runs = IngestionRun.objects.filter(started_at__gte=at - RECENT).exclude(rejected={})
    for rejected in runs.values_list("rejected", flat=True):
        for reason, rows in rejected.items():
            counts[reason] = counts.get(reason, 0) + rows["count"]
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    return Finding("refused rows", f"in the last day: {reasons or 'none'}")
