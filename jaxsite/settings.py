"""Everything that can be configured, the safe value as default. `.env.example` explains each name."""

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from approvals.brokers import registry as brokers
from core.registry import InvalidSetting, all_settings, read_settings, secret_names
from jaxsite import __version__
from jaxsite.processes.bind_guard import LOCAL_NAMES, Reach
from jaxsite.processes.secret_key import ensure_secret_key
from market.providers import registry as providers
from opinions.analysts import registry as analysts

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
ENV_FILE = Path(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))
environ.Env.read_env(ENV_FILE)
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))

# --- mode -------------------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
PRODUCTION = env.bool("PRODUCTION", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY and PRODUCTION:
    raise ImproperlyConfigured(
        "PRODUCTION is on and SECRET_KEY is not set. Put a long random one into the environment or .env."
    )
SECRET_KEY = SECRET_KEY or ensure_secret_key(ENV_FILE)

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[*LOCAL_NAMES])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
# A week without asking again; a new password ends every other session at once (Django's session hash).
SESSION_COOKIE_AGE = 7 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "jaxsite.views.errors.csrf_failure"

# --- web server -------------------------------------------------------------------------------------------

BIND = env.str("BIND", default="127.0.0.1")
PORT = env.int("PORT", default=8095)
REACH = Reach(PRODUCTION, ALLOWED_HOSTS, behind=env.str("BIND_BEHIND", default=""))

# --- vendors ----------------------------------------------------------------------------------------------

# Every setting of a vendor by its own name, as the registries list them.
BROKER = env.str("BROKER", default="paper")
_vendors = [*providers.SPECS, *analysts.SPECS, *brokers.specs_with(BROKER)]
try:
    globals().update(read_settings(_vendors, env.get_value))
except InvalidSetting as _invalid:
    raise ImproperlyConfigured(str(_invalid)) from None
VENDOR_SETTINGS = [setting.name for setting in all_settings(_vendors)]

# --- market data ------------------------------------------------------------------------------------------

CONFIGURED = {spec.name: spec.is_configured(globals()) for spec in providers.REAL}
PROVIDERS = env.list("PROVIDERS", default=providers.NAMES)
DATA = env.str("DATA", default="auto")
# Which data this process works on: what DATA says, or real as soon as a listed real provider is configured.
DATA_KIND = (
    DATA
    if DATA in ("simulated", "real")
    else "real"
    if any(CONFIGURED.get(name, False) for name in PROVIDERS)
    else "simulated"
)
INGEST_INTERVAL_SECONDS = env.int("INGEST_INTERVAL_SECONDS", default=60)
CANDLE_TIMEFRAMES = env.list("CANDLE_TIMEFRAMES", default=["1d", "15m"])
CANDLE_BACKFILL = env.int("CANDLE_BACKFILL", default=1000)
STALE_QUOTE_SECONDS = env.int("STALE_QUOTE_SECONDS", default=300)
QUOTE_HISTORY_DAYS = env.int("QUOTE_HISTORY_DAYS", default=30)
INGESTION_RUN_DAYS = env.int("INGESTION_RUN_DAYS", default=30)

# --- signals ----------------------------------------------------------------------------------------------

SCAN_INTERVAL_SECONDS = env.int("SCAN_INTERVAL_SECONDS", default=60)
SCAN_DAYS = env.int("SCAN_DAYS", default=7)
STRATEGY_FAILURES = env.int("STRATEGY_FAILURES", default=10)

# --- second opinions --------------------------------------------------------------------------------------

ANALYST = env.str("ANALYST", default=analysts.default_name(globals()))
LLM_RUN_BUDGET_USD = env.get_value("LLM_RUN_BUDGET_USD", cast=Decimal, default=Decimal("0.20"))
LLM_DAY_TOKENS = env.int("LLM_DAY_TOKENS", default=3_000_000)
LLM_DAILY_BUDGET_USD = env.get_value("LLM_DAILY_BUDGET_USD", cast=Decimal, default=Decimal("1.00"))
ANALYST_TIMEOUT_SECONDS = env.int("ANALYST_TIMEOUT_SECONDS", default=120)
ORCHESTRATE_ABOVE = env.get_value("ORCHESTRATE_ABOVE", cast=Decimal, default=Decimal("0.75"))
ORCHESTRATE_PER_DAY = env.int("ORCHESTRATE_PER_DAY", default=50)
ORCHESTRATE_DAILY = env.bool("ORCHESTRATE_DAILY", default=False)
ORCHESTRATION_CONCURRENCY = env.int("ORCHESTRATION_CONCURRENCY", default=2)
HINDSIGHT_URL = env.str("HINDSIGHT_URL", default="")
# What an analyst is told of what is held; the opinions app knows no positions of its own.
HELD_POSITIONS = "approvals.positions.held_for_analysts"
MEMORY_BANK = env.str("MEMORY_BANK", default="jax")

# --- approvals --------------------------------------------------------------------------------------------

