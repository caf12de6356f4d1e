"""The columns of the list of signals and the lines of a signal's page."""

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import formatting
from core.admin.tables import table
from market import formatting as market_formatting
from signals import formatting as signal_formatting
from signals import records
from signals.admin.records import cases
from signals.charts import thumbnail
from signals.models import Signal, StrategyRecord


@admin.display(description="side")
def side(signal: Signal) -> SafeString:
    return signal_formatting.side(signal.signal_type)


@admin.display(description="strategy")
def strategy(signal: Signal) -> str:
    return signal_formatting.strategy(signal.strategy_id)


@admin.display(description="confidence", ordering="confidence")
def score(signal: Signal) -> str:
    return signal_formatting.confidence(signal.confidence)


@admin.display(description="entry")
def entry(signal: Signal) -> str:
    return formatting.level(signal.entry_price)


@admin.display(description="stop")
def stop(signal: Signal) -> str:
    return formatting.level(signal.stop_loss)


@admin.display(description="target")
def target(signal: Signal) -> str:
    return formatting.level(signal.take_profit)


@admin.display(description="reward to risk")
def reward(signal: Signal) -> str:
    return signal_formatting.ratio(signal.reward_to_risk)


@admin.display(description="status")
def status_line(signal: Signal) -> SafeString:
    """Return the status, how long it has left or when and why it ended, and the opposite signals."""
    opposite = vars(signal).get("opposite")
    against = (
        format_html('<div class="warning">conflicts with {}</div>', _named(opposite)) if opposite else ""
    )
    return format_html('{}<div class="muted">{}</div>{}', state(signal), end(signal), against)


@admin.display(description="generated (UTC)", ordering="generated_at")
def generated(signal: Signal) -> str:
    return market_formatting.stamp(signal.generated_at)


@admin.display(description="status")
def state(signal: Signal) -> SafeString:
    return signal_formatting.status(vars(signal)["status_now"])


@admin.display(description="left, or ended (UTC)")
def end(signal: Signal) -> str:
    if vars(signal)["status_now"] == Signal.Status.PENDING:
        return f"{formatting.ago(signal.expires_at - timezone.now())} left"
    ended = market_formatting.stamp(signal.ends_at)
    return f"{ended} {signal.ended_reason}".strip()


@admin.display(description="around the bar")
def chart(signal: Signal) -> SafeString:
    shares = thumbnail.shares(signal)
    split = f"The shares were split since: one is {shares:g} now." if shares != 1 else ""
    return format_html(
        '<div>{}</div><p class="muted">Hollow bars rose, filled ones fell. {} {}</p>',
        thumbnail.draw(signal, thumbnail.around(signal), shares),
        split,
        format_html(
            '<a href="{}">Chart of {}</a>',
            market_formatting.chart_address(signal.symbol, signal.timeframe),
            signal.symbol,
        ),
    )


@admin.display(description="signal")
def headline(signal: Signal) -> SafeString:
    return format_html(
        "{} {}, {} on {}",
        signal_formatting.side(signal.signal_type),
        market_formatting.chart_link(signal.symbol, signal.timeframe),
        signal_formatting.strategy(signal.strategy_id),
        signal.timeframe,
    )


@admin.display(description="conflicts with")
def conflicts(signal: Signal) -> SafeString | str:
    return _named(signal.conflicting(timezone.now()))


@admin.display(description="superseded by")
def superseded(signal: Signal) -> SafeString | str:
    return _named([signal.superseded_by] if signal.superseded_by else [])


@admin.display(description="second target")
def second(signal: Signal) -> str:
    return formatting.level(signal.second_target)


@admin.display(description="history says")
def record(signal: Signal) -> SafeString | str:
    records_of_signal = records.of([signal])
    lines = (
        (who, _record_text(records_of_signal.get((signal.strategy_id, signal.timeframe, symbol))))
        for symbol, who in {records.POOLED: "over the watchlist", signal.symbol: signal.symbol}.items()
    )
    return format_html_join("", "<div>{}: {}</div>", lines)


@admin.display(description="signal's bar")
def bar(signal: Signal) -> str:
    return market_formatting.stamp(signal.bar_opened_at, signal.timeframe)


@admin.display(description="source")
def source(signal: Signal) -> str:
    return f"{signal.provider}, {signal.feed} feed"


@admin.display(description="stored (UTC)")
def created(signal: Signal) -> str:
    return formatting.moment(signal.created_at)


@admin.display(description="expires (UTC)")
def expires(signal: Signal) -> str:
    return market_formatting.stamp(signal.expires_at)


@admin.display(description="indicators")
def indicator_table(signal: Signal) -> SafeString | str:
    values = ((formatting.label(name), f"{value:,.6g}") for name, value in signal.indicators.items())
    return table(["value", "at the bar"], values)


@admin.display(description="parameters")
def used(signal: Signal) -> str:
    return signal_formatting.parameters(signal.parameters)


def _record_text(record: StrategyRecord | None) -> SafeString | str:
    """Return a record's sentence, with the cases themselves below it while they are few."""
    if record is None:
        return "no record yet"
    if not record.listed:
        return record.sentence()
    return format_html("<details><summary>{}</summary>{}</details>", record.sentence(), cases(record))


def _named(signals: Any) -> SafeString | str:
    """Return other signals as links."""
    links = (
        [
            reverse("admin:signals_signal_change", args=[signal.pk]),
            signal_formatting.side(signal.signal_type),
            signal_formatting.strategy(signal.strategy_id),
            signal.timeframe,
        ]
        for signal in signals
    )
    return format_html_join(", ", '<a href="{}">{} {} {}</a>', links) or formatting.NOTHING


COLUMNS = [
    *["symbol", side, strategy, "timeframe", status_line, score, entry, stop, target, reward, generated],
]
LINES = {
    None: [chart, headline, "reasoning", state, end, conflicts, superseded],
    "Levels": [entry, stop, target, second, reward],
    "Record": [record, score],
    "Where it comes from": [bar, source, generated, created, expires, indicator_table, used, "bars_digest"],
}
