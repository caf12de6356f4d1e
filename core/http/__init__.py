"""One HTTP session per provider: bounded in time, size and pace. JSON comes back, or a Failure in words.

A GET may be repeated; any other request, as a POST, is sent once. Redirects are not followed and keys
travel in headers only: no other host sees them and no message or log holds them. A provider that drips,
hangs, floods or refuses costs one `fetch` at most `Patience.fetch` seconds, however many requests it was
asked to make. No Django.
"""

from core.http.client import Client, Fetched, Pages, Patience, Reserve, at_once
from core.http.failures import Failure
from core.http.session import Answer, Request, origin

__all__ = [
    "Answer",
    "Client",
    "Failure",
    "Fetched",
    "Pages",
    "Patience",
    "Request",
    "Reserve",
    "at_once",
    "origin",
]
