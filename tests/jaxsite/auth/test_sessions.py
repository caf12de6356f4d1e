"""Sessions: listed on the account page, ended there, by a password and by time. A page's beat is no use."""

import re
from datetime import timedelta
from importlib import import_module
from io import StringIO

import pytest
import time_machine
from django.apps import apps
from django.conf import settings as conf
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session as OldSession
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from approvals.models import AuditEvent
from jaxsite import tasks
from jaxsite.models import KnownDevice, Session
from tests import clock, make
from tests.jaxsite.auth import codes
from tests.query_counts import CountQueries

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/19.0 Mobile/15E148 Safari/604.1"
)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BEAT = {"Jax-Beat": "1"}


@pytest.fixture(autouse=True)
def ann() -> User:
    user = make.trader()
    user.set_password(codes.PASSWORD)
    user.save()
    user.groups.add(Group.objects.get(name="trader"))
    return user


def browser(agent: str = FIREFOX, address: str = "192.0.2.1") -> Client:
    client = Client(headers={"User-Agent": agent}, REMOTE_ADDR=address)
    codes.password(client)
    return client


def is_in(client: Client, **headers: str) -> bool:
    return client.get("/account/", headers=headers).status_code == 200


def listed(client: Client) -> str:
    html = client.get("/account/").content.decode()
    (panel,) = re.findall(r'aria-labelledby="sessions">(.*?)</section>', html, re.DOTALL)
    return " ".join(re.sub("<[^>]+>", " ", panel).split())


def later(time: timedelta) -> time_machine.travel:
    return time_machine.travel(clock.NOW + time, tick=False)


class TestList:
    def test_each_is_listed_with_device_address_and_which_is_this_one(self) -> None:
        here, _ = browser(), browser(IPHONE, "198.51.100.7")
        text = listed(here)
        assert re.search(
            r"Firefox on Linux 192\.0\.2\.1 .* now this one Safari on iPhone 198\.51\.100\.7", text
        )

    def test_few_and_many_take_the_same_queries(self, count_queries: CountQueries) -> None:
        here = browser()
        here.get("/account/")
        for more in (0, 5):
            for _ in range(more):
                browser(IPHONE)
            with count_queries("account page"):
                here.get("/account/")

    def test_one_without_a_log_in_form_is_listed_too(self, ann: User) -> None:
        client = Client()
        client.force_login(ann)
        assert "a device that does not say what it is" in listed(client)

    def test_nobody_sees_or_ends_anothers(self) -> None:
        here, other = browser(), Client()
        other.force_login(make.trader("ben"))
        assert "192.0.2.1" not in listed(other)
        other.post("/account/sessions/end/", {"session": Session.objects.get(address="192.0.2.1").digest})
        other.post("/account/sessions/end-others/")
        assert is_in(here)

    def test_what_logs_in_is_not_on_the_page(self) -> None:
        here, there = browser(), browser(IPHONE)
        html = here.get("/account/").content.decode()
        assert there.session.session_key
        assert there.session.session_key not in html

    def test_one_of_another_password_is_not_listed(self, ann: User) -> None:
        there, here = browser(IPHONE), Client()
        ann.set_password("set by an administrator 1")
        ann.save()
        here.force_login(ann)
        assert not is_in(there)
        assert "iPhone" not in listed(here)

    def test_an_agent_is_cut_and_cleaned(self) -> None:
        here = browser(300 * "<b>\u202e")
        assert "\u202e" not in Session.objects.get(user__username="ann").agent
        assert len(Session.objects.get(user__username="ann").agent) == 200
        assert is_in(here)


