"""What is known about signals like this one, as the pages show it."""

from django import template

from approvals.scorecard import Confidence
from approvals.scorecard.calibration import ENOUGH

register = template.Library()


@register.filter
def hit_rate(confidence: Confidence | None) -> str:
    """Return how often the target came first: a rate from enough cases on, the cases themselves below."""
    if confidence is None:
        return "no case yet"
    if confidence.cases < ENOUGH:
        return f"{confidence.targets} of {confidence.cases}"
    return f"{100 * confidence.target_rate:.0f} % of {confidence.cases}"
