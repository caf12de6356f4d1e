import io
import re

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command

pytestmark = pytest.mark.django_db


def ensure_admin() -> str:
    output = io.StringIO()
    call_command("ensure_admin", stdout=output, stderr=output)
    return output.getvalue()


def test_the_first_administrator_can_log_in_with_the_printed_password() -> None:
    printed = re.search(r"user admin, password (\S+)", ensure_admin())
    assert printed
    user = authenticate(username="admin", password=printed[1])
    assert isinstance(user, User)
    assert user.is_superuser
    assert user.is_staff


def test_it_happens_once() -> None:
    ensure_admin()
    password = User.objects.get().password
    assert ensure_admin() == ""
    assert User.objects.get().password == password


def test_another_administrator_is_enough() -> None:
    User.objects.create_superuser("grace")
    assert ensure_admin() == ""


def test_an_ordinary_user_called_admin_is_not_promoted() -> None:
    User.objects.create_user("admin")
    assert "createsuperuser" in ensure_admin()
    assert not User.objects.get().is_superuser
