"""A page of a list together with how many there are in all, in one query."""

from typing import TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Count, Model, QuerySet, Window

M = TypeVar("M", bound=Model)

LARGEST = 1_000_000  # beyond it the database counts no rows
DIGITS = 20  # Python reads no number of thousands of them


def page_number(text: str | None) -> int:
    """Return the number of a page in a query string; 1 where there is none."""
    if not text or not text.isdecimal():
        return 1
    return min(max(int(text), 1), LARGEST) if len(text) < DIGITS else LARGEST


def paged(rows: QuerySet[M], number: str | None, per_page: int) -> Page[M]:
    """Return the requested page: the first when it is no number, the last when there are not so many."""
    wanted = page_number(number)
    counted = rows.annotate(in_all=Window(Count("*")))
    page_rows = list(counted[(wanted - 1) * per_page : wanted * per_page])
    if not page_rows and wanted > 1:
        return Paginator(rows, per_page).get_page(wanted)
    count = page_rows[0].in_all if page_rows else 0  # type: ignore[attr-defined]  # annotated
    return Page(page_rows, wanted, Paginator(range(count), per_page))  # type: ignore[arg-type]  # for its length
