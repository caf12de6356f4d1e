"""The only module that knows Apprise: it reads addresses, hands messages over and says how that went.

Apprise and what it uses write addresses, tokens included, into logs and exceptions. None of that leaves this
module. Apprise is imported when there is something to send: it costs 0.2 s and 17 MiB.
"""

import logging
import re
import smtplib
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from approvals.notify.messages import Message

if TYPE_CHECKING:
    from apprise import NotifyBase

TALKATIVE = ("apprise", "urllib3", "requests_oauthlib", "oauthlib")
PATIENCE = 30  # seconds for a message
# After these nothing can have been delivered.
DEFINITE = (
    NewConnectionError,
    ConnectTimeoutError,
    ConnectionRefusedError,
    socket.gaierror,
    ssl.SSLCertVerificationError,
    smtplib.SMTPResponseException,
    smtplib.SMTPRecipientsRefused,
)


class Outcome(Enum):
    SENT = "sent"
    FAILED = "failed"  # certainly not delivered
    LOST = "lost"  # not known


class Result(NamedTuple):
    outcome: Outcome
    problem: str = ""


def post(url: str, message: Message, *, silent: bool) -> Result:
    """Hand a message over, without sound where the service can."""
    from apprise import Apprise, NotifyFormat

    with _captured() as capture:
        service = _service(url, silent=silent)
        if service is None:
            return Result(Outcome.FAILED, "The address cannot be read: see manage.py check.")
        carrier = Apprise()
        carrier.add(service)
        try:
            done = carrier.notify(message.body, title=message.title, body_format=NotifyFormat.TEXT.value)
        except Exception as error:  # noqa: BLE001  a service's plug-in may raise anything
            capture.errors.append(error)
            return capture.verdict(timed_out=False, recipients=len(service))
    if done:
        return Result(Outcome.SENT)
    return capture.verdict(timed_out=bool(done.timeout_count), recipients=len(service))


def recipients(url: str) -> int:
    """Return how many an address has; 0 when Apprise cannot read it."""
    with _captured():
        service = _service(url)
    return 0 if service is None else len(service)


def _service(url: str, *, silent: bool = False) -> "NotifyBase | None":
    """Return the service at an address. It neither tries by itself again nor cuts a message into several."""
    from apprise import Apprise, AppriseAsset
    from apprise.plugins import url_to_dict

    try:
        address: dict[str, Any] | None = url_to_dict(url)  # type: ignore[no-untyped-call]  # Apprise's
    except Exception:  # noqa: BLE001  a service's plug-in may raise anything at an address
        return None
    if address is None:
        return None
    asset = AppriseAsset(app_id="Jax", service_timeout=PATIENCE, pgp_autogen=False, pem_autogen=False)
    once = {**address, "retry": 0, "overflow": "truncate"}
    service = Apprise.instantiate(dict(once), asset=asset)
    quieter = _quieter(service) if service is not None and silent else {}
    return (Apprise.instantiate(once | quieter, asset=asset) if quieter else None) or service


def _quieter(service: "NotifyBase") -> dict[str, Any]:
    """Return what a service can be asked for to make no sound. Apprise has no word that all of them know."""
    options: dict[str, Any] = service.template_args
    values = options.get("priority", {}).get("values") or ()
    names = values.values() if isinstance(values, dict) else values
    return ({"silent": True} if "silent" in options else {}) | ({"priority": "low"} if "low" in names else {})


class _LogCapture(logging.Handler):
    """Takes what is logged and keeps of it only the exceptions behind it and HTTP status codes."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.errors: list[BaseException] = []
        self.statuses: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if (error := sys.exc_info()[1]) is not None:
            self.errors.append(error)
        elif status := re.search(r"\berror=([1-5]\d\d)\b", record.getMessage()):
            self.statuses.append(status[1])

    def verdict(self, *, timed_out: bool, recipients: int) -> Result:
        if recipients > 1:
            return Result(Outcome.LOST, "Some of the recipients of this address may have it, some not.")
        if timed_out or not all(_is_definite(error) for error in self.errors):
            return Result(Outcome.LOST, "No answer came, so nobody knows whether it arrived.")
        if self.statuses:
            return Result(Outcome.FAILED, f"The service answered with HTTP status {self.statuses[-1]}.")
        if self.errors:
            return Result(Outcome.FAILED, "The service could not be reached, or refused the connection.")
        return Result(Outcome.FAILED, "The service did not take it.")


def _is_definite(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, DEFINITE):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def _captured() -> Iterator[_LogCapture]:
    """Capture what the libraries log, so that it goes nowhere else."""
    capture = _LogCapture()
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(capture)
        logger.propagate = False
        logger.setLevel(logging.WARNING)
    try:
        yield capture
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(capture)
            logger.setLevel(level)
            logger.propagate = propagate
