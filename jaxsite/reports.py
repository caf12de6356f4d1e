"""What error pages and error mails must not show."""

import re

from django.conf import settings
from django.views.debug import SafeExceptionReporterFilter


class Filter(SafeExceptionReporterFilter):
    """Django hides what is called a password, key or token: not other secrets, not addresses with one."""

    hidden_settings = re.compile(
        "|".join(
            [
                SafeExceptionReporterFilter.hidden_settings.pattern,
                "DATABASE_URL",
                *map(re.escape, settings.SECRET_SETTINGS),
            ]
        ),
        re.IGNORECASE,
    )
