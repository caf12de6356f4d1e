"""Small tables inside an admin page."""

from collections.abc import Iterable
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


def table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> SafeString | str:
    """Return a small table; a word when there is nothing in it."""
    body = format_html_join(
        "", "<tr>{}</tr>", ([format_html_join("", "<td>{}</td>", ([cell] for cell in row))] for row in rows)
    )
    if not body:
        return "none"
    head = format_html_join("", "<th>{}</th>", ([name] for name in heads))
    return format_html(
        '<div class="wide"><table class="figures numbers">'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        head,
        body,
    )
