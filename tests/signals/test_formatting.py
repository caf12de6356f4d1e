"""What strategies and analysts said, as people read it."""

from typing import Any

import pytest

from opinions import formatting as opinion_formatting
from opinions.models import JOINT, OrchestrationRun


def run(reasoning: str, *factors: str, invented: tuple[str, ...] = (), **values: Any) -> OrchestrationRun:
    """A run not stored, in which the last place of each of these is invented."""
    content = JOINT.join([reasoning, *factors])
    spans = [
        {"text": claim, "start": content.rindex(claim), "end": content.rindex(claim) + len(claim)}
        for claim in invented
    ]
    weighed = [{"verdict": "for", "text": factor} for factor in factors]
    return OrchestrationRun(
        **{"status": "completed", "reasoning": reasoning, "key_factors": weighed, "inventions": spans}
        | values
    )


def struck(opinion: OrchestrationRun) -> list[list[str]]:
    """What is struck through in each of its texts; that nothing is lost is looked at, too."""
    parts = list(opinion_formatting.marked(opinion))
    assert ["".join(text for text, _ in part) for part in parts] == opinion.texts
    return [[text for text, is_invented in part if is_invented] for part in parts]


def test_only_the_place_that_is_invented_is_struck() -> None:
    opinion = run("Stop 180.5, fair value 180.5 or more.", invented=("180.5",))
    [parts] = opinion_formatting.marked(opinion)
    assert parts == [("Stop 180.5, fair value ", False), ("180.5", True), (" or more.", False)]


def test_each_text_has_its_own() -> None:
    opinion = run("Up 9 %.", "It rose 47 %.", "Calm.", invented=("9 %", "47 %"))
    assert struck(opinion) == [["9 %"], ["47 %"], []]


def test_a_text_of_several_lines_keeps_its_places() -> None:
    opinion = run("First line.\nThen 12.5.\n\nLast 77.", "One\ntwo 33.", invented=("12.5", "77", "33"))
    assert struck(opinion) == [["12.5", "77"], ["33"]]


def test_at_the_edges_of_a_text() -> None:
    assert struck(run("5", "7 and 8", "", invented=("5", "7", "8"))) == [["5"], ["7", "8"], []]


def test_where_nothing_is_invented_nothing_is_struck() -> None:
    assert struck(run("All is well.", "Calm.")) == [[], []]


@pytest.mark.parametrize(
    ("values", "side", "doubt"),
    [
        ({"agent_suggestion": "BUY"}, "BUY", ""),
        ({"agent_suggestion": "PASS", "inventions": [{"text": "1"}]}, "BUY", "not grounded"),
        ({"agent_suggestion": "PASS", "contradictions": ["It says no."]}, "BUY", "contradicts itself"),
        ({"agent_suggestion": "BUY", "inventions": [{"text": "1"}]}, "", "not grounded"),
    ],
)
def test_doubts_are_told(values: dict[str, Any], side: str, doubt: str) -> None:
    doubts = opinion_formatting.doubts(run("Text.", **values), side)
    assert (doubt in doubts) if doubt else (doubts == "")


def test_a_stance_that_tells_its_doubt_tells_it_once() -> None:
    opinion = run("Text.", agent_suggestion="BUY", inventions=[{"text": "1"}])
    assert opinion_formatting.doubts(opinion, "BUY") == ""
    assert "agrees on grounds that do not hold" in opinion_formatting.stance(opinion, "BUY")
