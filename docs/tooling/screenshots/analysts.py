"""Second opinions for the pictures: the checklist's, and a language model's on loopback, right and wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.test import override_settings

from approvals.positions import held_for_analysts
from opinions import queue, runs
from signals.models import Signal
from tests import vendors

MODEL = "honest"
# By how its model behaves, each so many minutes before the pictures; the newest one counts.
ASKED = (("prosaic", 14), ("inventive", 9), ("honest", 4))


@contextmanager
def at_hand() -> Iterator[vendors.OpenAI]:
    with vendors.OpenAI() as server, override_settings(LLM_BASE_URL=f"{server.url}/v1", LLM_MODEL=MODEL):
        yield server


def advise(at: datetime) -> None:
    """What the worker does for the signals that deserve an opinion by themselves."""
    queue.start(at)
    runs.work(at, held_for_analysts)


def ask(server: vendors.OpenAI, waiting: list[Signal], by: User, at: datetime) -> None:
    """The first one of those that wait has an opinion of every kind; the second one's is on its way."""
    for behaviour, minutes in ASKED:
        server.script = [behaviour] * 2  # it is asked twice when the first answer cannot be used
        then = at - timedelta(minutes=minutes)
        queue.ask_about(waiting[0], by=by, at=then, analyst="llm", context="Earnings are on Thursday.")
        runs.work(then, held_for_analysts)
    if waiting[1:]:
        queue.ask_about(waiting[1], by=by, at=at, analyst="llm")
