"""Everything that can be configured, with what it may be and the safe value as default.

`.env.example` explains each name. What makes no sense is refused here, by every process, before it does more.
What is the same everywhere (apps, middleware, log-in, API, content policy) is in `jaxsite.django_settings`.
"""

import os
import re
from decimal import Decimal
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from approvals.brokers import registry as brokers
from core.registry import all_settings, read_settings, secret_names
from core.registry.environment import Environment
from core.registry.kinds import (
    KEY,
    NAME,
    AllowedHost,
    Flag,
    Folder,
    Host,
    ListOf,
    Number,
    OneOf,
    TimeZone,
    Url,
    Whole,
)
from core.registry.kinds import PORT as A_PORT
from jaxsite.django_settings import *  # noqa: F403  settings are meant to be copied
from jaxsite.django_settings import BASE_DIR
from jaxsite.processes import env_file
from jaxsite.processes.bind_guard import LOCAL_NAMES, Reach
from jaxsite.processes.database_url import DatabaseUrl
from jaxsite.processes.metrics_token import read_token
from jaxsite.processes.secret_key import ensure_secret_key
from market.providers import registry as providers
from opinions.analysts import registry as analysts

env = Environment(os.environ)
ENV_FILE = env.read("ENV_FILE", Folder(BASE_DIR), BASE_DIR / ".env")
if _unreadable := env_file.problems(ENV_FILE):
    raise ImproperlyConfigured("\n".join(_unreadable))
environ.Env.read_env(ENV_FILE)
VAR_DIR = env.read("VAR_DIR", Folder(BASE_DIR), BASE_DIR / "var")

SHARE = Number(most=1, above_zero=True, note="0.01 is one percent")
MINUTES = Whole(60, 86_400, step=60)  # in seconds: the queue's clock beats once a minute
DAYS = Whole(1, 36_500)

# --- mode -------------------------------------------------------------------------------------------------

DEBUG = env.read("DEBUG", Flag(), False)
PRODUCTION = env.read("PRODUCTION", Flag(), False)
SECRET_KEY = env.read("SECRET_KEY", str, "", secret=True)
if not SECRET_KEY and PRODUCTION:
    raise ImproperlyConfigured(
        "PRODUCTION is on and SECRET_KEY is not set. Put a long random one into the environment or .env."
    )
try:
    SECRET_KEY = SECRET_KEY or ensure_secret_key(ENV_FILE)
except OSError as _error:
    raise ImproperlyConfigured(
        f"There is no SECRET_KEY, and a new one cannot be written into {ENV_FILE} ({_error.strerror}). "
        "Let this user write there, set ENV_FILE to a file that it may write, or set SECRET_KEY."
    ) from None

ALLOWED_HOSTS = env.read("ALLOWED_HOSTS", ListOf(AllowedHost()), [*LOCAL_NAMES])
CSRF_TRUSTED_ORIGINS: list[str] = env.read("CSRF_TRUSTED_ORIGINS", ListOf(Url(below=True)), [])
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
# A session ends when it is not used for a day, and after a week in any case.
SESSION_ENGINE = "jaxsite.auth.sessions"
SESSION_COOKIE_AGE = 7 * 24 * 3600
SESSION_IDLE_HOURS = env.read("SESSION_IDLE_HOURS", Whole(1, 168), 24)
SESSION_COOKIE_HTTPONLY = True
# No user approves, releases or resumes without a second factor; exits stay possible.
REQUIRE_2FA = env.read("REQUIRE_2FA", Flag(), False)
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "jaxsite.views.errors.csrf_failure"

# --- web server -------------------------------------------------------------------------------------------

BIND = env.read("BIND", Host(), "127.0.0.1")
PORT = env.read("PORT", A_PORT, 8095)
METRICS_TOKEN_FILE = VAR_DIR / "metrics_token"  # made by `make run`
METRICS_TOKEN = env.read("METRICS_TOKEN", KEY, "", secret=True) or read_token(METRICS_TOKEN_FILE)
REACH = Reach(PRODUCTION, ALLOWED_HOSTS, behind=env.read("BIND_BEHIND", str, ""))

# --- vendors ----------------------------------------------------------------------------------------------

# Every setting of a vendor by its own name, as the registries list them.
BROKER = env.read("BROKER", str, "paper")
LIVE_TRADING = env.read("LIVE_TRADING", NAME, "")
_vendors = [*providers.SPECS, *analysts.SPECS, *brokers.specs_with(BROKER)]
globals().update(read_settings(_vendors, env.read))
globals().update(providers.implied(globals()))
VENDOR_SETTINGS = [setting.name for setting in all_settings(_vendors)]

