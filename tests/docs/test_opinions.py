"""The examples of checked texts in docs/opinions.md, given to the check."""

import re

import pytest

from signals import grounding
from tests.jaxsite.processes import ROOT
from tests.signals.asked import SNAPSHOT

PAGE = (ROOT / "docs" / "opinions.md").read_text()
CHECKED = re.findall(r"^\| (.+) \| (stands|is no claim|is invented)\b.* \|$", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize(("text", "verdict"), CHECKED)
def test_each_example_is_judged_as_the_page_says(text: str, verdict: str) -> None:
    found = grounding.check(text, SNAPSHOT)
    assert found.is_grounded == (verdict != "is invented")
    assert bool(found.claims) == (verdict != "is no claim")


def test_there_are_examples() -> None:
    assert {verdict for _, verdict in CHECKED} == {"stands", "is no claim", "is invented"}
