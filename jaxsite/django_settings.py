"""Settings of Django and its packages that are the same everywhere: `jaxsite.settings` takes them all.

Nothing here can be configured: what can be is in `jaxsite.settings`.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF

from jaxsite import __version__

BASE_DIR = Path(__file__).resolve().parent.parent

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
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_q",
    "django_filters",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "jaxsite.monitoring.metrics.access.LocalNames",
    "jaxsite.views.proxy.NoticeProxy",
    "jaxsite.rest.private.PrivateAnswers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "jaxsite.auth.sessions.NoteUse",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "jaxsite.rest.text.RefuseHostileText",
    "jaxsite.rest.queries.RefuseQueriesOfWrites",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
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
AUTHENTICATION_BACKENDS = ["jaxsite.auth.people.Backend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "desk"
LOGOUT_REDIRECT_URL = "login"
SESSION_SERIALIZER = "jaxsite.auth.encryption.SessionSerializer"

# django-allauth: log-in by name, second factors, asking for them again. No sign-up, no e-mail.
ACCOUNT_ADAPTER = "jaxsite.auth.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_FORMS = {"reauthenticate": "jaxsite.auth.login.PasswordAgain"}
# The log-in has a throttle of its own (jaxsite.auth.throttle).
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": "20/5m/ip,5/5m/key", "reauthenticate": "20/m/user"}
MFA_ADAPTER = "jaxsite.auth.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "jaxsite.auth.attempts.AuthenticateForm",
    "reauthenticate": "jaxsite.auth.attempts.ReauthenticateForm",
    "add_webauthn": "jaxsite.auth.passkeys.AddForm",
    "authenticate_webauthn": "jaxsite.auth.passkeys.AuthenticateForm",
    "login_webauthn": "jaxsite.auth.passkeys.LoginForm",
    "reauthenticate_webauthn": "jaxsite.auth.passkeys.ReauthenticateForm",
}
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False  # nothing is translated; else Django asks for the language with every address and figure
USE_TZ = True
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # serves straight from the packages: no collectstatic

# Seconds before a provider that failed is asked again, twice as many before the third time.
RETRY_PAUSE = 0.5

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
    "DEFAULT_SCHEMA_CLASS": "jaxsite.rest.operations.Operation",
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
    "COMPONENT_SPLIT_REQUEST": True,
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
        "Leg": "approvals.models.Fill.Leg",
        "Feed": "market.models.candles.FEEDS",
        "InstrumentKind": "market.models.reference.KINDS",
        "InstrumentStatus": "market.models.reference.STATUSES",
        "ReviewKind": "market.models.ReviewItem.Kind",
        "TrailingKind": "approvals.models.TrailingStop.Kind",
        "CorporateActionKind": "market.models.CorporateAction.Kind",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "jaxsite.rest.fields.plain_texts",
        "jaxsite.rest.refusals.describe",
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
