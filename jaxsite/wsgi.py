import os
from contextlib import suppress

from django.core.wsgi import get_wsgi_application
from django.db import DatabaseError

import jaxsite.processes.uptime  # noqa: F401  the count begins when the web service starts

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jaxsite.settings")
application = get_wsgi_application()

from django.conf import settings  # noqa: E402  the applications must be ready first

from jaxsite import checks  # noqa: E402
from market import feeds  # noqa: E402

checks.refuse_wrong_settings()
with suppress(DatabaseError):  # a database that is away is told by /health
    feeds.refuse_wrong_data(settings.DATA_KIND)
