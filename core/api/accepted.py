"""Requested work: logged with the user, answered with the address at which it can be followed."""

from typing import Any

from django.contrib.admin.models import ADDITION, LogEntry
from django.db.models import Model
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from core.api.users import user_of

LOCATION = OpenApiParameter(
    "Location",
    OpenApiTypes.URI,
    OpenApiParameter.HEADER,
    response=[202],
    description="Its address: ask there how far it is.",
)


def log(request: Request, requested: Model) -> None:
    LogEntry.objects.log_actions(user_of(request).pk, [requested], ADDITION, "Asked for.", single_object=True)


def accepted(view: GenericViewSet[Any], requested: Model) -> Response:
    address = view.reverse_action("detail", args=[requested.pk])
    return Response(
        view.get_serializer(requested).data, status=status.HTTP_202_ACCEPTED, headers={"Location": address}
    )
