"""What the API's writes of facts share: a fact is recorded with a reason, and withdrawn with one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from core.api.bodies import Body
from core.api.refusals import Conflict
from market.ingestion.facts import LONGEST_WHY, FactRefused
from market.ingestion.renames import RenameRefused


class WhySerializer(Body):
    why = serializers.CharField(max_length=LONGEST_WHY, help_text="The reason or source, kept with it.")


def valid(serializer: type[Body], request: Request) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


@contextmanager
def refusals() -> Iterator[None]:
    """Answer 409 with the reason when a fact is refused."""
    try:
        yield
    except (FactRefused, RenameRefused) as refusal:
        raise Conflict(str(refusal)) from None
