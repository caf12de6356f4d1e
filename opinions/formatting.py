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
    """Yield the reasoning and then each factor, in parts: text, and whether it is an ungrounded claim."""
    begins = 0
    for text in run.texts:
        ends = begins + len(text)
        claims = [claim for claim in run.inventions if begins <= claim["start"] and claim["end"] <= ends]
        spans = sorted((claim["start"] - begins, claim["end"] - begins) for claim in claims)
        yield list(grounding.parts(text, spans))
        begins = ends + len(JOINT)


def stance(run: OrchestrationRun, side: str) -> SafeString:
    """Return what an opinion says to a trade, with its mark: agrees, disagrees ..."""
    its_stance = run.stance(side)
    return format_html('<span class="state {}">{}</span>', STANCES[its_stance], its_stance.label)


def analyst(name: str) -> str:
    """Return the analyst's title; its name where it is no longer there."""
    return TITLES.get(name, name)


def doubts(run: OrchestrationRun, side: str) -> SafeString | str:
    """Return why an opinion cannot be relied on, as tags; nothing when it can, or its stance says so."""
    if side and run.stance(side) == Stance.UNFOUNDED:
        return ""
    doubted = (("not grounded", run.inventions), ("contradicts itself", run.contradictions))
    tags = ([words] for words, has_any in doubted if has_any)
    return format_html_join(" ", '<span class="tag warn">▲ {}</span>', tags)
