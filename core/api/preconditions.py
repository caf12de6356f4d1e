"""What the caller saw: the ETag in If-Match."""

from django.utils.http import parse_etags
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from core.api.refusals import PreconditionRequired

TAG = r'(?:W/)?"[!#-~]+"'

IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": f"^{TAG}(?: *, *{TAG})*$"},
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag of what you decide on. 428 without it, 412 when it has changed since.",
)
ETAG = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=[200, 412],
    description="Stands for what you decide on: send it back as If-Match.",
)


def version_seen(request: Request, now: str) -> str:
    """Return the version that the caller saw: the current one when it is among those sent."""
    sent = [tag.removeprefix("W/").strip('"') for tag in parse_etags(request.headers.get("If-Match", ""))]
    if not sent or "*" in sent:
        raise PreconditionRequired(
            "Send the ETag of what you saw as If-Match (not *), so that nothing is approved unseen."
        )
    return now if now in sent else sent[0]
