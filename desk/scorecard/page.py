"""How strategies and decisions turned out, and what confidence meant: in words, figures and plots."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals import scorecard
from approvals.models import Outcome
from approvals.scorecard import Calibration, Card, Opinions, Overview, Tally
from desk.page import page, show
from desk.scorecard import plots, sentences
from desk.scorecard.plots import Axis, Dot, Rate
from market.prices import Timeframe
from market.templatetags import figures
from opinions import formatting as opinion_formatting
from opinions.models import Stance
from signals.strategies import STRATEGIES

DECIDED = (Outcome.Group.APPROVED.value, Outcome.Group.REJECTED.value)
PERIODS = {
    "": ("all time", None),
    "30": ("30 days", timedelta(days=30)),
    "90": ("90 days", timedelta(days=90)),
    "365": ("a year", timedelta(days=365)),
}
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


class Filters(forms.Form):
    period = forms.ChoiceField(choices=[(key, name) for key, (name, _) in PERIODS.items()], required=False)
    strategy = forms.ChoiceField(
        choices=[
            ("", "all strategies"),
            *((strategy.id, strategy.title) for strategy in STRATEGIES.values()),
        ],
        required=False,
    )
    timeframe = forms.ChoiceField(
        choices=[("", "all timeframes"), *((timeframe.value, timeframe.value) for timeframe in Timeframe)],
        required=False,
    )

    def apply(self, at: datetime) -> QuerySet[Outcome]:
        """Return the outcomes that the valid fields name; all of them where none is given."""
        self.is_valid()
        values, outcomes = self.cleaned_data, Outcome.objects.all()
        if length := PERIODS[values.get("period", "")][1]:
            outcomes = outcomes.filter(generated_at__gte=at - length)
        if values.get("strategy"):
            outcomes = outcomes.filter(strategy_id=values["strategy"])
        if values.get("timeframe"):
            outcomes = outcomes.filter(timeframe=values["timeframe"])
        return outcomes


@dataclass(frozen=True)
class Row:
    """A line of a table: what it is of, its figures, and its average R drawn on the table's axis."""

    of: Sequence[str]
    tally: Tally
    dot: Dot | None


@dataclass(frozen=True)
class Table:
    axis: Axis
    rows: Sequence[Row]

    @classmethod
    def of(cls, lines: Sequence[tuple[Sequence[str], Tally]]) -> "Table":
        ends = [end for _, tally in lines for end in tally.sample.interval or ()]
        means = [tally.average_r for _, tally in lines if tally.average_r is not None]
        axis = Axis.of([*ends, *means], least=1.0)
        return cls(
            axis,
            [Row(of, tally, Dot.of(axis, tally.average_r, tally.sample.interval)) for of, tally in lines],
        )


@dataclass(frozen=True)
class Curve:
    """The calibration as drawn: a square, confidence from left to right, the share of targets upwards."""

    rates: Sequence[Rate]
    base: float | None
    calibration: Calibration
    marks: Sequence[tuple[float, float, str]]

    @classmethod
    def of(cls, calibration: Calibration) -> "Curve":
        rates = [
            plots.shares(tenth.mean_confidence, tenth.target_rate, tenth.interval)
            for tenth in calibration.bins
        ]
        base = None if calibration.base_rate is None else plots.down(calibration.base_rate)
        marks = [(plots.across(share), plots.down(share), figures.percent(share)) for share in QUARTERS]
        return cls(rates, base, calibration, marks)


@page
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    at, filters = timezone.now(), Filters(request.GET)
    overview = scorecard.overview(filters.apply(at))
    context = {"filters": filters, "overview": overview, "is_filtered": any(filters.cleaned_data.values())}
    if overview.every:
        context |= {
            "verdicts": list(sentences.conclusions(overview.every)),
            "strategies": Table.of([(_names(card), card.signal_ledger) for card in overview.strategies]),
            "decisions": Table.of(list(_decisions(overview))),
            "curve": Curve.of(overview.every.calibration),
            "rejections": overview.every.rejections,
            "analysts": list(_analysts(filters.apply(at))),
        }
    return show(request, "desk/scorecard.html", at, context)


def _names(card: Card) -> list[str]:
    strategy = STRATEGIES.get(card.of["strategy"] or "")
    return [strategy.title if strategy else str(card.of["strategy"]), str(card.of["timeframe"])]


def _decisions(overview: Overview) -> Iterator[tuple[Sequence[str], Tally]]:
    """Yield the tallies of what all approved, rejected and let expire, then those of each user."""
    if overview.every:
        for group, tally in overview.every.decision_ledger.items():
            yield [Outcome.Group(group).label.lower(), "everybody" if group in DECIDED else ""], tally
    if len(overview.people) > 1:
        for card in overview.people:
            for group in DECIDED:
                yield [group, str(card.of["user"])], card.decision_ledger[group]


@dataclass(frozen=True)
class AnalystRow:
    """An analyst's row: what its opinions were worth, in sentences, and its calibration drawn."""

    name: str
    opinions: Opinions
    sentences: Sequence[str]
    by_stance: Table
    curve: Curve


def _analysts(outcomes: QuerySet[Outcome]) -> Iterator[AnalystRow]:
    for opinions in scorecard.opinions(outcomes):
        lines = [([stance.label], opinions.said[stance]) for stance in Stance if stance in opinions.said]
        yield AnalystRow(
            opinion_formatting.analyst(opinions.analyst),
            opinions,
            list(sentences.analyst(opinions)),
            Table.of(lines),
            Curve.of(opinions.calibration),
        )
