"""The registry is the only place, beside an analyst's own file, that knows which analysts there are."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from core.registry import all_settings
from opinions.analysts import registry
from opinions.analysts.base import NotConfigured
from opinions.analysts.llm import Llm
from tests.jaxsite.processes import ROOT

APPS = ("core", "market", "signals", "opinions", "approvals", "desk", "jaxsite", "templates")
KINDS = {".py", ".html", ".js", ".txt", ".css"}


def settings(**given: Any) -> SimpleNamespace:
    defaults = {setting.name: setting.default for setting in all_settings(registry.SPECS)}
    return SimpleNamespace(**defaults | given)


def test_an_analyst_stands_nowhere_but_in_its_own_file_and_the_registry() -> None:
    words = [spec.name for spec in registry.SPECS if spec.name != "rules"]  # a word of the language, too
    words += [spec.title for spec in registry.SPECS]
    quoted = "|".join(f"[\"']{re.escape(word)}[\"']" for word in words)
    names = "|".join(setting.name for setting in all_settings(registry.SPECS))
    named = re.compile(rf"{quoted}|\b(?:{names})\b")
    files = [file for app in APPS for file in (ROOT / app).rglob("*") if file.suffix in KINDS]
    places = [
        f"{path}:{number}: {line.strip()}"
        for file in files
        if not (path := str(file.relative_to(ROOT))).startswith("opinions/analysts/")
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if named.search(line)
    ]
    assert places == []


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "rules"),
        ({"AGENT0_URL": "http://agent0"}, "agent0"),
        ({"AGENT0_URL": "http://agent0", "LLM_BASE_URL": "http://model"}, "llm"),
    ],
)
def test_the_last_that_is_set_up_is_asked(given: dict[str, str], name: str) -> None:
    assert registry.default_name(vars(settings(**given))) == name


def test_an_analyst_is_built_from_the_values_of_its_settings() -> None:
    given = settings(LLM_BASE_URL="http://127.0.0.1:9/v1", LLM_MODEL="qwen")
    assert isinstance(registry.build("llm", given), Llm)
    assert [spec.name for spec in registry.configured(given)] == ["rules", "llm"]


def test_what_is_not_set_up_says_what_to_do() -> None:
    with pytest.raises(NotConfigured, match=r"no analyst 'llm'\. Set LLM_BASE_URL and LLM_MODEL\."):
        registry.build("llm", settings(LLM_MODEL="qwen"))
    with pytest.raises(NotConfigured, match=r"no analyst 'oracle'\. Known are rules, agent0, llm\."):
        registry.build("oracle", settings())


def test_a_prompt_that_cannot_be_read_is_said() -> None:
    given = settings(LLM_BASE_URL="http://127.0.0.1:9", LLM_MODEL="qwen", LLM_PROMPT_FILE="/none")
    with pytest.raises(NotConfigured, match="Check LLM_PROMPT_FILE"):
        registry.build("llm", given)


def test_secrets_are_the_keys() -> None:
    assert [setting.name for setting in all_settings(registry.SPECS) if setting.secret] == ["LLM_API_KEY"]
