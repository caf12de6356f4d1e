"""The examples in docs/opinions.md, held against the code: texts that are checked, points and confidence."""

import re

import pytest

from opinions import grounding
from opinions.analysts.rules import MOST
from tests.jaxsite.processes import ROOT
from tests.opinions.given_snapshot import SNAPSHOT

PAGE = (ROOT / "docs" / "opinions.md").read_text()
CHECKED = re.findall(r"^\| (.+) \| (stands|is no claim|is invented)\b.* \|$", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize(("text", "verdict"), CHECKED)
def test_each_example_is_judged_as_the_page_says(text: str, verdict: str) -> None:
    checked = grounding.check(text, SNAPSHOT)
    assert checked.is_grounded == (verdict != "is invented")
    assert bool(checked.claims) == (verdict != "is no claim")


def test_there_are_examples() -> None:
    assert {verdict for _, verdict in CHECKED} == {"stands", "is no claim", "is invented"}


def test_its_confidences_are_those_of_the_checklist() -> None:
    examples = re.findall(r"(\d\.\d+) with (-?\d+)", PAGE)
    assert examples
    assert all(
        float(confidence) == round(0.5 + abs(int(points)) / MOST / 2, 2) for confidence, points in examples
    )
