"""What every template may show."""

from django.conf import settings
from django.http import HttpRequest

from jaxsite.views import proxy
from market.models import Installation


def installation(request: HttpRequest) -> dict[str, bool | str]:
    """Context processor."""
    return {**simulated(), "proxy_advice": proxy.advice(request)}


def simulated() -> dict[str, bool]:
    """Return whether prices are invented, by the settings: a page without a database says so, too."""
    return {"simulated": settings.DATA_KIND == Installation.Data.SIMULATED}
