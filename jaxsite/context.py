"""What every template may show."""

from django.conf import settings
from django.http import HttpRequest

from market.models import Installation


def installation(request: HttpRequest) -> dict[str, bool]:
    return simulated()


def simulated() -> dict[str, bool]:
    """Whether the prices are invented. Known from the settings, so that a page without a database says so."""
    return {"simulated": settings.DATA_KIND == Installation.Data.SIMULATED}
