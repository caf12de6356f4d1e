"""The scorecard in sentences: no more than the intervals allow."""

import re
from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec

from approvals.scorecard import Calibration, Card, Opinions, Rejections, Tally
from market.templatetags import figures

P = ParamSpec("P")
HYPHEN = re.compile(r"-(?=\d)")  # before a figure


def with_minus_signs(write: Callable[P, Iterator[str]]) -> Callable[P, Iterator[str]]:
    """Write negative figures with a minus sign."""

    @wraps(write)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Iterator[str]:
        for sentence in write(*args, **kwargs):
            yield HYPHEN.sub("\N{MINUS SIGN}", sentence)

    return wrapped


@with_minus_signs
def conclusions(every: Card) -> Iterator[str]:
    """Yield the conclusions, no more than the intervals allow."""
    yield _strategies(every.signal_ledger)
    yield _rejections(every.rejections)
    yield _confidence(every.calibration)


def _strategies(tally: Tally) -> str:
    if tally.average_r is None:
        return "No signal has ended yet: what the strategies are worth is not known."
    average = f"The strategies made {tally.average_r:+.2f} R a signal over {tally.cases:,} that ended"
    interval = tally.sample.interval
    if interval is None:
        return f"{average}: too few to tell anything."
    low, high = interval
    if low > 0:
        meaning = "more than chance explains"
    elif high < 0:
        meaning = "they lose, and chance does not explain it"
    else:
        meaning = "which chance alone could have made"
    return f"{average} (95 %: {low:+.2f} to {high:+.2f}): {meaning}."


def _rejections(rejections: Rejections) -> str:
    if (
        rejections.difference is None
        or rejections.difference_low is None
        or rejections.difference_high is None
    ):
        sizes = f"{rejections.approved.size} approved and {rejections.rejected.size} rejected have ended"
        return f"Whether rejecting helped is not known yet: {sizes}, {rejections.needed} of each are needed."
    interval = f"(95 %: {rejections.difference_low:+.2f} to {rejections.difference_high:+.2f})"
    average = f"What was approved did {rejections.difference:+.2f} R better than what was rejected {interval}"
    if rejections.difference_low > 0:
        return f"{average}: rejecting has saved money."
    if rejections.difference_high < 0:
        return f"{average}: the rejections have cost money."
    return f"{average}: no difference that chance could not have made."


def _confidence(calibration: Calibration) -> str:
    if calibration.brier is None:
        return (
            f"Whether the confidence is honest is not known yet: {calibration.cases} of 30 races have ended."
        )
    if calibration.skill is None:
        return "All signals ended alike, so nothing is known of the confidence."
    base = figures.percent(calibration.base_rate)
    comparison = f"than the base rate of {base} does (skill {calibration.skill:+.2f})"
    if calibration.skill > 0:
        return f"The confidence tells more {comparison}."
    return f"The confidence tells no more {comparison}: do not size by it."


@with_minus_signs
def analyst(opinions: Opinions) -> Iterator[str]:
    """Yield how often the analyst and users agreed, and who was right where they did not."""
    if opinions.agreement is None:
        yield "It and you have not judged the same signal yet."
        return
    yield f"You and it wanted the same in {opinions.agreed:,} of {opinions.compared:,} decisions."
    for what, tally, gained, lost in (
        ("you approved against its advice", opinions.approved_against, "you were right", "it was right"),
        ("you rejected what it supported", opinions.rejected_against, "it was right", "you were right"),
    ):
        if not tally.cases:
            continue
        average = f"Where {what}, {tally.cases:,} came to {tally.average_r:+.2f} R each"
        if tally.sample.interval is None:
            yield f"{average}: too few to tell who was right."
        else:
            low, high = tally.sample.interval
            meaning = gained if low > 0 else lost if high < 0 else "which chance alone could have made"
            yield f"{average} (95 %: {low:+.2f} to {high:+.2f}): {meaning}."
