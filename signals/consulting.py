"""Where settings meet analysts: who is asked, how many at once, and what may be spent."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum

from signals import analysts
from signals.analysts.agent0 import Agent0
from signals.analysts.base import Analyst, Bill
from signals.analysts.llm import Llm
from signals.analysts.rules import Rules
from signals.models import OrchestrationRun

NAMES = ("rules", "agent0", "llm")
OUTSIDE = ("agent0", "llm")  # what they are given leaves this machine, or may
PROMPT = Path(analysts.__file__).with_name("prompt.md")


class NotConfigured(Exception):
    """The analyst is not known or not set up; what to do."""


class BudgetReached(Exception):
    """An analysis might cost more than is left for today. Nothing was asked."""


def usual() -> str:
    """The analyst that is asked when nobody names another one."""
    return str(settings.ANALYST)


def configured() -> list[str]:
    """The analysts that can be asked."""
    is_there = {
        "rules": True,
        "agent0": bool(settings.AGENT0_URL),
        "llm": bool(settings.LLM_BASE_URL and settings.LLM_MODEL),
    }
    return [name for name in NAMES if is_there[name]]


def analyst(name: str) -> Analyst:
    """Raises NotConfigured."""
    if name == "rules":
        return Rules()
    if name == "agent0" and settings.AGENT0_URL:
        return Agent0(settings.AGENT0_URL)
    if name == "llm" and settings.LLM_BASE_URL and settings.LLM_MODEL:
        return Llm(
            settings.LLM_BASE_URL,
            settings.LLM_MODEL,
            settings.LLM_API_KEY,
            prompt=prompt(),
            input_price=settings.LLM_INPUT_PRICE,
            output_price=settings.LLM_OUTPUT_PRICE,
            tokens_per_run=settings.LLM_RUN_TOKENS,
        )
    needed = {"agent0": "Set AGENT0_URL.", "llm": "Set LLM_BASE_URL and LLM_MODEL."}
    known = f"Known are {', '.join(NAMES)}."
    raise NotConfigured(f"There is no analyst {name!r}. {needed.get(name, known)}")


def prompt() -> str:
    """What a language model is told first: LLM_PROMPT_FILE, or the one that comes with Jax."""
    path = Path(settings.LLM_PROMPT_FILE) if settings.LLM_PROMPT_FILE else PROMPT
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"The prompt {path} cannot be read ({error}). Check LLM_PROMPT_FILE.") from None


def set_aside(run: OrchestrationRun, most: Bill) -> None:
    """Count what a run can come to as spent, until it is known what it was. Raises BudgetReached.

    It counts on the day that the run began, also when it is asked after midnight. A run that died keeps what
    was set aside for it: nobody knows what it has spent.
    """
    if most.usd > settings.LLM_RUN_BUDGET_USD:
        raise BudgetReached(
            f"This could cost {most.usd:.4f} USD; one analysis may cost {settings.LLM_RUN_BUDGET_USD}"
            " (LLM_RUN_BUDGET_USD)."
        )
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('signals budget', 0))")
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
    """Tokens and dollars of this day (UTC), with what is set aside."""
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    sums = OrchestrationRun.objects.filter(started_at__gte=today).aggregate(
        tokens=Sum("tokens", default=0), usd=Sum("cost_usd", default=Decimal(0))
    )
    return sums["tokens"], sums["usd"]


def secrets() -> Sequence[str]:
    """What must not be kept or sent, wherever somebody has written it."""
    names = ("SECRET_KEY", "ALPACA_API_KEY", "ALPACA_API_SECRET", "POLYGON_API_KEY", "LLM_API_KEY")
    named = [str(getattr(settings, name)) for name in names if getattr(settings, name)]
    password = settings.DATABASES["default"].get("PASSWORD")
    return [*named, *settings.NOTIFY_URLS, *([password] if password else [])]
