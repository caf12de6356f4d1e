"""Outside text in a log message cannot pass for an entry of ours."""

import logging
from typing import Any

import pytest
from django.conf import settings

from core.log_lines import OneLine

FORMATTER = OneLine("{levelname} {name}: {message}", style="{")


def line(message: str, *args: object, error: BaseException | None = None) -> str:
    record = logging.LogRecord("market", logging.WARNING, __file__, 1, message, args, None)
    if error is not None:
        record.exc_info = (type(error), error, error.__traceback__)
    return FORMATTER.format(record)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("x\nERROR jax: all is lost", r"x\nERROR jax: all is lost"),
        ("x\r\nERROR", r"x\r\nERROR"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("a\u2028b\u202ec", r"a\u2028b\u202ec"),
        ("half \ud800", r"half \ud800"),
        ("Größe 10 € - ok", "Größe 10 € - ok"),
    ],
)
def test_a_message_is_one_line_of_visible_characters(text: str, written: str) -> None:
    assert line("answer: %s", text) == f"WARNING market: answer: {written}"


def test_no_line_of_a_traceback_begins_as_an_entry_does() -> None:
    try:
        raise ValueError("bad\nERROR jax: forged\r\n\x1b[1A")
    except ValueError as error:
        caught = error
    first, *others = line("failed", error=caught).split("\n")
    assert first == "WARNING market: failed"
    assert others[-3:] == ["    ValueError: bad", "    ERROR jax: forged\\r", "    \\x1b[1A"]
    assert all(other.startswith("    ") for other in others)


def test_it_is_what_the_site_logs_with() -> None:
    logging_settings: dict[str, Any] = settings.LOGGING
    assert logging_settings["formatters"]["line"]["()"] == "core.log_lines.OneLine"
