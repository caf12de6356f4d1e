"""How gunicorn serves the site: `gunicorn jaxsite.wsgi`."""

import gc
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured

import jaxsite.processes.uptime  # noqa: F401  the count begins here, the same for all workers
from jaxsite.processes.bind_guard import ADVICE, TooOpen, bracketed
from jaxsite.processes.process_group import end_with_parent_if_asked

try:
    from jaxsite.settings import BIND, PORT, REACH
except ImproperlyConfigured as reason:
    sys.exit(f"{reason}")

bind = f"{bracketed(BIND)}:{PORT}"
workers = 2
threads = 4
control_socket_disable = True  # it would be made in the user's home
loglevel = "warning"


def on_starting(server: Any) -> None:
    refuse_open_networks(server.cfg.address)
    end_with_parent_if_asked()


def refuse_open_networks(addresses: list[Any]) -> None:
    """Those that gunicorn will really listen on, the command line included; a socket's path is no network."""
    try:
        for address in addresses:
            if isinstance(address, tuple):
                REACH.allow(address[0])
    except TooOpen as reason:
        sys.exit(f"{reason} {ADVICE}")


def post_worker_init(worker: Any) -> None:
    # What is loaded by now stays: the garbage collector need not walk through it at some request's cost.
    gc.collect()
    gc.freeze()
    if worker.age == 1:  # the first that can answer
        sys.stdout.write(f"Jax is on http://{bind}\n")
        sys.stdout.flush()
