"""How the code is laid out, where no linter looks."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

APPS = ("core", "market", "signals", "opinions", "approvals", "desk", "jaxsite")
SQL = re.compile(
    r"\b(SELECT|INSERT INTO|UPDATE\s+\w+\s+SET|DELETE FROM|(LEFT|INNER|CROSS) JOIN|CREATE (TEMPORARY )?TABLE|"
    r"TRUNCATE|COPY \w+ (FROM|TO)|ORDER BY)\b"
)
# Their whole subject is the server or its locks.
OF_THE_SERVER = ("core/locks.py", "jaxsite/embedded_postgres/")


def sources(word: str = "") -> Iterator[tuple[str, ast.Module]]:
    """Yield the modules of the apps in whose text the word stands."""
    for app in APPS:
        for path in sorted((settings.BASE_DIR / app).rglob("*.py")):
            if word in (text := path.read_text()):
                yield str(path.relative_to(settings.BASE_DIR)), ast.parse(text)


def strings(module: ast.Module) -> Iterator[str]:
    """Yield the strings of a module that are no docstrings, f-strings without what they insert."""
    described = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(module)
        if isinstance(node, described) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def holds_sql(name: str) -> bool:
    path = Path(name)
    is_home = {"store", "queries", "migrations"} & {*path.parts, path.stem}
    return bool(is_home) or name.startswith(OF_THE_SERVER)


def test_sql_text_stands_in_store_and_queries_only() -> None:
    elsewhere = {
        name for name, module in sources() if not holds_sql(name) and any(map(SQL.search, strings(module)))
    }
    assert elsewhere == set()


def test_the_search_for_sql_finds_some_where_it_belongs() -> None:
    homes = {name for name, module in sources() if holds_sql(name) and any(map(SQL.search, strings(module)))}
    assert {"market/queries/prices.py", "signals/store.py"} <= homes


def layered() -> list[dict[str, Any]]:
    read = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())
    contracts: list[dict[str, Any]] = read["tool"]["importlinter"]["contracts"]
    return [contract for contract in contracts if contract["name"] in APPS]


@pytest.mark.parametrize("contract", layered(), ids=lambda contract: contract["name"])
def test_an_app_has_few_layers_and_few_rooms(contract: dict[str, Any]) -> None:
    rooms = re.findall(r"\w+", " ".join(contract["layers"]))
    assert contract["exhaustive"]
    assert len(contract["layers"]) <= 8
    assert len(rooms) <= 24