class TestEnd:
    def test_one_is_ended_and_the_others_are_not(self) -> None:
        here, there, elsewhere = browser(), browser(IPHONE, "198.51.100.7"), browser()
        digest = Session.objects.get(address="198.51.100.7").digest
        answer = here.post("/account/sessions/end/", {"session": digest}, follow=True)
        assert "That device is logged out" in answer.content.decode()
        assert [is_in(client) for client in (here, there, elsewhere)] == [True, False, True]
        event = AuditEvent.objects.get(kind="sessions ended")
        assert (event.actor, '"sessions": 1' in event.text) == ("ann", True)

    def test_twice_is_the_same_as_once(self) -> None:
        here, _ = browser(), browser(IPHONE, "198.51.100.7")
        digest = Session.objects.get(address="198.51.100.7").digest
        here.post("/account/sessions/end/", {"session": digest})
        answer = here.post("/account/sessions/end/", {"session": digest}, follow=True)
        assert "not logged in there any more" in answer.content.decode()
        assert AuditEvent.objects.filter(kind="sessions ended").count() == 1

    def test_all_others_end_in_one_query(self) -> None:
        here, *others = (browser() for _ in range(5))
        with CaptureQueriesContext(connection) as queries:
            here.post("/account/sessions/end-others/")
            deletes = sum('DELETE FROM "login_sessions"' in query["sql"] for query in queries)
        assert deletes == 1
        assert [is_in(client) for client in (here, *others)] == [True, False, False, False, False]

    def test_a_new_password_ends_all_others_and_this_one_stays_listed(self) -> None:
        here, there = browser(), browser(IPHONE)
        new = "staple of another kind"
        here.post(
            "/account/password/",
            {"old_password": codes.PASSWORD, "new_password1": new, "new_password2": new},
        )
        assert (is_in(here), is_in(there)) == (True, False)
        assert "Firefox on Linux" in listed(here)
        assert Session.objects.count() == KnownDevice.objects.count() == 1

    def test_a_log_out_ends_it(self) -> None:
        here = browser()
        here.post("/logout/")
        assert not Session.objects.exists()
        assert AuditEvent.objects.get(kind="user logged out").actor == "ann"

    def test_a_command_ends_all_of_a_name(self) -> None:
        here, there, out = browser(), browser(IPHONE), StringIO()
        call_command("end_sessions", "ann", stdout=out)
        assert "2 sessions ended" in out.getvalue()
        assert not is_in(here)
        assert not is_in(there)
        assert not KnownDevice.objects.exists()
        assert AuditEvent.objects.get(kind="sessions ended").actor == ""

    def test_a_command_says_that_there_is_no_such_name(self) -> None:
        with pytest.raises(CommandError, match="There is no user nobody"):
            call_command("end_sessions", "nobody")

    def test_a_get_ends_none_and_a_stranger_is_asked_to_log_in(self) -> None:
        here = browser()
        for address in ("/account/sessions/end/", "/account/sessions/end-others/"):
            assert here.get(address).status_code == 405
            assert Client().post(address).status_code == 302


class TestUpgrade:
    def test_a_session_of_before_logs_nobody_in(self, ann: User) -> None:
        old = db.SessionStore()
        old.update(
            {SESSION_KEY: str(ann.pk), BACKEND_SESSION_KEY: "jaxsite.auth.people.Backend"}
            | {HASH_SESSION_KEY: ann.get_session_auth_hash()}
        )
        old.save()
        client = Client()
        client.cookies[conf.SESSION_COOKIE_NAME] = str(old.session_key)
        assert not is_in(client)

    def test_the_migration_ends_them(self) -> None:
        db.SessionStore().save()
        assert OldSession.objects.exists()
        import_module("jaxsite.migrations.0005_end_sessions").end_sessions(apps, None)
        assert not OldSession.objects.exists()


class TestTime:
    def test_a_day_without_use_ends_it(self) -> None:
        here = browser()
        with later(DAY - timedelta(seconds=1)):
            assert is_in(here)
        with later(2 * DAY):
            assert not is_in(here)

    def test_the_setting_says_how_many_hours(self, settings: Settings) -> None:
        settings.SESSION_IDLE_HOURS = 2
        here = browser()
        with later(2 * HOUR):
            assert not is_in(here)

    def test_use_keeps_it_for_a_week_and_no_longer(self) -> None:
        here = browser()
        for hours in range(20, 7 * 24, 20):
            with later(hours * HOUR):
                assert is_in(here)
        with later(7 * DAY):
            assert not is_in(here)

    def test_a_page_that_refreshes_itself_is_no_use(self) -> None:
        here = browser()
        for hours in range(1, 24):
            with later(hours * HOUR):
                assert here.get("/", headers=BEAT).status_code in (200, 204)
        with later(DAY):
            assert here.get("/", headers=BEAT | {"HX-Request": "true"}).status_code == 401

    def test_use_is_written_once_an_hour(self) -> None:
        here = browser()
        for minutes, writes in ((0, 0), (59, 0), (61, 1), (100, 0), (122, 1)):
            with later(timedelta(minutes=minutes)), CaptureQueriesContext(connection) as queries:
                assert is_in(here)
            assert sum('UPDATE "login_sessions"' in query["sql"] for query in queries) == writes

    def test_a_clock_that_was_ahead_keeps_none_alive(self) -> None:
        with later(30 * DAY):
            here = browser()
        assert is_in(here)
        assert Session.objects.get(user__username="ann").used_at == timezone.now()

    def test_ended_ones_are_forgotten(self) -> None:
        browser()
        with later(2 * DAY):
            tasks.prune()
        assert not Session.objects.exists()
