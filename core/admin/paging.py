"""Paging of lists that grow without end: not all of their rows are counted."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet

if TYPE_CHECKING:
    Pages = Paginator[Any]
else:
    Pages = Paginator

COUNTED = 10_000


class FirstPages(Pages):
    """The first 10,000: counting all of a million would take longer than showing a page."""

    @cached_property
    def count(self) -> int:
        return cast("QuerySet[Any]", self.object_list).order_by().values("pk")[:COUNTED].count()

    @property
    def is_cut(self) -> bool:
        """Whether there may be more than these pages show."""
        return self.count == COUNTED
