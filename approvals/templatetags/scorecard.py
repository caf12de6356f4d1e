"""What is known about signals like this one, as the pages show it."""

from django import template

from approvals.scorecard import Confidence
from approvals.scorecard.calibration import ENOUGH

register = template.Library()


@register.filter
def hit_rate(known: Confidence | None) -> str:
    """Return how often the target came first: a rate from enough cases on, the cases themselves below."""
    if known is None:
        return "no case yet"
    if known.cases < ENOUGH:
        return f"{known.targets} of {known.cases}"
    return f"{100 * known.target_rate:.0f} % of {known.cases}"