# --- market data ------------------------------------------------------------------------------------------

CONFIGURED = {spec.name: spec.is_configured(globals()) for spec in providers.REAL}
PROVIDERS = env.read("PROVIDERS", ListOf(str), providers.NAMES)
DATA = env.read("DATA", OneOf(("auto", "simulated", "real")), "auto")
# Which data this process works on: what DATA says, or real as soon as a listed real provider is configured.
DATA_KIND = (
    DATA
    if DATA in ("simulated", "real")
    else "real"
    if any(CONFIGURED.get(name, False) for name in PROVIDERS)
    else "simulated"
)
INGEST_INTERVAL_SECONDS = env.read("INGEST_INTERVAL_SECONDS", MINUTES, 60)
CANDLE_TIMEFRAMES = env.read("CANDLE_TIMEFRAMES", ListOf(str), ["1d", "15m"])
CANDLE_BACKFILL = env.read("CANDLE_BACKFILL", Whole(1, 100_000), 1000)
STREAMING = env.read("STREAMING", OneOf(("auto", "off")), "auto")
STALE_QUOTE_SECONDS = env.read("STALE_QUOTE_SECONDS", Whole(1, 86_400), 300)
QUOTE_HISTORY_DAYS = env.read("QUOTE_HISTORY_DAYS", DAYS, 30)
INGESTION_RUN_DAYS = env.read("INGESTION_RUN_DAYS", DAYS, 30)

# --- signals ----------------------------------------------------------------------------------------------

SCAN_INTERVAL_SECONDS = env.read("SCAN_INTERVAL_SECONDS", MINUTES, 60)
SCAN_DAYS = env.read("SCAN_DAYS", DAYS, 7)
STRATEGY_FAILURES = env.read("STRATEGY_FAILURES", Whole(1, 10_000), 10)

# --- second opinions --------------------------------------------------------------------------------------

ANALYST = env.read("ANALYST", str, analysts.default_name(globals()))
LLM_RUN_BUDGET_USD = env.read("LLM_RUN_BUDGET_USD", Number(0, 1_000), Decimal("0.20"))
LLM_DAY_TOKENS = env.read("LLM_DAY_TOKENS", Whole(0, 1_000_000_000), 3_000_000)
LLM_DAILY_BUDGET_USD = env.read("LLM_DAILY_BUDGET_USD", Number(0, 10_000), Decimal("1.00"))
ANALYST_TIMEOUT_SECONDS = env.read("ANALYST_TIMEOUT_SECONDS", Whole(1, 900), 120)
ORCHESTRATE_ABOVE = env.read("ORCHESTRATE_ABOVE", Number(0, 1), Decimal("0.75"))
ORCHESTRATE_PER_DAY = env.read("ORCHESTRATE_PER_DAY", Whole(0, 100_000), 50)
ORCHESTRATE_DAILY = env.read("ORCHESTRATE_DAILY", Flag(), False)
ORCHESTRATION_CONCURRENCY = env.read("ORCHESTRATION_CONCURRENCY", Whole(1, 16), 2)
HINDSIGHT_URL = env.read("HINDSIGHT_URL", Url(), "")
# What an analyst is told of what is held; the opinions app knows no positions of its own.
HELD_POSITIONS = "approvals.positions.held_for_analysts"
MEMORY_BANK = env.read("MEMORY_BANK", NAME, "jax")

# --- approvals --------------------------------------------------------------------------------------------

