"""Second opinions as people read them."""

from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from opinions import grounding
from opinions.analysts.registry import TITLES
from opinions.models import JOINT, OrchestrationRun, Stance

STANCES = {
    Stance.FOR: "good",
    Stance.AGAINST: "bad",
    Stance.UNFOUNDED: "warn",
    Stance.UNDECIDED: "none",
    Stance.NONE: "none",
}


def marked(run: OrchestrationRun) -> Iterator[list[tuple[str, bool]]]:
    """What a run said, the reasoning and then each factor, in parts: text, and whether it is invented."""
    begins = 0
    for text in run.texts:
        ends = begins + len(text)
        within = [one for one in run.inventions if begins <= one["start"] and one["end"] <= ends]
        spans = sorted((one["start"] - begins, one["end"] - begins) for one in within)
        yield list(grounding.parts(text, spans))
        begins = ends + len(JOINT)


def stance(run: OrchestrationRun, side: str) -> SafeString:
    """What an opinion says to a trade, with its mark: agrees, disagrees ..."""
    said = run.stance(side)
    return format_html('<span class="state {}">{}</span>', STANCES[said], said.label)


def analyst(name: str) -> str:
    """Return the analyst's title; its name where it is no longer there."""
    return TITLES.get(name, name)


def doubts(run: OrchestrationRun, side: str) -> SafeString | str:
    """Why an opinion cannot be relied on, as tags; nothing when it can, or when its stance says so."""
    if side and run.stance(side) == Stance.UNFOUNDED:
        return ""
    found = (("not grounded", run.inventions), ("contradicts itself", run.contradictions))
    tags = ([said] for said, has_any in found if has_any)
    return format_html_join(" ", '<span class="tag warn">▲ {}</span>', tags)
