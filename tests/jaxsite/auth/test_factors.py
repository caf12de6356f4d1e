"""The second factor: an app with codes, recovery codes, and being asked again before what matters."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core import signing
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, reverse
from knox.models import AuthToken

from approvals.models import AuditEvent, Notification
from jaxsite.models import Session
from tests import make
from tests.jaxsite.auth import codes

pytestmark = pytest.mark.django_db
FACTOR, AGAIN = "/account/factors/authenticate/", "/account/factors/reauthenticate/"


class AsStored:
    """Reads what a session's signature covers, as it lies there."""

    def dumps(self, stored: bytes) -> bytes:
        return stored

    def loads(self, stored: bytes) -> bytes:
        return stored


@pytest.fixture
def ann() -> User:
    user = make.trader()
    user.set_password(codes.PASSWORD)
    user.save()
    user.groups.add(Group.objects.get(name="trader"))
    return user


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


class TestLogin:
    def test_a_password_alone_is_not_enough(self, client: Client, ann: User) -> None:
        codes.set_up(ann)
        assert codes.password(client) == FACTOR
        assert not is_in(client)
        wrong = client.post(FACTOR, {"code": "000000"})
        assert "Incorrect code" in wrong.content.decode()
        assert not is_in(client)

    def test_the_code_leads_to_where_one_wanted_to_go(self, client: Client, ann: User) -> None:
        codes.set_up(ann)
        codes.password(client, then="/positions/")
        assert client.post(FACTOR, {"code": codes.shown()}).headers["Location"] == "/positions/"
        assert is_in(client)

    def test_a_user_without_one_logs_in_as_ever(self, client: Client, ann: User) -> None:
        assert codes.password(client) == "/account/"
        assert is_in(client)

    @pytest.mark.parametrize(("steps", "accepted"), [(-1, True), (1, True), (-3, False), (3, False)])
    def test_a_clock_may_be_half_a_minute_off(
        self, client: Client, ann: User, steps: int, accepted: bool
    ) -> None:
        codes.set_up(ann)
        codes.log_in(client, codes.shown(steps))
        assert is_in(client) == accepted

    def test_a_code_logs_in_once_whichever_process_is_asked(self, ann: User) -> None:
        codes.set_up(ann)
        first, second = Client(), Client()
        codes.log_in(first, codes.shown())
        caches["process"].clear()
        codes.log_in(second, codes.shown())
        assert (is_in(first), is_in(second)) == (True, False)

    def test_a_recovery_code_logs_in_once(self, ann: User) -> None:
        code, *_ = codes.set_up(ann)
        first, second = Client(), Client()
        codes.log_in(first, code)
        codes.log_in(second, code)
        assert (is_in(first), is_in(second)) == (True, False)

    def test_after_five_wrong_codes_the_right_one_is_refused(self, ann: User) -> None:
        codes.set_up(ann)
        for number in range(5):
            codes.log_in(Client(), f"{number:06}")
        late = Client()
        codes.log_in(late, codes.shown())
        assert not is_in(late)

    def test_it_is_the_log_in_of_the_admin_too(self, client: Client, ann: User) -> None:
        User.objects.update(is_staff=True, is_superuser=True)
        codes.set_up(ann)
        page = client.get("/admin/market/instrument/", follow=True)
        assert page.redirect_chain[-1][0].startswith("/login/?next=")
        codes.password(client, then="/admin/market/instrument/")
        assert client.get("/admin/market/instrument/").status_code == 302
        answer = client.post(FACTOR, {"code": codes.shown()})
        assert answer.headers["Location"] == "/admin/market/instrument/"


class TestSettingUp:
    def test_an_app_is_set_up_with_its_code_and_the_recovery_codes_are_shown_once(
        self, client: Client, ann: User
    ) -> None:
        codes.password(client)
        redirect = client.get("/account/factors/totp/activate/")
        assert (
            redirect.headers["Location"] == "/account/again/?next=%2Faccount%2Ffactors%2Ftotp%2Factivate%2F"
        )
        client.post(redirect.headers["Location"], {"password": codes.PASSWORD})
        page = client.get("/account/factors/totp/activate/").content.decode()
        assert "<svg" in page
        assert "data:image" not in page, "the policy of the pages forbids pictures in addresses"
        (secret,) = re.findall(r'id="secret"[^>]*>(\w+)<', page)
        sent = {"code": codes.shown(secret=secret)}
        shown = client.post("/account/factors/totp/activate/", sent, follow=True).content.decode()
        assert len(re.findall(r"\b\d{8}\b", shown)) == 10
        again = client.get("/account/factors/recovery-codes/").content.decode()
        assert not re.findall(r"\b\d{8}\b", again)

    def test_the_database_shows_no_secret(self, client: Client, ann: User) -> None:
        code, *_ = codes.set_up(ann)
        codes.password(client)
        client.post("/account/password/", {"new_password1": "hunter2hunter2"})
        with connection.cursor() as cursor:
            cursor.execute("SELECT data::text FROM mfa_authenticator")
            stored = " ".join(text for (text,) in cursor.fetchall())
        assert codes.SECRET not in stored
        assert code not in stored

    def test_a_session_cannot_be_read_from_a_copy_of_the_database(self, ann: User, client: Client) -> None:
        client.force_login(ann)
        session = client.session
        session["note"] = "a suspended form"
        session.save()
        stored = Session.objects.get(session_key=session.session_key)
        assert stored.get_decoded()["note"] == "a suspended form"
        salt = "django.contrib.sessions.SessionStore"
        assert b"suspended" not in signing.loads(stored.session_data, salt=salt, serializer=AsStored)

    def test_a_session_of_before_is_ended(self, client: Client, ann: User) -> None:
        client.force_login(ann)
        old = signing.dumps(dict(client.session), salt="django.contrib.sessions.SessionStore", compress=True)
        Session.objects.update(session_data=old)
        assert not is_in(client)


