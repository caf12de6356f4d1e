"""How strategies and decisions turned out, and what confidence meant: in words, figures and plots."""

import re
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
from approvals.scorecard import Calibration, Card, Opinions, Rejections, Tally, Whole
from desk.page import page, show
from desk.scorecard import plots
from desk.scorecard.plots import Axis, Dot, Rate
from market.prices import Timeframe
from market.templatetags import figures
from opinions import formatting as opinion_formatting
from opinions.models import Stance
from signals.strategies import STRATEGIES

PERIODS = {
    "": ("all time", None),
    "30": ("30 days", timedelta(days=30)),
    "90": ("90 days", timedelta(days=90)),
    "365": ("a year", timedelta(days=365)),
}
MINUS = re.compile(r"-(?=\d)")  # a hyphen before a figure
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


class Filters(forms.Form):
    period = forms.ChoiceField(choices=[(key, name) for key, (name, _) in PERIODS.items()], required=False)
    strategy = forms.ChoiceField(
        choices=[("", "all strategies"), *((one.id, one.title) for one in STRATEGIES.values())],
        required=False,
    )
    timeframe = forms.ChoiceField(
        choices=[("", "all timeframes"), *((one.value, one.value) for one in Timeframe)], required=False
    )

    def apply(self, at: datetime) -> QuerySet[Outcome]:
        """Those that were asked for; all of them where nothing valid was."""
        self.is_valid()
        asked, outcomes = self.cleaned_data, Outcome.objects.all()
        if length := PERIODS[asked.get("period", "")][1]:
            outcomes = outcomes.filter(generated_at__gte=at - length)
        if asked.get("strategy"):
            outcomes = outcomes.filter(strategy_id=asked["strategy"])
        if asked.get("timeframe"):
            outcomes = outcomes.filter(timeframe=asked["timeframe"])
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
            axis, [Row(of, one, Dot.of(axis, one.average_r, one.sample.interval)) for of, one in lines]
        )


@dataclass(frozen=True)
class Curve:
    """The calibration as it is drawn: a square, what was said from left to right, what came upwards."""

    rates: Sequence[Rate]
    base: float | None
    calibration: Calibration
    marks: Sequence[tuple[float, float, str]]

    @classmethod
    def of(cls, calibration: Calibration) -> "Curve":
        rates = [plots.shares(one.said, one.came, one.interval) for one in calibration.bins]
        base = None if calibration.base_rate is None else plots.down(calibration.base_rate)
        marks = [(plots.across(one), plots.down(one), figures.percent(one)) for one in QUARTERS]
        return cls(rates, base, calibration, marks)


@page
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    at, filters = timezone.now(), Filters(request.GET)
    found = scorecard.whole(filters.apply(at))
    context = {"filters": filters, "whole": found, "is_filtered": any(filters.cleaned_data.values())}
    if found.every:
        context |= {
            "verdicts": list(_verdicts(found.every)),
            "strategies": Table.of([(_names(one), one.signal_ledger) for one in found.strategies]),
            "decisions": Table.of(list(_decisions(found))),
            "curve": Curve.of(found.every.calibration),
            "rejections": found.every.rejections,
            "analysts": list(_analysts(filters.apply(at))),
        }
    return show(request, "desk/scorecard.html", at, context)


def _names(card: Card) -> list[str]:
    strategy = STRATEGIES.get(card.of["strategy"] or "")
    return [strategy.title if strategy else str(card.of["strategy"]), str(card.of["timeframe"])]


def _decisions(found: Whole) -> Iterator[tuple[Sequence[str], Tally]]:
    """What was approved, rejected and let go by all, then what each person approved and rejected."""
    if found.every:
        for group, tally in found.every.decision_ledger.items():
            yield [Outcome.Group(group).label.lower(), "everybody" if group in DECIDED else ""], tally
    if len(found.people) > 1:
        for card in found.people:
            for group in DECIDED:
                yield [group, str(card.of["user"])], card.decision_ledger[group]


