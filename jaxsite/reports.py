"""What error pages and error mails must not show."""

import re

from django.views.debug import SafeExceptionReporterFilter


class Filter(SafeExceptionReporterFilter):
    """Django hides what is called a password, key or token: not addresses that hold one."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|NOTIFY_URLS|DATABASE_URL", re.IGNORECASE
    )
