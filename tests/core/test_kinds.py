"""Each kind of setting takes what makes sense and refuses everything else."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.registry import kinds
from core.registry.environment import Environment
from core.registry.kinds import (
    AllowedHost,
    Flag,
    Folder,
    Host,
    ListOf,
    Number,
    OneOf,
    TimeZone,
    Url,
    Whole,
)

Kind = Callable[[str], Any]
BASE = Path("/base")
TAKEN: list[tuple[Kind, str, object]] = [
    (Flag(), "True", True),
    (Flag(), "on", True),
    (Flag(), "0", False),
    (Flag(), "NO", False),
    (Whole(0, 10), "0", 0),
    (Whole(0, 10), "10", 10),
    (Whole(60, 600, step=60), "120", 120),
    (Number(0, 1), "0", Decimal(0)),
    (Number(most=1, above_zero=True), "1e-2", Decimal("0.01")),
    (OneOf(("auto", "real")), "Real", "real"),
    (Url(), "https://jax.example.com", "https://jax.example.com"),
    (Url(), "http://[::1]:8095/v1", "http://[::1]:8095/v1"),
    (Url(below=True), "https://*.example.com", "https://*.example.com"),
    (Host(), "[::1]", "::1"),
    (Host(), "::1", "::1"),
    (Host(), "localhost", "localhost"),
    (ListOf(AllowedHost()), " jax.example.com,, [::1] ,.a.b,*", ["jax.example.com", "[::1]", ".a.b", "*"]),
    (ListOf(str), "1d, 15m,1d", ["1d", "15m"]),
    (TimeZone(), "America/New_York", "America/New_York"),
    (Folder(BASE), "var", BASE / "var"),
    (Folder(BASE), "/with a space", Path("/with a space")),
    (kinds.KEY, "PK123/+=", "PK123/+="),
]
NUMBERS = ["NaN", "inf", "-inf", "sNaN", "text", "5 # web", "9" * 30, "1,5", "0x1F", "--1"]
REFUSED: list[tuple[Kind, str]] = [
    *((Whole(1, 10), text) for text in ("0", "-1", "11", "5.0", *NUMBERS)),
    *((Number(0, 10), text) for text in ("-0.01", "10.01", *NUMBERS)),
    *((Number(most=1, above_zero=True), text) for text in ("0", "-1", "1.01", *NUMBERS)),
    (Whole(60, 600, step=60), "90"),
    *((Flag(), text) for text in ("ture", "enabled", "2", "true # yes")),
    (OneOf(("auto", "real")), "demo"),
    *(
        (Url(), text)
        for text in ("jax.example.com", "ftp://host", "http://", "http://host:0", "http://h:70000")
    ),
    *((Url(), text) for text in ("http://[::1", "http://ho st", "https://host # mine", "https://*.host")),
    *((Host(), text) for text in ("http://host", "127.0.0.1:80", "[localhost]", "a b", "-a", "::1:x")),
    *((AllowedHost(), text) for text in ("https://host", "host:80", "::1", "[host]", "a b", ".")),
    *((TimeZone(), text) for text in ("Mars/Base", "../UTC", "New York", "America", "/etc/localtime")),
    *((ListOf(str), text) for text in (",", " , ,")),
    (Folder(BASE), "~nobody-has-this-name/var"),
    *((kinds.KEY, text) for text in ("abc # mine", "a b", "kéy")),
    *((kinds.NAME, text) for text in ("a b", "a/b", "x" * 41)),
]


@pytest.mark.parametrize(("kind", "text", "value"), TAKEN)
def test_it_takes_what_makes_sense(kind: Kind, text: str, value: object) -> None:
    assert kind(text) == value


@pytest.mark.parametrize(("kind", "text"), REFUSED)
def test_it_refuses_what_makes_none(kind: Kind, text: str) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        kind(text)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Whole(), "a whole number"),
        (Whole(0, 1_000), "a whole number from 0 to 1,000"),
        (Whole(60, 600, step=60), "a whole number from 60 to 600, a multiple of 60"),
        (Number(0), "a number from 0"),
        (Number(most=1, above_zero=True, note="1 is all"), "a number above 0 and up to 1 (1 is all)"),
        (ListOf(str), "a list separated by commas"),
    ],
)
def test_it_says_what_it_takes(kind: Kind, words: str) -> None:
    assert str(kind) == words


class TestEnvironment:
    def test_what_is_not_set_or_empty_has_its_default(self) -> None:
        environment = Environment({"A": "", "B": "  "})
        assert [environment.read(name, Whole(1, 5), 3) for name in "ABC"] == [3, 3, 3]
        assert environment.problems == []
        assert "A" not in environment

    def test_spaces_around_a_value_do_not_matter(self) -> None:
        assert Environment({"A": " 4 "}).read("A", Whole(1, 5), 3) == 4

    def test_every_problem_is_told_with_name_and_value_and_what_to_write(self) -> None:
        environment = Environment({"A": "9", "B": "x # a note"})
        environment.read("A", Whole(1, 5), 3)
        environment.read("B", Flag(), False)
        assert environment.problems == [
            "A is not a whole number from 1 to 5: 9.",
            "B is not true or false: x # a note. A comment needs a line of its own.",
        ]

    def test_no_secret_is_told(self) -> None:
        environment = Environment({"A": "hunter 2", "B": "ftp://ann:hunter2@host"})
        environment.read("A", kinds.KEY, "", secret=True)
        environment.read("B", Url(), "")
        assert len(environment.problems) == 2
        assert "hunter" not in "".join(environment.problems)

    @pytest.mark.parametrize("cast", [int, Decimal, float])
    @pytest.mark.parametrize("text", ["NaN", "inf", "text"])
    def test_a_vendors_plain_number_is_a_number(self, cast: Kind, text: str) -> None:
        environment = Environment({"A": text})
        assert environment.read("A", cast, 3) == 3
        assert len(environment.problems) == 1
