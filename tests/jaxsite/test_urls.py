"""The names of addresses."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver


def names(patterns: list[Any]) -> Iterator[str]:
    for one in patterns:
        if getattr(one, "namespace", None):
            continue
        if hasattr(one, "url_patterns"):
            yield from names(one.url_patterns)
        elif one.name:
            yield one.name


def test_no_two_addresses_have_one_name_or_a_page_would_link_to_the_api() -> None:
    found = Counter(names(get_resolver().url_patterns))
    assert found["positions"]
    assert [name for name, times in found.items() if times > 1] == []
