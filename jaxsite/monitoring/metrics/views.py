"""/health for people and health checks, /metrics for Prometheus and scripts.

Neither needs a log-in. A stranger is told whether Jax is well, and no figures.
"""

from collections.abc import Iterable
from typing import Any

from django.db import Error
from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from prometheus_client.exposition import choose_encoder
from rest_framework.exceptions import NotAcceptable, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jaxsite.monitoring import health, services
from jaxsite.monitoring.metrics import collector
from jaxsite.monitoring.metrics.access import may_read
from jaxsite.processes.uptime import in_words, uptime
from jaxsite.rest import problems
from jaxsite.views import proxy

NO_STORE = {"Cache-Control": "no-store"}
NEEDS_TOKEN = "Send METRICS_TOKEN as a bearer token (make run keeps one in var/metrics_token)."


class AnyClient(DefaultContentNegotiation):
    """JSON for a client that accepts nothing we have: an answer is worth more to a monitor than a 406."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        offered = list(renderers)
        try:
            chosen: tuple[BaseRenderer, str] = super().select_renderer(request, offered, format_suffix)
        except NotAcceptable:
            chosen = offered[0], "application/json"
        return chosen


class PlainText(BaseRenderer):
    """For negotiation only: prometheus-client writes the text."""

    media_type = "text/plain"
    format = "text"


class OpenMetricsText(PlainText):
    media_type = "application/openmetrics-text"


class MonitoringView(APIView):
    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = AnyClient


@extend_schema(exclude=True)
class HealthView(MonitoringView):
    renderer_classes = (JSONRenderer,)

    def get(self, request: Request) -> Response:
        checks = health.examine(timezone.now(), needed=_asked_for(request))
        if advice := proxy.advice(request):
            checks.append(health.Check("proxy", health.Status.DEGRADED, advice))
        status = health.worst(checks)
        answer: dict[str, Any] = {"status": status}
        if may_read(request):
            about = {check.name: {"status": check.status, "message": check.message} for check in checks}
            answer |= {"service": "jax", "uptime": in_words(uptime()), "checks": about}
        return Response(answer, 503 if status is health.Status.UNHEALTHY else 200, headers=NO_STORE)


def _asked_for(request: Request) -> str:
    """Return the service whose silence is a reason for 503; empty when the call names none."""
    name: str = request.query_params.get("for", "")
    if name and name not in services.START:
        raise ValidationError({"for": f"Use one of {', '.join(services.START)}."})
    return name


@extend_schema(exclude=True)
class MetricsView(MonitoringView):
    renderer_classes = (JSONRenderer, PlainText, OpenMetricsText)

    def get(self, request: Request) -> HttpResponseBase:
        if not may_read(request):
            return problems.problem(
                request, 401, NEEDS_TOKEN, headers={"WWW-Authenticate": "Bearer"} | NO_STORE
            )
        try:
            health.ping()
            figures = collector.read(timezone.now())
        except Error:
            return problems.no_database(request)
        if isinstance(request.accepted_renderer, JSONRenderer):
            return Response(figures.as_json(), headers=NO_STORE)
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return HttpResponse(encode(figures), content_type=content_type, headers=NO_STORE)
