"""A dead man's switch: a ping to a monitor elsewhere for as long as every service gives signs of life.

The monitor (healthchecks.io and the like) tells the owner when the pings end, whatever ended them: a service,
the machine, or its network.
"""

import logging
from datetime import datetime

import requests
from django.conf import settings

from jaxsite.monitoring import services

logger = logging.getLogger(__name__)

PATIENCE = 10.0  # seconds to connect, and for the answer's head


def ping(at: datetime) -> bool:
    """Send the ping unless a service is silent. Return whether the monitor took it."""
    silent = [service.name for service in services.read(services.needed()) if not service.is_alive(at)]
    if silent:
        logger.error("No sign of life from %s: HEARTBEAT_URL is not called.", ", ".join(silent))
        return False
    try:
        with requests.get(
            settings.HEARTBEAT_URL, timeout=PATIENCE, stream=True, allow_redirects=False
        ) as answer:
            is_taken = answer.status_code < 300
    except requests.RequestException as error:  # its text holds the address, which is a secret
        logger.warning("HEARTBEAT_URL cannot be called: %s", type(error).__name__)
        return False
    if not is_taken:
        logger.warning("HEARTBEAT_URL answered %d.", answer.status_code)
    return is_taken
