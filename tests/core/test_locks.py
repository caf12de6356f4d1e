import threading

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from core import locks


@pytest.mark.django_db(transaction=True)
def test_a_lock_is_held_by_one_at_a_time_and_free_afterwards() -> None:
    results: list[bool] = []

    def other() -> None:
        with locks.held("work") as is_held:
            results.append(is_held)
        connection.close()

    def run() -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    with locks.held("work") as is_held:
        assert is_held
        run()
    run()
    assert results == [False, True]


@pytest.mark.django_db(transaction=True)
def test_one_waits_for_its_turn_and_others_leave_it_to_that_one() -> None:
    turns: list[tuple[str, bool]] = []
    done = threading.Semaphore(0)

    def wait(name: str) -> None:
        with locks.turn("work", 60) as has_turn:
            turns.append((name, has_turn))
        connection.close()
        done.release()

    with locks.held("work"):
        threads = [threading.Thread(target=wait, args=[f"{number}"]) for number in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            assert done.acquire(timeout=60)
        assert [has_turn for _, has_turn in turns] == [False] * 3
    for thread in threads:
        thread.join()
    assert [has_turn for _, has_turn in turns] == [False] * 3 + [True]
    with locks.turn("work", 60) as has_turn:
        assert has_turn


@pytest.mark.django_db(transaction=True)
def test_a_lock_whose_connection_broke_does_not_hide_the_error() -> None:
    def work() -> None:
        with locks.held("work"):
            connection.close()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()


@pytest.mark.django_db(transaction=True)
def test_a_transactions_lock_is_kept_until_the_transaction_ends() -> None:
    events: list[str] = []

    def other() -> None:
        with transaction.atomic():
            locks.transaction("work")
            events.append("other has it")
        connection.close()

    thread = threading.Thread(target=other)
    with transaction.atomic():
        locks.transaction("work")
        thread.start()
        thread.join(0.2)
        events.append("first ends")
    thread.join()
    assert events == ["first ends", "other has it"]


@pytest.mark.django_db(transaction=True)
def test_a_transactions_lock_is_refused_outside_a_transaction() -> None:
    with pytest.raises(TransactionManagementError, match="needs a transaction"):
        locks.transaction("work")


def test_advisory_locks_are_taken_in_one_module_only() -> None:
    apps = ("core", "market", "signals", "opinions", "approvals", "desk", "jaxsite")
    files = (file for app in apps for file in (settings.BASE_DIR / app).rglob("*.py"))
    # The embedded server's roles are made before Django has a connection.
    assert [file.name for file in files if "pg_advisory" in file.read_text()] == ["locks.py", "roles.py"]


@pytest.mark.django_db(transaction=True)
def test_a_shared_lock_is_kept_by_each_connection_until_it_ends() -> None:
    other_connection = connection.copy()
    assert not locks.is_shared("here")
    with other_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(hashtextextended('here', 0))")
    assert locks.is_shared("here")
    locks.share("here")  # does not wait for the other one
    other_connection.close()
    connection.close()
    assert not locks.is_shared("here")