TRADING_CAPITAL = env.read("TRADING_CAPITAL", Number(most=1_000_000_000_000, above_zero=True), None)
RISK_PER_TRADE = env.read("RISK_PER_TRADE", SHARE, Decimal("0.01"))
MAX_POSITION = env.read("MAX_POSITION", SHARE, Decimal("0.20"))
MAX_GROSS = env.read("MAX_GROSS", Number(most=10, above_zero=True), Decimal("1.00"))
MAX_OPEN_RISK = env.read("MAX_OPEN_RISK", SHARE, Decimal("0.05"))
MAX_OPEN_POSITIONS = env.read("MAX_OPEN_POSITIONS", Whole(0, 10_000), 10)
MAX_DAY_LOSS = env.read("MAX_DAY_LOSS", SHARE, Decimal("0.03"))
MAX_WEEK_LOSS = env.read("MAX_WEEK_LOSS", SHARE, Decimal("0.06"))
MAX_STRATEGY = env.read("MAX_STRATEGY", Number(most=10, above_zero=True), Decimal("1.00"))
MAX_STRATEGY_POSITIONS = env.read("MAX_STRATEGY_POSITIONS", Whole(0, 10_000), 10)
MAX_GROUP = env.read("MAX_GROUP", Number(most=10, above_zero=True), Decimal("0.40"))
PAUSE_AFTER_LOSSES = env.read("PAUSE_AFTER_LOSSES", Whole(0, 1_000), 0)
PAUSE_HOURS = env.read("PAUSE_HOURS", Whole(1, 720), 24)
MAX_ENTRY_DRIFT_ATR = env.read("MAX_ENTRY_DRIFT_ATR", Number(0, 100), Decimal("0.5"))
MIN_REWARD_TO_RISK = env.read("MIN_REWARD_TO_RISK", Number(0, 100), Decimal("0.8"))
ALLOW_SHORT = env.read("ALLOW_SHORT", Flag(), False)
ALLOW_ADDING = env.read("ALLOW_ADDING", Flag(), False)
ALLOW_EARNINGS = env.read("ALLOW_EARNINGS", Flag(), True)

# --- telling people ---------------------------------------------------------------------------------------

# Separated by spaces or commas; an address may hold commas itself.
NOTIFY_URLS = [
    url
    for url in re.split(r"[\s,]+(?=[A-Za-z][\w+.-]*://)", env.read("NOTIFY_URLS", str, "", secret=True))
    if url
]
NOTIFY_OFF: list[str] = env.read("NOTIFY_OFF", ListOf(str), [])
NOTIFY_SILENT: list[str] = env.read("NOTIFY_SILENT", ListOf(str), [])
NOTIFY_QUIET_HOURS = env.read("NOTIFY_QUIET_HOURS", str, "")
NOTIFY_TIME_ZONE = env.read("NOTIFY_TIME_ZONE", TimeZone(), "UTC")
HEARTBEAT_URL = env.read("HEARTBEAT_URL", Url(), "", secret=True)
SITE_URL = env.read("SITE_URL", Url(), "http://127.0.0.1:8095")
DEFAULT_EXCEPTION_REPORTER_FILTER = "jaxsite.rest.problems.ReportFilter"

# What is never kept, shown or sent: core.redaction takes these settings' values out of every text.
SECRET_SETTINGS = ["SECRET_KEY", "METRICS_TOKEN", "HEARTBEAT_URL", "NOTIFY_URLS", *secret_names(_vendors)]

# --- database and queue -----------------------------------------------------------------------------------

_embedded: dict[str, Any] = {
    "ENGINE": "jaxsite.embedded_postgres",
    "NAME": "jax" if DATA_KIND == "real" else "jax_simulated",
}
_database = env.read("DATABASE_URL", DatabaseUrl(), _embedded, secret=True)
# A server that is there but does not answer would otherwise hold up every connection, /health too.
_database["OPTIONS"] = {"connect_timeout": 3} | _database.get("OPTIONS", {})
DATABASES = {"default": _database | {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# "default" counts used and wrong codes of second factors: for all processes, so in the database.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

# django-q2: every value below has its reason in docs/decisions/0018-queue-settings.md.
Q_CLUSTER = {
    "name": "jax",
    "orm": "default",
    "cache": "process",
    "workers": 3,
    "queue_limit": 3,
    "timeout": 300,
    "retry": 1200,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "save_limit": -1,
    "poll": 0.1,
    "label": "Queue",
    "log_level": "WARNING",
    "ALT_CLUSTERS": {
        # One worker beside those that may wait for analysts.
        "slow": {
            "workers": 1 + ORCHESTRATION_CONCURRENCY,
            "queue_limit": 1 + ORCHESTRATION_CONCURRENCY,
            "timeout": 3600,
            "retry": 14_400,
            "poll": 1.0,
        },
    },
}

TASKS_OF_TESTS: frozenset[str] = frozenset()  # what the queue may call beside Jax's own; empty but in tests

# --- logs -------------------------------------------------------------------------------------------------

LOG_LEVEL = env.read("LOG_LEVEL", OneOf(("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")), "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "core.log_lines.OneLine",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # They tell of every task, every request and, at DEBUG, every frame: the one with the key, too.
    "loggers": {"django-q": {"level": "WARNING"}, "websockets": {"level": "WARNING"}},
}

MISSPELT_SETTINGS = env.misspelt()  # by name: which one was probably meant
if env.problems:
    raise ImproperlyConfigured("\n".join([*env.problems, f"Correct it in the environment or in {ENV_FILE}."]))
