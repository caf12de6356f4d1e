"""Outside text stays data, whatever is written in it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sanitize import plain


@given(st.text(), st.integers(1, 200))
def test_plain_text_is_one_short_line_of_visible_characters(text: str, limit: int) -> None:
    line = plain(text, limit)
    assert len(line) <= limit
    assert line == line.strip()
    assert all(c == " " or unicodedata.category(c)[0] not in "CZ" for c in line)
    assert plain(line, limit) == line


def test_what_it_says_is_kept() -> None:
    assert plain('Apple  beats\n\n estimates by 3.5 % <b>"again"</b>') == (
        'Apple beats estimates by 3.5 % <b>"again"</b>'
    )


@pytest.mark.parametrize(
    "hidden",
    [
        "\u202e",
        "\u2066",
        "\u200b",
        "\u200d",
        "\ufeff",
        "\x00",
        "\x1b",
        "\U000e0041",
        "\ufe0f",
        "\U000e0101",
        "\ud800",
    ],
)
def test_what_nobody_sees_is_removed(hidden: str) -> None:
    assert plain(f"a{hidden}b") == "ab"


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    assert plain("word " * 200, 20) == "word word word word…"
    assert plain("x" * 500) == "x" * 500
    assert plain("x" * 501) == "x" * 499 + "…"


def test_a_line_separator_is_a_space() -> None:
    assert plain("a\u2028b\u2029c\x85d\u00a0e\tf") == "a b c d e f"
