"""Passkeys without a browser: log-in, asked for first, users who are switched off, and too many tries."""

import json

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals.models import AuditEvent, Notification
from tests.jaxsite.auth import codes
from tests.jaxsite.auth.passkey import AGAIN, HOST, LOG_IN, Passkey

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return User.objects.create_superuser("ann", password=codes.PASSWORD)


@pytest.fixture
def passkey(ann: User) -> Passkey:
    key, client = Passkey(), Client()
    codes.password(client)
    client.post("/account/again/", {"password": codes.PASSWORD})
    key.add(client)
    assert Authenticator.objects.filter(type="webauthn").count() == 1
    return key


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_it_logs_in_by_itself(client: Client, passkey: Passkey) -> None:
    passkey.log_in(client)
    assert is_in(client)
    event = AuditEvent.objects.filter(kind="user logged in").latest("number")
    assert json.loads(event.text)["facts"]["factors"] == ["webauthn"]


def test_that_one_was_added_is_an_event_and_a_message(passkey: Passkey) -> None:
    assert AuditEvent.objects.filter(kind="passkey added", actor="ann").count() == 1
    assert Notification.objects.filter(title="ann: passkey added").count() == 1


def test_a_user_who_is_switched_off_is_told_and_stays_out(client: Client, passkey: Passkey) -> None:
    User.objects.update(is_active=False)
    answer = passkey.log_in(client)
    assert answer.headers["Location"] == "/login/"
    assert "This login is switched off" in client.get("/login/").content.decode()
    assert not is_in(client)
    assert AuditEvent.objects.filter(kind="user logged in").count() == 1, "that of before"


def test_a_key_of_another_is_refused_and_recorded_without_a_name(client: Client, passkey: Passkey) -> None:
    forged = Passkey()
    forged.user_handle = passkey.user_handle
    forged.log_in(client)
    assert not is_in(client)
    assert AuditEvent.objects.get(kind="log-in failed").subject == "other names"


@pytest.mark.parametrize(
    ("host", "first"), [(HOST, AGAIN), ("127.0.0.1", "/account/factors/reauthenticate/")]
)
def test_it_is_asked_for_first_where_it_works(
    client: Client, ann: User, passkey: Passkey, host: str, first: str
) -> None:
    codes.set_up(ann)
    client.force_login(ann)
    asked = client.get("/account/password/", headers={"Host": host})
    assert asked.headers["Location"].partition("?")[0] == first
    assert client.get(first, headers={"Host": host}).status_code == 200


def test_shown_again_it_opens_what_was_asked_for(client: Client, passkey: Passkey) -> None:
    passkey.log_in(client)
    assert client.get("/account/password/").status_code == 302
    answer = passkey.show_again(client, "/account/password/")
    assert answer.headers["Location"] == "/account/password/"
    assert client.get("/account/password/").status_code == 200


def test_too_many_tries_get_a_page_that_says_so(client: Client, ann: User, passkey: Passkey) -> None:
    client.force_login(ann)
    answers = [client.post(AGAIN, {"credential": "{}"}, headers={"Host": HOST}) for _ in range(21)]
    assert {answer.status_code for answer in answers[:19]} == {400}
    assert answers[-1].status_code == 429
    assert "Wait a few minutes" in answers[-1].content.decode()


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ANY_BYTES = st.binary(max_size=80).map(lambda raw: raw.hex()) | st.text(max_size=40) | ANY_JSON
ANY_CREDENTIAL = ANY_JSON | st.fixed_dictionaries(
    {"id": ANY_BYTES, "rawId": ANY_BYTES, "type": st.just("public-key") | ANY_JSON},
    optional={
        "response": st.dictionaries(
            st.sampled_from(
                ["clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject"]
            ),
            ANY_BYTES,
        )
    },
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(credential=ANY_CREDENTIAL)
def test_no_json_makes_the_log_in_fail_otherwise_than_by_400(client: Client, credential: object) -> None:
    answer = client.post(LOG_IN, {"credential": json.dumps(credential)}, headers={"Host": HOST})
    assert answer.status_code in (302, 400, 429)
