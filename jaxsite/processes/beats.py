"""Signs of life of the services, written by the services themselves."""

import socket
from datetime import datetime

from django_q.conf import Conf

from jaxsite.models import Beat

EVERY = 10.0  # seconds


def service(cluster: str) -> str:
    """Return what the Procfile calls the service that works on this cluster's queue."""
    return "worker" if cluster == Conf.PREFIX else cluster


def write_beat(
    service: str,
    at: datetime,
    *,
    waiting: int = 0,
    busy: int = 0,
    busy_since: datetime | None = None,
    finished_at: datetime | None = None,
    stopped: bool = False,
) -> None:
    """Store that this host's service (as the Procfile names it) is alive: one statement.

    Without `finished_at` what is stored of it stays: a service that was restarted has done nothing yet.
    """
    beat = Beat(
        service=service,
        host=socket.gethostname(),
        beat_at=at,
        waiting=waiting,
        busy=busy,
        busy_since=busy_since,
        finished_at=finished_at,
        stopped=stopped,
    )
    reported = ["beat_at", "waiting", "busy", "busy_since", "stopped"]
    Beat.objects.bulk_create(
        [beat],
        update_conflicts=True,
        unique_fields=["service", "host"],
        update_fields=[*reported, "finished_at"] if finished_at else reported,
    )
