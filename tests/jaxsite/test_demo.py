"""manage.py demo"""

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from jaxsite.demonstration import Demonstration

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]


def test_the_way_of_a_signal_is_played_to_its_end(settings: Settings) -> None:
    settings.CANDLE_BACKFILL = 400  # enough for every strategy
    lines: list[str] = []
    Demonstration(timezone.now(), lines.append, lines.append).play()
    story = "\n".join(lines)
    steps = ("signals wait", "approved by demo", "409 It is approved", "Filled: ", "signal ledger")
    places = [story.index(step) for step in (*steps, "none changed")]
    assert places == sorted(places)
    assert story.endswith("one of the two was changed.")
    assert "The chain is broken at event" in story


def test_it_is_for_simulated_installations(settings: Settings) -> None:
    settings.DATA_KIND = "real"
    with pytest.raises(CommandError, match="simulated data"):
        call_command("demo")
