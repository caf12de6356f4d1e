"""The API's OpenAPI description: the same for everyone, so a process makes it once and clients keep it."""

from functools import cache
from hashlib import sha256
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.encoding import force_bytes
from django.utils.http import quote_etag
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request


@extend_schema(exclude=True)
class SchemaView(SpectacularAPIView):
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        renderer = request.accepted_renderer
        text, etag = rendered(str(renderer.format))
        answer = HttpResponse(text, content_type=f"{renderer.media_type}; charset=utf-8")
        answer["Content-Disposition"] = f'inline; filename="jax.{renderer.format}"'
        answer["ETag"] = etag
        answer["Cache-Control"] = "no-cache"  # keep it, and ask each time whether it is still the same
        return get_conditional_response(request, etag=etag, response=answer) or answer


@cache
def described() -> Any:
    generator = SchemaView.generator_class()
    return generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # it has no types


@cache
def rendered(format: str) -> tuple[bytes, str]:
    """Return the description as JSON or YAML, and its ETag."""
    renderer = next(renderer for renderer in SchemaView.renderer_classes if renderer.format == format)
    text = force_bytes(renderer().render(described(), renderer_context={}))
    return text, quote_etag(sha256(text).hexdigest()[:32])
