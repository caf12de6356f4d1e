"""Locks that all workers of all hosts respect and a dead one cannot keep: PostgreSQL's advisory locks."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from django.db import Error, connection
from django.db.transaction import TransactionManagementError


@contextmanager
def held(name: str, patience: float = 0) -> Iterator[bool]:
    """Try to take the lock called `name` for the length of the block; False when another session has it.

    `patience`: for how many seconds it is tried again.
    """
    deadline = time.monotonic() + patience
    while not (is_held := _try(name)) and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        yield is_held
    finally:
        if is_held:
            # A connection that broke inside the block has given the lock back already.
            with suppress(Error):
                _call("pg_advisory_unlock", name)


@contextmanager
def turn(name: str, patience: float) -> Iterator[bool]:
    """Wait for the lock called `name`; False at once when another session waits for it like this already.

    For work that does what was asked for until it begins: whoever comes while one waits need not wait, too.
    """
    with ExitStack() as taken:
        with held(f"{name}: next") as is_next:
            has_turn = is_next and taken.enter_context(held(name, patience))
        yield has_turn


def transaction(name: str) -> None:
    """Wait for the lock called `name` and keep it until the current transaction ends."""
    if connection.get_autocommit():
        raise TransactionManagementError("A transaction's lock needs a transaction.")
    _call("pg_advisory_xact_lock", name)


def share(name: str) -> None:
    """Keep the lock called `name`, with others who share it, until the connection ends."""
    _call("pg_advisory_lock_shared", name)


def is_shared(name: str) -> bool:
    """Return whether another connection shares the lock called `name`."""
    with held(name) as is_free:
        return not is_free


def _try(name: str) -> bool:
    return bool(_call("pg_try_advisory_lock", name))


def _call(function: str, name: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [name])
        (answer,) = cursor.fetchone()
        return answer
