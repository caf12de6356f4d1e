"""The files that developers' tools read agree with the Makefile."""

import re
from pathlib import Path
from typing import Any

import yaml

from docs.tooling.mutate import SUBJECTS, sources, undecorated

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE = (ROOT / "Makefile").read_text()
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]

TOOL = re.compile(r"(?:\$\(BIN\)|\.venv/bin)/(?:python )?([\w. -]+?)(?= \.| --|$)", re.MULTILINE)


def recipe(target: str) -> str:
    """Return the commands of a target, the Makefile's variables put in."""
    lines: str = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[1]  # type: ignore[index]  # it is there
    for name, value in re.findall(r"^([A-Z]+) := (.+)$", MAKEFILE, re.MULTILINE)[::-1]:
        lines = lines.replace(f"$({name})", value)
    return lines


def test_the_hooks_run_every_tool_of_make_check() -> None:
    entries = "\n".join(hook["entry"] for repository in HOOKS for hook in repository["hooks"])
    checked = set(TOOL.findall(recipe("check")))
    assert {"ruff format", "mypy", "manage.py makemigrations"} <= checked
    assert checked == set(TOOL.findall(entries))


def test_the_hooks_fetch_nothing() -> None:
    assert {repository["repo"] for repository in HOOKS} == {"local"}
    assert {hook["language"] for repository in HOOKS for hook in repository["hooks"]} == {"system"}


def test_every_subject_of_make_mutate_names_files_and_tests_that_exist() -> None:
    for subject in SUBJECTS.values():
        assert sources(subject)
        assert [path for path in subject.tests if not (ROOT / path).exists()] == []


def test_a_decorated_method_does_the_same_when_mutmut_may_change_it() -> None:
    source = "class Pair:\n    @property\n    def sum(self):\n        return 3\n\n    x = 1\n"
    rewritten = undecorated(source)
    namespace: dict[str, Any] = {}
    exec(rewritten, namespace)
    assert "@" not in rewritten
    assert (namespace["Pair"]().sum, namespace["Pair"].x) == (3, 1)
