"""The providers: which are on, what each says of itself, which would be on with what setting."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings

from market import feeds
from market.doctor.findings import Finding, guarded
from market.ingestion import earnings
from market.ingestion.streaming import report as streamed
from market.models import ProviderStatus
from market.providers import registry
from market.providers.base import Provider, Report

CLOCK_TOLERANCE = timedelta(seconds=2)


def providers(at: datetime) -> Iterator[Finding]:
    on = {provider.name: provider for provider in feeds.enabled()}
    if unknown := sorted(set(settings.PROVIDERS) - set(registry.NAMES)):
        yield Finding("PROVIDERS", f"nothing is called {', '.join(unknown)}", "Correct PROVIDERS in .env.")
    if not on:
        yield Finding("providers", "none is switched on", f"Set {registry.how_to_get_real_prices()}.")
    for provider in on.values():
        yield from guarded(provider.name, partial(_provider, provider, at))
    for spec in registry.REAL:
        if spec.name not in on:
            yield Finding(spec.name, f"off; {' and '.join(spec.required)} would switch it on")


def stream(at: datetime) -> Finding:
    report = streamed.read(at)
    return Finding("stream", report.text, report.advice)


def earnings_dates() -> Iterator[Finding]:
    """Yield why a provider gives none, when it said so: nothing that needs attention."""
    for problem in earnings.LEDGER.problems():
        yield Finding("earnings dates", f"{problem}. They can be loaded from a file, or recorded in admin")


def _provider(provider: Provider, at: datetime) -> Iterator[Finding]:
    report = provider.report(at)
    names = ("entitlement", "delay", "volume", "hours", "adjustment")
    facts = [f"{name}: {fact}" for name in names if (fact := getattr(report, name))]
    if report.clock_offset is not None:
        facts.append(f"clock: {report.clock_offset.total_seconds():+.1f} s from ours")
    cooling = [row for row in ProviderStatus.objects.filter(provider=provider.name) if row.cools_off(at)]
    facts += [
        f"left alone at {row.kind} until {row.cool_off_until:%H:%M} UTC: {row.last_error}" for row in cooling
    ]
    answers = "it answers" if report.answers else "it does not answer"
    yield Finding(provider.name, "; ".join([answers, *facts]), _advice(report, cooling))


def _advice(report: Report, cooling: list[ProviderStatus]) -> str:
    if not report.answers:
        return report.advice or "Check its address and key in .env, and that it runs."
    if report.clock_offset is not None and abs(report.clock_offset) > CLOCK_TOLERANCE:
        return "Set this machine's clock: timedatectl set-ntp true."
    if cooling:
        return "It is tried again by itself; the reason says what to do if it does not recover."
    return ""
