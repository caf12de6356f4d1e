"""The failures of a strategy's own code, counted scan by scan, until it is switched off."""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.conf import settings

from core.redaction import redact, secret_values
from market.doctor import Finding
from signals.models import StrategyConfig

logger = logging.getLogger(__name__)

COLUMNS = ["failures", "failing_since", "failure"]
LONGEST = 500  # characters


def record(config: StrategyConfig, failure: str, at: datetime) -> None:
    """Count a scan in which the configuration failed; switch it off after STRATEGY_FAILURES in a row.

    The row begins anew when a person has changed the configuration.
    """
    goes_on = config.is_failing
    config.failures = config.failures + 1 if goes_on else 1
    config.failing_since = config.failing_since if goes_on else at
    config.failure = redact(failure, secret_values(settings))[:LONGEST]
    is_given_up = config.failures >= settings.STRATEGY_FAILURES
    if is_given_up:
        config.enabled = False
    config.save(update_fields=[*COLUMNS, "enabled"] if is_given_up else COLUMNS)
    consequence = "It is switched off." if is_given_up else "The scan goes on without it."
    logger.error("%s failed, %s in a row: %s %s", config, config.failures, config.failure, consequence)


def findings(at: datetime) -> Iterator[Finding]:
    """Yield for the doctor what is failing."""
    failing = list(StrategyConfig.objects.failing())
    for config in failing:
        since = f"{config.failing_since:%Y-%m-%d %H:%M} UTC"
        state = "It goes on trying" if config.enabled else "It is switched off"
        text = f"{config} fails since {since}: {config.failure}. {state}, the others go on"
        yield Finding("strategies", text, "Mend it or its parameters, then switch it on in admin.")
    if not failing:
        yield Finding("strategies", "none fails")


def clear(configs: Iterable[StrategyConfig]) -> None:
    """Note that a scan has evaluated these configurations."""
    recovered = [config.pk for config in configs if config.failing_since is not None]
    if recovered:
        StrategyConfig.objects.filter(pk__in=recovered).update(failures=0, failing_since=None, failure="")
