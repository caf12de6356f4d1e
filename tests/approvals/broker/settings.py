"""The tests' settings for a process of its own, on the database of the test that started it."""

import os

from tests.settings import *  # noqa: F403  settings are meant to be copied

DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]  # noqa: F405
