"""What the value of a setting may be. Each kind reads a text, and as a text it says what it takes. Pure.

Reading raises ValueError or ArithmeticError for any other text. Kinds are equal when they take the same.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

T = TypeVar("T")

YES, NO = ("true", "yes", "on", "y", "ok", "1"), ("false", "no", "off", "n", "0")
HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True)
class Flag:
    """Yes or no. Other words are refused: a misspelt `true` would switch off what it should switch on."""

    def __call__(self, text: str) -> bool:
        if text.lower() not in (*YES, *NO):
            raise ValueError(text)
        return text.lower() in YES

    def __str__(self) -> str:
        return "true or false"


@dataclass(frozen=True)
class Whole:
    """A whole number in a range. `step`: it is a multiple of this one."""

    least: int | None = None
    most: int | None = None
    step: int = 1

    def __call__(self, text: str) -> int:
        value = int(_ascii(text))
        _check_range(value, self.least, self.most)
        if value % self.step:
            raise ValueError(text)
        return value

    def __str__(self) -> str:
        multiple = f", a multiple of {self.step:,}" if self.step > 1 else ""
        return f"a whole number{_range(self.least, self.most)}{multiple}"


@dataclass(frozen=True)
class Number:
    """A finite number in a range. `above_zero`: 0 itself is out of it. `note`: how the number is meant."""

    least: int | None = None
    most: int | None = None
    above_zero: bool = False
    note: str = ""

    def __call__(self, text: str) -> Decimal:
        value = Decimal(_ascii(text))
        if not math.isfinite(float(value)) or (self.above_zero and float(value) <= 0):
            raise ValueError(text)
        _check_range(value, self.least, self.most)
        return value

    def __str__(self) -> str:
        bounds = f" above 0 and up to {self.most:,}" if self.above_zero else _range(self.least, self.most)
        return f"a number{bounds}{self.note and f' ({self.note})'}"


@dataclass(frozen=True)
class OneOf:
    """One of some words; capitals do not matter."""

    words: tuple[str, ...]

    def __call__(self, text: str) -> str:
        by_capitals = {word.upper(): word for word in self.words}
        if text.upper() not in by_capitals:
            raise ValueError(text)
        return by_capitals[text.upper()]

    def __str__(self) -> str:
        return f"one of {', '.join(self.words)}"


@dataclass(frozen=True)
class Matching:
    """A text of a shape, which is a regular expression. `words`: the same for people."""

    shape: str
    words: str

    def __call__(self, text: str) -> str:
        if not re.fullmatch(self.shape, text):
            raise ValueError(text)
        return text

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Url:
    """The address of a server on the web. `below`: its name may be `*.name`, all below one."""

    below: bool = False
    schemes: tuple[str, ...] = ("http", "https")

    def __call__(self, text: str) -> str:
        url = urlsplit(text)  # raises ValueError, too, as its port does
        name = (url.hostname or "").removeprefix("*." if self.below else "")
        is_host = HOST_NAME.fullmatch(name) or is_address(name)
        if url.scheme not in self.schemes or not is_host or url.port == 0 or re.search(r"\s", text):
            raise ValueError(text)
        return text

    def __str__(self) -> str:
        return f"an address as in {self.schemes[-1]}://host:port"


@dataclass(frozen=True)
class Host:
    """An IP address or a name, without port. Returned without the brackets of an IPv6 address."""

    def __call__(self, text: str) -> str:
        bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        if not is_address(bare) and (bare != text or not HOST_NAME.fullmatch(text)):
            raise ValueError(text)
        return bare

    def __str__(self) -> str:
        return "an IP address or a name, without http:// and port"


@dataclass(frozen=True)
class Endpoint:
    """Where a server listens: a host and a port."""

    def __call__(self, text: str) -> tuple[str, int]:
        host, colon, port = text.rpartition(":")
        if not colon:
            raise ValueError(text)
        return Host()(host), PORT(port)

    def __str__(self) -> str:
        return "host:port as in 127.0.0.1:4002"


@dataclass(frozen=True)
class AllowedHost:
    """A name or an address as a browser sends it: an IPv6 address in brackets; `.name` for all below; `*`."""

    def __call__(self, text: str) -> str:
        is_ipv6 = text.startswith("[") and text.endswith("]") and is_address(text[1:-1])
        if text != "*" and not is_ipv6 and not HOST_NAME.fullmatch(text.removeprefix(".").removesuffix(".")):
            raise ValueError(text)
        return text

    def __str__(self) -> str:
        return "names or addresses as in jax.example.com or [::1], without http:// and port"


@dataclass(frozen=True)
class TimeZone:
    """The name of a time zone."""

    def __call__(self, text: str) -> str:
        try:
            ZoneInfo(text)
        except (ZoneInfoNotFoundError, OSError):  # OSError: the name of a folder
            raise ValueError(text) from None
        return text

    def __str__(self) -> str:
        return "a time zone, as in Europe/Berlin or America/New_York"


@dataclass(frozen=True)
class Folder:
    """A path; `~` is the user's home. A relative one begins at `base`, wherever a process is started."""

    base: Path

    def __call__(self, text: str) -> Path:
        try:
            return self.base / Path(text).expanduser()
        except RuntimeError:
            raise ValueError(text) from None

    def __str__(self) -> str:
        return "a path"


@dataclass(frozen=True)
class ListOf(Generic[T]):
    """Several of a kind, separated by commas; spaces, empty ones and repeated ones do not matter."""

    kind: Callable[[str], T]

    def __call__(self, text: str) -> list[T]:
        parts = [stripped for part in text.split(",") if (stripped := part.strip())]
        if not parts:
            raise ValueError(text)
        return [self.kind(part) for part in dict.fromkeys(parts)]

    def __str__(self) -> str:
        return "a list separated by commas" if isinstance(self.kind, type) else f"{self.kind}"


# What goes into a header of a request. A comment behind it is found by its space.
KEY = Matching(r"[!-~]+", "printable ASCII characters without spaces")
NAME = Matching(r"[\w.-]{1,40}", "up to 40 letters, digits, dots, - and _")
PORT = Whole(1, 65_535)


def is_address(text: str) -> bool:
    """Return whether it is an IP address, without brackets."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _ascii(text: str) -> str:
    """Return the text of a number. Python would read digits of every alphabet."""
    if not text.isascii():
        raise ValueError(text)
    return text


def _check_range(value: int | Decimal, least: int | None, most: int | None) -> None:
    if (least is not None and value < least) or (most is not None and value > most):
        raise ValueError(value)


def _range(least: int | None, most: int | None) -> str:
    if least is None:
        return "" if most is None else f" up to {most:,}"
    return f" from {least:,}" + ("" if most is None else f" to {most:,}")
