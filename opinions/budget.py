"""What analyses may cost: for one run and for a day. Nothing is asked that could exceed it."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from core import locks
from opinions.analysts.base import Bill
from opinions.models import OrchestrationRun


class BudgetReached(Exception):
    """An analysis might cost more than is left for today. Nothing was asked."""


def set_aside(run: OrchestrationRun, most: Bill) -> None:
    """Count what a run can come to as spent, until it is known what it was. Raises BudgetReached.

    It counts on the day that the run began, also when it is asked after midnight. A run that died keeps what
    was set aside for it: what it has spent is not known.
    """
    if most.usd > settings.LLM_RUN_BUDGET_USD:
        raise BudgetReached(
            f"This could cost {most.usd:.4f} USD; one analysis may cost {settings.LLM_RUN_BUDGET_USD}"
            " (LLM_RUN_BUDGET_USD)."
        )
    with transaction.atomic():
        locks.transaction("signals budget")
        tokens, usd = spent(run.started_at or run.queued_at)
        if tokens + most.tokens > settings.LLM_DAY_TOKENS:
            raise BudgetReached(
                f"Today's {settings.LLM_DAY_TOKENS:,} tokens (LLM_DAY_TOKENS) are used up:"
                f" {tokens:,} are spent, and this could take {most.tokens:,}."
            )
        if usd + most.usd > settings.LLM_DAILY_BUDGET_USD:
            raise BudgetReached(
                f"Today's {settings.LLM_DAILY_BUDGET_USD} USD (LLM_DAILY_BUDGET_USD) are used up:"
                f" {usd:.4f} are spent, and this could cost {most.usd:.4f}."
            )
        OrchestrationRun.objects.filter(pk=run.pk).update(tokens=most.tokens, cost_usd=most.usd)


def spent(at: datetime) -> tuple[int, Decimal]:
    """Tokens and dollars of this day (UTC) and the next, with what is set aside.

    What begins at midnight counts on both days. From later on only a clock that was ahead has any.
    """
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    sums = OrchestrationRun.objects.filter(
        started_at__gte=today, started_at__lt=today + timedelta(days=2)
    ).aggregate(tokens=Sum("tokens", default=0), usd=Sum("cost_usd", default=Decimal(0)))
    return sums["tokens"], sums["usd"]
