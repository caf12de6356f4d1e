import os

from django.core.wsgi import get_wsgi_application

import jaxsite.uptime  # noqa: F401  the count begins when the web service starts

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jaxsite.settings")
application = get_wsgi_application()
