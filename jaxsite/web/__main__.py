"""Serve the site: python -m jaxsite.web"""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jaxsite.settings")

from jaxsite.web.main import main

sys.exit(main())
