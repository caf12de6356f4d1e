import threading

import pytest
from django.db import connection

from core import locks


@pytest.mark.django_db(transaction=True)
def test_a_lock_is_held_by_one_at_a_time_and_free_afterwards() -> None:
    seen: list[bool] = []

    def other() -> None:
        with locks.held("work") as mine:
            seen.append(mine)
        connection.close()

    def run() -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    with locks.held("work") as mine:
        assert mine
        run()
    run()
    assert seen == [False, True]


@pytest.mark.django_db(transaction=True)
def test_a_lock_whose_connection_broke_does_not_hide_the_error() -> None:
    def work() -> None:
        with locks.held("work"):
            connection.close()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
