"""A backtest as people read it, and as JSON."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from market.models import Installation
from signals.backtest.figures import Figures, figures
from signals.backtest.setup import Setup, shortened
from signals.backtest.studies import Study, pooled
from signals.backtest.table import laid_out, signed

RANDOM_DRAWS = 100
WIDTH = 100


@dataclass(frozen=True)
class Report:
    """The rows (all symbols together first, then each) and what a reader must know about them.

    `without_moves`: the same of what unexplained moves change, without the trades that were open over them.
    """

    setup: Setup
    rows: list[Figures]
    warnings: list[str]
    without_moves: list[Figures]

    def text(self) -> str:
        # With one symbol, all together is that symbol.
        rows = self.rows[1:] if len(self.rows) == 2 else self.rows
        warnings = [f"WARNING: {warning}" for warning in self.warnings]
        heading = [fill(line, WIDTH) for line in (*warnings, *heading_lines(self.setup, self.rows[0]))]
        tables = [*laid_out(rows), ""]
        if self.without_moves:
            tables += [fill(WITHOUT, WIDTH), "", *laid_out(self.without_moves), ""]
        return "\n".join([*heading, "", *tables, *(fill(note, WIDTH) for note in NOTES)])

    def as_json(self) -> dict[str, Any]:
        without = {"without_moves": [row.as_json() for row in self.without_moves]}
        return {
            "setup": setup_json(self.setup),
            "rows": [row.as_json() for row in self.rows],
            "warnings": self.warnings,
            **(without if self.without_moves else {}),
        }


WITHOUT = (
    "The same without the trades that were open over an unexplained move, and holding as if the price had"
    " stood still over it:"
)
NOTES = (
    "Entries at the next bar's open; the stop first when a bar holds stop and target; gaps at the open."
    " R: the result over the planned risk, costs included. Its average is the expectancy; the interval"
    " (bootstrap) takes the trades as independent. Gain at 1 %: of capital with 1 % of it at risk in each"
    " trade.",
    "Target before stop: also counted after an opposite event has ended the trade. Luck: what chance gives"
    " at these distances. Random entries: as many, on the same sides, as many ATR from stop and target, at"
    f" random bars; the mean of {RANDOM_DRAWS} draws, and where 95 % of them lie.",
    'Exposure: bars inside a trade. Holding: from the first open to the last close; in "all" the mean of the'
    " symbols. Recorded dividends count: a long over an ex-date has it, a short pays it; holding puts it back"
    " into the share.",
)


def report(setup: Setup, studies: Iterable[Study]) -> Report:
    """Return the figures of all studies, in the order of their symbols."""
    listed = list(studies)
    rows = [figures(study) for study in (pooled(listed), *listed)]
    return Report(setup, rows, warnings(setup, listed), list(_without_moves(listed, rows)))


def _without_moves(studies: Sequence[Study], rows: Sequence[Figures]) -> Iterator[Figures]:
    """Yield the rows that unexplained moves change, as they are without them."""
    if not any(study.jumps for study in studies):
        return
    still = [study.without_jumps() for study in studies]
    changed = len(studies) > 1, *(bool(study.jumps) for study in studies)
    for study, row, is_changed in zip((pooled(still), *still), rows, changed, strict=True):
        if is_changed and (without := figures(study)).as_json() != row.as_json():
            yield without


def warnings(setup: Setup, studies: Sequence[Study]) -> list[str]:
    texts = []
    if Installation.objects.filter(data=Installation.Data.SIMULATED).exists():
        texts.append("The data is simulated: nothing here says anything about a real market.")
    if empty := [study.symbol for study in studies if not study.bars]:
        texts.append(f"No {setup.timeframe} bars of {shortened(empty)} are stored for these days.")
    texts += [_about_jumps(study) for study in studies if study.jumps]
    texts += [_about_doubt(study, setup) for study in studies if study.doubted]
    return texts


def _about_jumps(study: Study) -> str:
    jumps = [f"{jump.opened_at:%Y-%m-%d} (by {jump.factor:g})" for jump in study.jumps]
    return (
        f"{study.symbol}: moves of the size of a split that nothing explains are counted as they are:"
        f" {shortened(jumps)}. Answer what they were, in admin or by manage.py moves."
    )


def _about_doubt(study: Study, setup: Setup) -> str:
    shape = "%Y-%m-%d %H:%M" if setup.timeframe.is_intraday else "%Y-%m-%d"
    bars = [f"{bar.opened_at:{shape}}" for bar in study.doubted]
    return (
        f"{study.symbol}: {len(bars):,} of {study.bars:,} bars are in doubt: {shortened(bars)}. They gave no"
        " ideas; of their prices the worse reading counts."
    )


def setup_json(setup: Setup) -> dict[str, Any]:
    """Return what was tested, as JSON."""
    return {
        "strategy_id": setup.strategy.id,
        "timeframe": setup.timeframe.value,
        "symbols": list(setup.symbols),
        "since": setup.since.isoformat() if setup.since else None,
        "until": setup.until.isoformat() if setup.until else None,
        "parameters": setup.parameters,
        "minimum_confidence": setup.minimum_confidence,
        "lifetime_bars": setup.lifetime_bars,
        "longest_holding_bars": setup.rules.longest,
        "flat_at_close": setup.rules.flat_at_close,
        "cost_bps": setup.rules.cost_bps,
    }


def heading_lines(setup: Setup, every: Figures) -> list[str]:
    """Return what was tested and what was not traded, in sentences."""
    rules = setup.rules
    span = f"{every.first_at[:10]} to {every.last_at[:10]}" if every.first_at and every.last_at else "no bars"
    flat = ", flat at the session's close" if rules.flat_at_close else ""
    changed = ", ".join(f"{name} {value:g}" for name, value in setup.parameters.items()) or "the defaults"
    return [
        f"{setup.strategy.title} ({setup.strategy.id}) on {setup.timeframe}, {span}: {every.bars:,} bars.",
        f"Parameters: {changed}. Costs: {rules.cost_bps:g} basis points each way.",
        f"Traded from confidence {setup.minimum_confidence:g}; at most {rules.longest} bars{flat}.",
        f"{every.ideas:,} ideas. Not traded: {every.below_minimum:,} below that confidence,"
        f" {every.late:,} after an outage, {every.void:,} void (the next bar opened at or beyond a level),"
        f" {every.missed:,} without a next bar in time. Still open: {every.open:,}.",
        _about_dividends(every),
    ]


def _about_dividends(every: Figures) -> str:
    if not every.dividends:
        return "No dividends are recorded for these days: all results are price returns."
    return (
        f"Dividends went ex {every.dividends:,} times: {signed(every.dividend_r, 1)} R of the trades' total."
    )
