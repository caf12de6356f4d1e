"""AGENTS.md names every module of every app, and nothing that is not there."""

import re
from pathlib import Path

import pytest

from tests.jaxsite.processes import ROOT

MAP = (ROOT / "AGENTS.md").read_text()
APPS = ("core", "market", "signals", "opinions", "approvals", "desk", "jaxsite")
NAMES = re.compile(r"`([a-z_]+)`")
EVERYWHERE = set(NAMES.findall(re.search(r"^In an app: .+?\n\n", MAP, re.MULTILINE | re.DOTALL)[0]))  # type: ignore[index]  # it is there
A_SCREEN = 80  # lines


def modules(app: str) -> set[str]:
    """Return the modules and packages right inside an app."""
    files = (path for path in (ROOT / app).iterdir() if not path.name.startswith(("_", ".")))
    return {path.stem for path in files if path.suffix == ".py" or holds_python(path)}


def holds_python(path: Path) -> bool:
    return path.is_dir() and any(path.rglob("*.py"))


def named(app: str) -> set[str]:
    """Return the modules in the paragraph of an app."""
    paragraph = re.search(rf"^\*\*{app}\*\* .+?\n\n", MAP, re.MULTILINE | re.DOTALL)
    assert paragraph is not None
    return set(NAMES.findall(paragraph[0]))


@pytest.mark.parametrize("app", APPS)
def test_every_module_is_on_the_map(app: str) -> None:
    assert sorted(modules(app) - named(app) - EVERYWHERE) == []


@pytest.mark.parametrize("app", APPS)
def test_every_name_on_the_map_is_a_module(app: str) -> None:
    assert (
        sorted(named(app) - modules(app) - {other for app_below in APPS for other in modules(app_below)})
        == []
    )


def test_what_every_app_may_have_is_in_some() -> None:
    assert EVERYWHERE - {"static"} <= {name for app in APPS for name in modules(app)}


def test_every_path_on_the_map_exists() -> None:
    paths = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", MAP)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_it_fits_on_a_screen() -> None:
    assert len(MAP.splitlines()) <= A_SCREEN
