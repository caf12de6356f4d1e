"""What a service says to the supervisor that started it, in systemd's protocol (sd_notify).

systemd and `manage.py serve` kill and restart a service that says nothing for too long.
"""

import os
import socket
from contextlib import suppress

READY = b"READY=1"
ALIVE = b"WATCHDOG=1"
STOPPING = b"STOPPING=1"
EVERY = 5.0  # seconds between two ALIVE: several fit into each supervisor's patience


def notify(message: bytes) -> None:
    """Send the message to the supervisor, if there is one. Never waits, never raises."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # Linux' abstract namespace
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.setblocking(False)
        supervisor.sendto(message, address)
