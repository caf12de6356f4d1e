"""Log lines that outside text cannot forge: one message is one line. No Django."""

import logging
import re

from core.sanitize import HOSTILE_RANGES

BREAKS = re.compile(rf"[{HOSTILE_RANGES}\t\n\r\u2028\u2029\ud800-\udfff]")
INDENT = "    "


class OneLine(logging.Formatter):
    r"""Writes control characters of a message as `\n` and the like, and indents the lines of a traceback.

    A vendor's answer, a file's name or a user's name with a line break in it would otherwise begin a line of
    its own, which looks like an entry of ours.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # the name is logging's
        return BREAKS.sub(_escaped, super().formatMessage(record))

    def formatException(self, ei: object) -> str:  # the name is logging's
        return _indented(super().formatException(ei))  # type: ignore[arg-type]  # typeshed's name of it is private

    def formatStack(self, stack_info: str) -> str:  # the name is logging's
        return _indented(super().formatStack(stack_info))


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _indented(text: str) -> str:
    return "\n".join(INDENT + BREAKS.sub(_escaped, line) for line in text.split("\n"))
