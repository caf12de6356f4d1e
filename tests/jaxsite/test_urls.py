"""The names of addresses."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver


def names(patterns: list[Any]) -> Iterator[str]:
    for pattern in patterns:
        if getattr(pattern, "namespace", None):
            continue
        if hasattr(pattern, "url_patterns"):
            yield from names(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


def test_no_two_addresses_have_one_name_or_a_page_would_link_to_the_api() -> None:
    counts = Counter(names(get_resolver().url_patterns))
    assert counts["positions"]
    assert [name for name, times in counts.items() if times > 1] == []
