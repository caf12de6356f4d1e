"""The site's settings, without what a developer's own `.env` and environment would add."""

import os

from core.registry import all_settings
from jaxsite.embedded_postgres.server import OWNER
from market.providers import registry as providers
from opinions.analysts import registry as analysts

VENDORS = [setting.name for setting in all_settings([*providers.SPECS, *analysts.SPECS])]
for name in (*VENDORS, "PROVIDERS", "DATA", "ANALYST", "HINDSIGHT_URL"):
    os.environ.pop(name, None)
os.environ["ENV_FILE"] = os.devnull
os.environ["SECRET_KEY"] = "only-for-tests"

from jaxsite.settings import *  # noqa: E402, F403  the environment must be set first; settings are meant to be copied

STREAMING = "off"  # but for the tests of the stream
# Tests migrate, and empty tables.
if DATABASES["default"]["ENGINE"] == "jaxsite.embedded_postgres":  # noqa: F405
    DATABASES["default"]["USER"] = OWNER  # noqa: F405
# What tests write need not survive a power cut: no commit waits for the disk.
DATABASES["default"]["OPTIONS"] |= {"options": "-c synchronous_commit=off"}  # noqa: F405  from the star above
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# A test's client does not list every static file first (0.04 s); it looks for the one that is asked for.
WHITENOISE_AUTOREFRESH = True
RETRY_PAUSE = 0.01  # vendors on loopback need no time to recover
