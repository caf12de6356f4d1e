"""What `manage.py check` says about settings that depend on each other or on what there is, with a hint each.

What a setting may be by itself stands where it is read. `migrate` checks the database too.
"""

import os
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, OperationalError, connections
from django.db.utils import NotSupportedError

from approvals import notify
from approvals.brokers import registry as brokers
from approvals.models import Notification
from jaxsite.processes import bind_guard
from market import feeds
from market.ingestion import request_budget
from market.prices import Timeframe
from market.providers import registry as providers
from opinions.analysts import registry as analysts

SETTINGS = "settings"
FETCHED = [timeframe.value for timeframe in Timeframe if timeframe.built_from is None]


def refuse_wrong_settings() -> None:
    """Raise ImproperlyConfigured for what keeps a command of `manage.py` from beginning. For web servers."""
    errors = [message for message in run_checks(tags=[SETTINGS]) if message.is_serious()]
    if errors:
        raise ImproperlyConfigured("\n".join(map(str, errors)))


@register(SETTINGS)
def check_names(**kwargs: Any) -> list[CheckMessage]:
    """Nothing reads a misspelt name: a limit would keep its default, and the user believe it was set."""
    return [
        Warning(
            f"{name} is no setting of Jax, so that it sets nothing.",
            hint=f"Did you mean {meant}? Correct it in the environment or in .env.",
            id="jax.W025",
        )
        for name, meant in settings.MISSPELT_SETTINGS.items()
    ]


@register(SETTINGS)
def check_providers(**kwargs: Any) -> list[CheckMessage]:
    unknown = [name for name in settings.PROVIDERS if name not in providers.NAMES]
    if not unknown:
        return []
    return [
        Error(
            f"PROVIDERS names {', '.join(unknown)}, which Jax does not know.",
            hint=f"Known are {', '.join(providers.NAMES)}.",
            id="jax.E002",
        )
    ]


@register(SETTINGS)
def check_timeframes(**kwargs: Any) -> list[CheckMessage]:
    wrong = [name for name in settings.CANDLE_TIMEFRAMES if name not in FETCHED]
    if wrong:
        return [
            Error(
                f"CANDLE_TIMEFRAMES names {', '.join(wrong)}, which cannot be fetched.",
                hint=f"Use some of {', '.join(FETCHED)}; 1h and 1w are built from 15m and 1d by themselves.",
                id="jax.E004",
            )
        ]
    if Timeframe.D1 not in settings.CANDLE_TIMEFRAMES:
        return [
            Warning(
                "CANDLE_TIMEFRAMES lacks 1d.",
                hint="Add it: a quote's change is counted from the last daily close.",
                id="jax.W005",
            )
        ]
    return []


@register(SETTINGS)
def check_that_data_is_not_mixed(**kwargs: Any) -> list[CheckMessage]:
    simulated = [spec.name for spec in providers.SIMULATED if spec.name in settings.PROVIDERS]
    real = [name for name, is_set in settings.CONFIGURED.items() if is_set and name in settings.PROVIDERS]
    if not ("PROVIDERS" in os.environ and simulated and real):
        return []
    return [
        Error(
            f"PROVIDERS names the {simulated[0]} beside {', '.join(real)}; their data is never mixed.",
            hint=f"Remove {simulated[0]} from PROVIDERS, or choose DATA=simulated and remove the others.",
            id="jax.E006",
        )
    ]


@register(SETTINGS)
def check_broker(**kwargs: Any) -> list[CheckMessage]:
    try:
        spec = brokers.spec_of(settings.BROKER)
    except brokers.UnknownBroker as unknown:
        names = ", ".join(brokers.NAMES)
        hint = f"Use one of {names}, or the path of a BrokerSpec, as in my_broker:SPEC."
        return [Error(str(unknown), hint=hint, id="jax.E017")]
    if not spec.is_configured(spec.values(settings)):
        return [Error(f"BROKER is {settings.BROKER}.", hint=spec.how_to_configure, id="jax.E017")]
    return []


@register(SETTINGS)
def check_engine(**kwargs: Any) -> list[CheckMessage]:
    if connections["default"].vendor == "postgresql":
        return []
    return [
        Error(
            f"DATABASE_URL names a {connections['default'].display_name} database; Jax needs PostgreSQL.",
            hint="Use postgres://user:password@host:5432/name, or leave it out for the embedded server.",
            id="jax.E007",
        )
    ]


