"""One POST of JSON to a service outside: sent once, with a deadline for all of it and 1 MB of answer."""

from core.http import Answer, Client, Failure, Patience, Request, origin

LARGEST = 2**20  # bytes of an answer
CONNECT = 10.0  # seconds to connect in


def service(name: str, url: str) -> str:
    """Return how messages name the service: its name and host, nothing else of the address."""
    return f"{name} at {origin(url) or 'an address that is none'}"


def post(name: str, url: str, path: str, body: str, seconds: float, *, key: str = "") -> Answer:
    """Return what the service answers. Raises Failure, or TimeoutError after so many seconds.

    `key`: sent as a bearer token; no message holds it.
    """
    who = service(name, url)
    if not (key.isascii() and key.isprintable()):
        raise Failure(f"{who} cannot be asked: check the address and the key", permanent=True)
    patience = Patience(connect=min(CONNECT, seconds), read=seconds + 1, answer=seconds + 1, attempts=1)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        client = Client(name, url, headers=headers, connections=1, patience=patience, largest=LARGEST)
        until = client.clock() + seconds
        fetched = client.fetch({path: Request(path, body=body)}, until=until)
    except ValueError:
        raise Failure(f"{who} cannot be asked: check the address and the key", permanent=True) from None
    if path in fetched.answers:
        return fetched.answers[path]
    failure = fetched.failed.get(path)
    if failure is None or client.clock() >= until:
        raise TimeoutError(f"{who} gave no answer within {seconds:g} s")
    raise failure


def reason(failure: Failure) -> str:
    """Return why there is no answer, and how long the service asks to wait."""
    if failure.retry_after:
        return f"{failure}; it asks to wait {failure.retry_after.total_seconds():.0f} s"
    return str(failure)


def may_have_worked(failure: Failure) -> bool:
    """Return whether the service may have done what it was asked, and so cost something, all the same."""
    if failure.status is not None:
        return failure.status >= 500
    return not failure.for_all