@dataclass(frozen=True)
class Advised:
    """An analyst's row: what its opinions were worth, in sentences, and its calibration drawn."""

    name: str
    opinions: Opinions
    said: Sequence[str]
    said_of: Table
    curve: Curve


def _analysts(outcomes: QuerySet[Outcome]) -> Iterator[Advised]:
    for one in scorecard.opinions(outcomes):
        lines = [([stance.label], one.said[stance]) for stance in Stance if stance in one.said]
        said = [MINUS.sub("\N{MINUS SIGN}", text) for text in _of_the_analyst(one)]
        yield Advised(
            opinion_formatting.analyst(one.analyst), one, said, Table.of(lines), Curve.of(one.calibration)
        )


def _of_the_analyst(one: Opinions) -> Iterator[str]:
    """How often it and people wanted the same, and who was right where they did not."""
    if one.agreement is None:
        yield "It and you have not judged the same signal yet."
        return
    yield f"You and it wanted the same in {one.agreed:,} of {one.compared:,} decisions."
    for what, tally, gained, lost in (
        ("you approved against its advice", one.approved_against, "you were right", "it was right"),
        ("you rejected what it supported", one.rejected_against, "it was right", "you were right"),
    ):
        if not tally.cases:
            continue
        said = f"Where {what}, {tally.cases:,} came to {tally.average_r:+.2f} R each"
        if tally.sample.interval is None:
            yield f"{said}: too few to tell who was right."
        else:
            low, high = tally.sample.interval
            meaning = gained if low > 0 else lost if high < 0 else "which chance alone could have made"
            yield f"{said} (95 %: {low:+.2f} to {high:+.2f}): {meaning}."


DECIDED = (Outcome.Group.APPROVED.value, Outcome.Group.REJECTED.value)


def _verdicts(every: Card) -> Iterator[str]:
    """What can be said, and no more than the intervals allow."""
    said = _of_the_strategies(every.signal_ledger), _of_the_person(every.rejections)
    for one in (*said, _of_the_confidence(every.calibration)):
        yield MINUS.sub("\N{MINUS SIGN}", one)


def _of_the_strategies(tally: Tally) -> str:
    if tally.average_r is None:
        return "No signal has ended yet: what the strategies are worth is not known."
    said = f"The strategies made {tally.average_r:+.2f} R a signal over {tally.cases:,} that ended"
    interval = tally.sample.interval
    if interval is None:
        return f"{said}: too few to tell anything."
    low, high = interval
    if low > 0:
        meaning = "more than chance explains"
    elif high < 0:
        meaning = "they lose, and chance does not explain it"
    else:
        meaning = "which chance alone could have made"
    return f"{said} (95 %: {low:+.2f} to {high:+.2f}): {meaning}."


def _of_the_person(found: Rejections) -> str:
    if found.difference is None or found.difference_low is None or found.difference_high is None:
        sizes = f"{found.approved.size} approved and {found.rejected.size} rejected have ended"
        return f"Whether rejecting helped is not known yet: {sizes}, {found.needed} of each are needed."
    between = f"(95 %: {found.difference_low:+.2f} to {found.difference_high:+.2f})"
    said = f"What was approved did {found.difference:+.2f} R better than what was rejected {between}"
    if found.difference_low > 0:
        return f"{said}: rejecting has saved money."
    if found.difference_high < 0:
        return f"{said}: the rejections have cost money."
    return f"{said}: no difference that chance could not have made."


def _of_the_confidence(calibration: Calibration) -> str:
    if calibration.brier is None:
        return (
            f"Whether the confidence is honest is not known yet: {calibration.cases} of 30 races have ended."
        )
    if calibration.skill is None:
        return "All signals ended alike, so nothing is known of the confidence."
    base = figures.percent(calibration.base_rate)
    beside = f"than the base rate of {base} does (skill {calibration.skill:+.2f})"
    if calibration.skill > 0:
        return f"The confidence tells more {beside}."
    return f"The confidence tells no more {beside}: do not size by it."