TRADING_CAPITAL = env.get_value("TRADING_CAPITAL", cast=Decimal, default=None)
RISK_PER_TRADE = env.get_value("RISK_PER_TRADE", cast=Decimal, default=Decimal("0.01"))
MAX_POSITION = env.get_value("MAX_POSITION", cast=Decimal, default=Decimal("0.20"))
MAX_GROSS = env.get_value("MAX_GROSS", cast=Decimal, default=Decimal("1.00"))
MAX_OPEN_RISK = env.get_value("MAX_OPEN_RISK", cast=Decimal, default=Decimal("0.05"))
MAX_OPEN_POSITIONS = env.int("MAX_OPEN_POSITIONS", default=10)
MAX_DAY_LOSS = env.get_value("MAX_DAY_LOSS", cast=Decimal, default=Decimal("0.03"))
MAX_ENTRY_DRIFT_ATR = env.get_value("MAX_ENTRY_DRIFT_ATR", cast=Decimal, default=Decimal("0.5"))
MIN_REWARD_TO_RISK = env.get_value("MIN_REWARD_TO_RISK", cast=Decimal, default=Decimal("0.8"))
ALLOW_SHORT = env.bool("ALLOW_SHORT", default=False)
ALLOW_ADDING = env.bool("ALLOW_ADDING", default=False)

# --- telling people ---------------------------------------------------------------------------------------

# Separated by spaces or commas; an address may hold commas itself.
NOTIFY_URLS = [
    url
    for url in re.split(r"[\s,]+(?=[A-Za-z][\w+.-]*://)", env.str("NOTIFY_URLS", default="").strip())
    if url
]
NOTIFY_OFF = env.list("NOTIFY_OFF", default=[])
NOTIFY_SILENT = env.list("NOTIFY_SILENT", default=[])
NOTIFY_QUIET_HOURS = env.str("NOTIFY_QUIET_HOURS", default="")
NOTIFY_TIME_ZONE = env.str("NOTIFY_TIME_ZONE", default="UTC")
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8095")
DEFAULT_EXCEPTION_REPORTER_FILTER = "jaxsite.rest.problems.ReportFilter"

# What is never kept, shown or sent: core.redaction takes these settings' values out of every text.
SECRET_SETTINGS = ["SECRET_KEY", "NOTIFY_URLS", *secret_names(_vendors)]

# --- database and queue -----------------------------------------------------------------------------------

if "DATABASE_URL" in env:
    _database: dict[str, Any] = env.db("DATABASE_URL")
else:
    _database = {
        "ENGINE": "jaxsite.embedded_postgres",
        "NAME": "jax" if DATA_KIND == "real" else "jax_simulated",
    }
# A server that is there but does not answer would otherwise hold up whoever connects, /health included.
_database["OPTIONS"] = {"connect_timeout": 3} | _database.get("OPTIONS", {})
DATABASES = {"default": _database | {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# django-q2: every value below has its reason in docs/decisions/0018-queue-settings.md.
Q_CLUSTER = {
    "name": "jax",
    "orm": "default",
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

# --- Django -----------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "jaxsite.apps.JaxConfig",
    "desk",
    "approvals",
    "opinions",
    "signals",
    "market",
    "jaxsite.apps.AdminConfig",  # django.contrib.admin with our own site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    "django_filters",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "jaxsite.auth.zone.ZoneMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "jaxsite.urls"
WSGI_APPLICATION = "jaxsite.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "jaxsite.views.context.installation",
            ],
        },
    },
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "desk"
LOGOUT_REDIRECT_URL = "login"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # serves straight from the packages: no collectstatic


# --- REST API ---------------------------------------------------------------------------------------------

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "jaxsite.auth.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["core.api.permissions.ModelPermissions"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["jaxsite.rest.defaults.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "jaxsite.rest.defaults.Negotiation",
    "DEFAULT_FILTER_BACKENDS": ["jaxsite.rest.defaults.StrictFilters"],
    "DEFAULT_PAGINATION_CLASS": "jaxsite.rest.defaults.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "jaxsite.rest.problems.handle",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {"TOKEN_TTL": timedelta(days=365)}
SPECTACULAR_SETTINGS = {
    "TITLE": "Jax",
    "DESCRIPTION": "What the market did, and what strategies say about it. "
    "Errors are problem details (RFC 9457); docs/api.md has examples.",
    "VERSION": __version__,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "SignalStatus": "signals.models.Signal.Status",
        "BacktestStatus": "signals.models.Backtest.Status",
        "RunStatus": "opinions.models.OrchestrationRun.Status",
        "Side": "signals.models.Signal.Type",
        "OrderStatus": "approvals.models.Order.Status",
        "OrderKind": "approvals.models.Order.Kind",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "jaxsite.rest.problems.describe",
    ],
}

# --- what browsers may do ---------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# --- logs -------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # They tell of every task and every request at INFO.
    "loggers": {"django-q": {"level": "WARNING"}},
}
