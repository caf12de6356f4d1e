"""Links between the pages of the documentation lead somewhere, and the index has every page."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.jaxsite.processes import ROOT

LIST = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"]
APPS = ("core", "market", "signals", "opinions", "approvals", "desk", "jaxsite")
FOLDERS = "|".join((*APPS, "tests", "docs", "deploy", "templates", "benchmarks"))
CODE = re.compile(rf"`((?:{FOLDERS})/[\w./-]*)`")
# What the pages on extending Jax make in their examples.
EXAMPLES = re.compile(r"acme|breakout|fills\.(?:py|html)|test_fills")
PAGES = sorted(
    {
        ROOT / name
        for name in subprocess.run(LIST, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
            "\0"
        )
        if name and (ROOT / name).exists() and not name.startswith(("signals/", "opinions/"))  # prompts
    }
)
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)|(?:src|href)=\"(?!\w+:)([^\"#]+)\"")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def prose(page: Path) -> str:
    """Return the text of a page without its blocks of code."""
    return FENCE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(prose(page))
    }


def targets(page: Path) -> list[tuple[Path, str]]:
    """Return the files that a page links to, each with the anchor in it or an empty string."""
    return [
        ((page.parent / (path or source)).resolve() if path or source else page, anchor)
        for path, anchor, source in LINK.findall(prose(page))
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = [
        f"{target}#{anchor}"
        for target, anchor in targets(page)
        if not target.exists() or (anchor and anchor not in anchors(target))
    ]
    assert broken == []


def test_the_index_has_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {target for target, _ in targets(index)}
    pages = {page for page in PAGES if (ROOT / "docs") in page.parents and page != index}
    decisions = {page for page in pages if page.parent.name == "decisions" and page.name != "README.md"}
    assert pages - decisions - linked == set()


def test_readme_links_to_the_index() -> None:
    assert ROOT / "docs" / "index.md" in {target for target, _ in targets(ROOT / "README.md")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_in_the_text_exists(page: Path) -> None:
    named = [path for path in CODE.findall(prose(page)) if not EXAMPLES.search(path)]
    assert [path for path in named if not (ROOT / path).exists()] == []
