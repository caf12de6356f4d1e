"""What every template may show."""

from django.conf import settings
from django.http import HttpRequest

from market.models import Installation


def installation(request: HttpRequest) -> dict[str, bool]:
    """Context processor."""
    return simulated()


def simulated() -> dict[str, bool]:
    """Return whether prices are invented, by the settings: a page without a database says so, too."""
    return {"simulated": settings.DATA_KIND == Installation.Data.SIMULATED}
