"""The grid of coverage, for templates."""

from functools import lru_cache

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from market.ingestion.coverage import Cell

register = template.Library()


@register.simple_tag
def coverage_cell(cell: Cell) -> SafeString:
    """Return the cell of a session, with its state as a mark and in words."""
    return _cell(cell.state, cell.mark, cell.day, cell.says)


@lru_cache(maxsize=1024)  # a page has 250, most of them alike
def _cell(state: str, mark: str, day: str, says: str) -> SafeString:
    shown = format_html('<span class="cell {}" title="{}" aria-hidden="true">{}</span>', state, says, mark)
    return format_html(
        '<td>{} <span class="muted">{}</span><span class="visually-hidden">: {}</span></td>', shown, day, says
    )