@register(SETTINGS)
def check_kinds_of_messages(**kwargs: Any) -> list[CheckMessage]:
    named = {name: getattr(settings, name) for name in ("NOTIFY_OFF", "NOTIFY_SILENT")}
    return [
        Error(
            f"{name} names {', '.join(unknown)}, which are no kinds of messages.",
            hint=f"Known are {', '.join(Notification.Kind.values)}.",
            id="jax.E011",
        )
        for name, kinds in named.items()
        if (unknown := [kind for kind in kinds if kind not in Notification.Kind.values])
    ]


@register(SETTINGS)
def check_quiet_hours(**kwargs: Any) -> list[CheckMessage]:
    try:
        notify.QuietHours.parse(settings.NOTIFY_QUIET_HOURS, ZoneInfo(settings.NOTIFY_TIME_ZONE))
    except ValueError:
        return [
            Error(
                f"NOTIFY_QUIET_HOURS is {settings.NOTIFY_QUIET_HOURS}.",
                hint="Write two different times as in 22:00-07:00.",
                id="jax.E013",
            )
        ]
    return []


@register(SETTINGS)
def check_addresses_of_people(**kwargs: Any) -> list[CheckMessage]:
    """An address holds secrets, so it is named by its place."""
    recipient_counts = [(target.number, notify.recipients(target.url)) for target in notify.targets()]
    unreadable = [
        Error(
            f"Address {number} of NOTIFY_URLS cannot be read by Apprise.",
            hint="docs/notifications.md has examples; percent-encode special characters in passwords.",
            id="jax.E014",
        )
        for number, count in recipient_counts
        if count == 0
    ]
    several = [
        Warning(
            f"Address {number} of NOTIFY_URLS has {count} recipients: when one fails, none is tried again.",
            hint="Give each recipient an address of its own.",
            id="jax.W015",
        )
        for number, count in recipient_counts
        if count > 1
    ]
    return [*unreadable, *several]


@register(SETTINGS)
def check_analyst(**kwargs: Any) -> list[CheckMessage]:
    """The analyst must exist, and what it may cost must be known before it is spent."""
    name = settings.ANALYST
    if name not in (spec.name for spec in analysts.configured(settings)):
        needed = [
            f"{spec.name} needs {' and '.join(spec.required)}" for spec in analysts.SPECS if spec.required
        ]
        hint = f"Use one of {', '.join(analysts.NAMES)}; {', '.join(needed)}."
        return [Error(f"ANALYST is {name}, which is not known or not set up.", hint=hint, id="jax.E021")]
    return [
        Error(problem.message, hint=problem.hint, id=problem.id)
        for spec in analysts.SPECS
        for problem in spec.problems(spec.values(settings))
    ]


@register(SETTINGS)
def check_bind(**kwargs: Any) -> list[CheckMessage]:
    if settings.REACH.behind not in ("", bind_guard.CONTAINER, bind_guard.VPN):
        hint = "Use container or vpn, or leave it out."
        return [Error(f"BIND_BEHIND is {settings.REACH.behind}.", hint=hint, id="jax.E020")]
    try:
        settings.REACH.allow(settings.BIND)
    except bind_guard.TooOpen as reason:
        return [Error(f"BIND is {settings.BIND}. {reason}", hint=bind_guard.ADVICE, id="jax.E019")]
    return []


@register(Tags.database)
def check_server(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    for alias in databases or ():
        try:
            connections[alias].ensure_connection()
        except NotSupportedError as too_old:
            messages.append(Error(str(too_old), hint="Use PostgreSQL 14 or newer.", id="jax.E008"))
        except OperationalError as reason:
            hint = "Is DATABASE_URL right, and does the server run?" if "DATABASE_URL" in os.environ else None
            messages.append(Error(str(reason).strip(), hint=hint, id="jax.E009"))
    return messages


@register(Tags.database)
def check_installation(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Simulated and real data never share a database. One without tables holds neither."""
    try:
        if databases:
            feeds.refuse_wrong_data(settings.DATA_KIND)
    except feeds.WrongData as wrong:
        return [Error(str(wrong), id="jax.E010")]
    except DatabaseError:
        return []
    return []


@register(Tags.database)
def check_request_budget(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Warn when the first provider does not allow as many requests as the watchlist needs."""
    try:
        warning = request_budget.warning() if databases else ""
    except DatabaseError:
        return []
    return [Warning(warning, id="jax.W024")] if warning else []
