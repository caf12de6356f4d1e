"""What the queue runs. Any of these may run twice or overlap: each is safe to."""

import logging

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from opinions import memory, queue, runs

logger = logging.getLogger(__name__)


def start() -> None:
    """Ask for the second opinions that come by themselves."""
    if count := queue.start(timezone.now()):
        logger.info("opinions asked for: %s", count)


def work() -> None:
    """Work on what waits, for a while; the rest is another task's, so that others get their turn between."""
    if runs.work(timezone.now(), import_string(settings.HELD_POSITIONS)):
        queue.go_on()


def start_all() -> None:
    """Ask for an opinion on every watched instrument."""
    logger.info("opinions on instruments asked for: %s", queue.start_all(timezone.now()))


def hindsight() -> None:
    """Give Hindsight the cases that it has not got."""
    if count := memory.hand_on(timezone.now()):
        logger.info("gave Hindsight %s cases", count)
