"""`pytest --reuse-db`: a session begins with the rows of the migrations, whatever the last one left."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from market.models import Instrument
from tests import kept, make

pytestmark = pytest.mark.django_db


def rows() -> tuple[set[str], set[str]]:
    names = set(Group.objects.values_list("name", flat=True))
    return names, set(Instrument.objects.values_list("symbol", flat=True))


def test_a_session_begins_with_the_rows_of_the_migrations() -> None:
    seeded = rows()
    assert all(seeded)
    make.instrument("LEFT")
    Group.objects.all().delete()
    for _ in range(2):
        connection.check_constraints()  # nothing is deferred when a session begins
        kept.begin()
        assert rows() == seeded


def test_a_migration_since_then_is_noticed() -> None:
    assert not kept.is_outdated()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('market', '9999_new', '2024-07-03Z')"
        )
    assert kept.is_outdated()