class TestAskedAgain:
    @pytest.fixture
    def browser(self, ann: User) -> Client:
        client = Client()
        codes.set_up(ann)
        codes.log_in(client, codes.shown(-1))
        assert is_in(client)
        return client

    def test_before_a_token_and_the_form_is_carried_out_afterwards(self, browser: Client) -> None:
        redirect = browser.post("/account/tokens/", {"days": "30", "scope": "read"})
        assert redirect.headers["Location"].startswith(AGAIN)
        assert not AuthToken.objects.exists()
        answer = browser.post(
            redirect.headers["Location"], {"code": codes.shown(), "next": "/account/tokens/"}
        )
        assert "Copy your new token now" in answer.content.decode()
        assert AuthToken.objects.count() == 1

    @pytest.mark.parametrize(
        "page",
        [
            "/account/password/",
            "/account/factors/webauthn/add/",
            "/account/factors/recovery-codes/generate/",
            "/account/factors/totp/deactivate/",
            "/admin/auth/user/",
            "/admin/knox/authtoken/add/",
        ],
    )
    def test_before_what_changes_who_may_act(self, browser: Client, page: str) -> None:
        User.objects.update(is_staff=True, is_superuser=True)
        assert browser.get(page).headers["Location"].startswith(AGAIN)
        browser.post(AGAIN, {"code": codes.shown()})
        assert browser.get(page).status_code == 200

    def test_before_every_page_of_users_groups_and_tokens_in_admin(self, browser: Client) -> None:
        User.objects.update(is_staff=True, is_superuser=True)
        names = [
            pattern.name
            for model in (User, Group, AuthToken)
            for pattern in admin.site.get_model_admin(model).urls
            if pattern.name
        ]
        assert {"auth_user_password_change", "auth_group_add", "knox_authtoken_delete"} <= {*names}
        for name in names:
            try:
                page = reverse(f"admin:{name}")
            except NoReverseMatch:
                page = reverse(f"admin:{name}", args=["1"])
            assert browser.get(page).headers["Location"].startswith(AGAIN), page

    def test_the_admin_has_no_page_of_its_own_to_change_ones_password(self, browser: Client) -> None:
        User.objects.update(is_staff=True, is_superuser=True)
        assert browser.get("/admin/password_change/").headers["Location"] == "/account/password/"
        answer = browser.post("/admin/password_change/", {"old_password": codes.PASSWORD})
        assert answer.headers["Location"] == "/account/password/"

    def test_a_password_does_not_stand_in_for_it(self, browser: Client) -> None:
        answer = browser.post("/account/again/", {"password": codes.PASSWORD})
        assert answer.headers["Location"].startswith(AGAIN)
        assert browser.get("/account/password/").status_code == 302

    def test_a_user_without_one_is_asked_for_nothing_new(self, client: Client) -> None:
        client.force_login(make.trader("ben"))
        assert client.get("/account/password/").status_code == 200


class TestReset:
    def test_factors_are_taken_away_and_the_password_stays(self, client: Client, ann: User) -> None:
        codes.set_up(ann)
        call_command("reset_second_factor", "ann")
        assert not Authenticator.objects.exists()
        assert codes.password(client) == "/account/"
        event = AuditEvent.objects.get(kind="second factors reset")
        assert (event.subject, '"factors": 1' in event.text) == (f"user {ann.pk}", True)
        assert Notification.objects.filter(title="The second factors of ann were taken away").exists()

    def test_a_name_that_there_is_not_is_said(self) -> None:
        with pytest.raises(CommandError, match="There is no user nobody"):
            call_command("reset_second_factor", "nobody")


@pytest.mark.parametrize("query", ["", "?next=https://evil.example.org/"])
def test_passkeys_are_offered_where_browsers_allow_them(client: Client, query: str) -> None:
    offers = [
        "Log in with a passkey" in client.get(f"/login/{query}", headers={"Host": host}).content.decode()
        for host in ("127.0.0.1:8095", "localhost:8095")
    ]
    assert offers == [False, True]


HOSTILE = [
    "{}",
    "[]",
    "7",
    '"text"',
    "true",
    '{"id": 1}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": null}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"userHandle": "MQ"}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA", '
    '"authenticatorData": "AA", "signature": "AA", "userHandle": "/w"}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30", '
    '"authenticatorData": "AA", "signature": 5, "attestationObject": "oA", "userHandle": "MQ"}}',
    "[" * 5000,
]


@pytest.mark.parametrize("credential", HOSTILE)
class TestHostilePasskeys:
    def test_at_the_log_in(self, client: Client, credential: str) -> None:
        client.get("/account/factors/webauthn/login/", headers={"Accept": "application/json"})
        answer = client.post("/account/factors/webauthn/login/", {"credential": credential})
        assert answer.status_code == 400

    def test_as_a_second_factor(self, client: Client, ann: User, credential: str) -> None:
        codes.set_up(ann)
        codes.password(client)
        client.get(FACTOR)
        assert client.post(FACTOR, {"credential": credential}).status_code == 400

    def test_when_one_is_added(self, client: Client, ann: User, credential: str) -> None:
        codes.set_up(ann)
        codes.log_in(client, codes.shown(-1))
        client.post(AGAIN, {"code": codes.shown()})
        assert client.get("/account/factors/webauthn/add/").status_code == 200
        answer = client.post("/account/factors/webauthn/add/", {"credential": credential})
        assert answer.status_code == 400
