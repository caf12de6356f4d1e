"""Every setting refuses nonsense by its name. One that is added without a kind fails here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from core.registry.environment import Environment
from core.registry.kinds import (
    AllowedHost,
    Endpoint,
    Flag,
    Folder,
    Host,
    ListOf,
    Matching,
    Number,
    OneOf,
    TimeZone,
    Url,
    Whole,
)
from jaxsite import checks
from jaxsite import settings as ours
from jaxsite.processes.database_url import DatabaseUrl
from tests.jaxsite.processes import manage_with

Kind = Callable[[str], Any]

KINDS = ours.env.kinds
NUMBERS = (
    "abc",
    "NaN",
    "sNaN",
    "inf",
    "-inf",
    "1e400",
    "-1",
    "\N{ARABIC-INDIC DIGIT THREE}",
    "5%",
    "5 # a",
    "9" * 30,
)
NONSENSE: dict[type, tuple[str, ...]] = {
    Whole: (*NUMBERS, "1.5", "0x1F"),
    Number: (*NUMBERS, "1,5"),
    Flag: ("ture", "2", "-1", "maybe", "true # yes"),
    OneOf: ("abc", "-1", "auto # mine"),
    Url: ("abc", "ftp://host", "https://", "https://host:0", "https://host # mine"),
    Endpoint: ("4002", "http://127.0.0.1:4002", "127.0.0.1:0", "127.0.0.1:4002 # paper", ":4002"),
    Host: ("http://host", "127.0.0.1:80", "a b"),
    AllowedHost: ("https://host", "host:80", "a b"),
    TimeZone: ("abc", "../UTC"),
    Folder: ("~nobody-has-this-name/var",),
    Matching: ("a b", "caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{SNOWMAN}"),
    DatabaseUrl: ("abc", "postgres://host"),
}
# Any text, or what only a check can judge that knows the others: which one refuses what is wrong there.
TEXTS = {
    "SECRET_KEY": "any text",
    "LLM_MODEL": "any text",
    "LLM_PROMPT_FILE": "a path, judged when a model is set up",
    "ANALYST": "jax.E021",
    "BROKER": "jax.E017",
    "BIND_BEHIND": "jax.E020",
    "PROVIDERS": "jax.E002",
    "CANDLE_TIMEFRAMES": "jax.E004",
    "NOTIFY_URLS": "jax.E014",
    "NOTIFY_OFF": "jax.E011",
    "NOTIFY_SILENT": "jax.E011",
    "NOTIFY_QUIET_HOURS": "jax.E013",
}


def element(kind: Kind) -> Kind:
    return kind.kind if isinstance(kind, ListOf) else kind


@pytest.mark.parametrize("name", sorted(KINDS))
def test_nonsense_is_refused_by_its_name(name: str) -> None:
    kind = element(KINDS[name])
    if kind is str:
        assert name in TEXTS
        return
    for text in NONSENSE[type(kind)]:
        environment = Environment({name: text})
        environment.read(name, KINDS[name], None)
        assert [problem.split()[0] for problem in environment.problems] == [name], text


@pytest.mark.parametrize("name", sorted(name for name, kind in KINDS.items() if isinstance(kind, ListOf)))
def test_a_list_of_nothing_is_refused(name: str) -> None:
    environment = Environment({name: " , "})
    environment.read(name, KINDS[name], None)
    assert [problem.split()[0] for problem in environment.problems] == [name]


NUMBERED = {name: kind for name, kind in KINDS.items() if isinstance(kind, Whole | Number)}


@pytest.mark.parametrize("name", sorted(NUMBERED))
def test_a_number_has_two_ends_and_nothing_beyond(name: str) -> None:
    kind = NUMBERED[name]
    assert kind.most is not None
    least = 0 if isinstance(kind, Number) and kind.above_zero else kind.least
    assert least is not None
    beyond = ["0"] if isinstance(kind, Number) and kind.above_zero else []
    for text in (*beyond, str(least - 1), str(kind.most + 1)):
        environment = Environment({name: text})
        environment.read(name, kind, None)
        assert environment.problems, text


@pytest.mark.slow
def test_all_that_checks_judge_is_refused_at_the_start_at_once() -> None:
    judged = {name: code for name, code in TEXTS.items() if "E0" in code}
    output = manage_with(dict.fromkeys(judged, "nonsense"), "check", ok=False)
    assert [name for name, code in judged.items() if code not in output] == []
    assert "Traceback" not in output


class TestNames:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("TRADNG_CAPITAL", "TRADING_CAPITAL"),
            ("MAX_DAY_LOS", "MAX_DAY_LOSS"),
            ("MAX_OPEN_POSITION", "MAX_OPEN_POSITIONS"),
            ("ALOW_SHORT", "ALLOW_SHORT"),
            ("ALPACA_APIKEY", "ALPACA_API_KEY"),
            ("HEARTBEATURL", "HEARTBEAT_URL"),
        ],
    )
    def test_a_misspelt_one_is_told_with_the_one_that_was_meant(self, written: str, meant: str) -> None:
        environment = Environment({written: "1"})
        environment.kinds = dict(KINDS)
        assert environment.misspelt() == {written: meant}

    @pytest.mark.parametrize(
        "name",
        ["PATH", "HOME", "HOST", "PGDATA", "TZ", "LOGNAME", "HTTPS_PROXY", "DOCKER_HOST", "Q_CLUSTER_NAME"],
    )
    def test_those_of_others_are_left_alone(self, name: str) -> None:
        environment = Environment({name: "1"})
        environment.kinds = dict(KINDS)
        assert environment.misspelt() == {}

    def test_a_warning_says_so(self, settings: Settings) -> None:
        settings.MISSPELT_SETTINGS = {"TRADNG_CAPITAL": "TRADING_CAPITAL"}
        [warning] = checks.check_names()
        assert warning.msg == "TRADNG_CAPITAL is no setting of Jax, so that it sets nothing."
        assert warning.hint == "Did you mean TRADING_CAPITAL? Correct it in the environment or in .env."

    @pytest.mark.slow
    def test_it_is_told_at_the_start_and_keeps_nothing_from_starting(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("TRADNG_CAPITAL=5000\nSECRET_KEY=only-for-tests\n")
        output = manage_with(
            {"ENV_FILE": str(tmp_path / ".env")}, "check", "--fail-level", "WARNING", ok=False
        )
        assert "TRADNG_CAPITAL is no setting of Jax" in output
        assert "Did you mean TRADING_CAPITAL?" in output
        manage_with({"ENV_FILE": str(tmp_path / ".env")}, "check")
