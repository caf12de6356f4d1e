"""Decisions are numbered without holes, dated, of one form, at most a screen long, and listed."""

import re
from datetime import date
from pathlib import Path

import pytest

from tests.jaxsite.processes import ROOT

FOLDER = ROOT / "docs" / "decisions"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))
FORM = re.compile(
    r"# (\d{4})\. ([^\n]+)\n\n(\d{4}-\d\d-\d\d)\n\n"
    r"## Context\n\n.+\n\n## Decision\n\n.+\n\n## Consequences\n\n.+\n",
    re.DOTALL,
)
A_SCREEN = 50  # lines


def test_they_are_numbered_without_holes() -> None:
    assert [int(page.name[:4]) for page in PAGES] == list(range(1, len(PAGES) + 1))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_has_its_number_a_date_and_three_parts(page: Path) -> None:
    text = page.read_text()
    form = FORM.fullmatch(text)
    assert form is not None
    assert form[1] == page.name[:4]
    assert date.fromisoformat(form[3])
    assert text.count("\n## ") == 3
    assert len(text.splitlines()) <= A_SCREEN


def test_the_list_has_each_with_its_title_and_date() -> None:
    listed = re.findall(
        r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \| (\S+) \|$", (FOLDER / "README.md").read_text(), re.MULTILINE
    )
    forms = [(page.name, FORM.fullmatch(page.read_text())) for page in PAGES]
    assert listed == [(form[1], name, form[2], form[3]) for name, form in forms if form]
