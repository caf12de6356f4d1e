"""Numbers of shares with whatever part of one the broker tells."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.checks import CheckMessage
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

NO_PRECISION = {"fields.E130", "fields.E132"}  # Django's wish for a number of digits


if TYPE_CHECKING:  # generic in the stubs only
    DecimalColumn = models.DecimalField[str | float | Decimal, Decimal]
else:
    DecimalColumn = models.DecimalField


class SharesField(DecimalColumn):
    """Shares as they were told: a numeric column without a scale rounds nothing and adds no zeros."""

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        return [message for message in super().check(**kwargs) if message.id not in NO_PRECISION]

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "numeric"
