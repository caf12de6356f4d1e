"""A site to be fuzzed: days of the simulated market, a web server process, a token for each role."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import requests
from django.contrib.auth.models import Group, User
from django.utils import timezone

from approvals import roles
from docs.tooling.screenshots import days
from jaxsite.auth import tokens
from jaxsite.demonstration import scratch_database
from jaxsite.scopes import Scope
from tests import web

DAYS = 1
ROLES = ("anonymous", "nobody", roles.VIEWER, roles.TRADER, roles.OPERATOR, "superuser")


@dataclass(frozen=True)
class Site:
    url: str
    tokens: dict[str, str]


@contextmanager
def running() -> Iterator[Site]:
    with scratch_database():
        days.play(timezone.now(), DAYS)
        of_roles = {role: token_of(role) for role in ROLES}
        with web.running(LOG_LEVEL="WARNING") as server:
            requests.get(f"{server.url}/api/schema/", timeout=60)  # made by the first who asks
            yield Site(server.url, of_roles)


def token_of(role: str) -> str:
    """Return a token of a user who has this role alone; none for who is anonymous."""
    if role == "anonymous":
        return ""
    user = User.objects.create_user(role, is_superuser=role == "superuser")
    user.groups.set(Group.objects.filter(name=role))
    _, token = tokens.create(user, timedelta(days=1), Scope.OPERATE)
    return token


def tick() -> None:
    """Do what the worker does each minute, so that prices are new and something can be approved."""
    days.tick(timezone.now())
