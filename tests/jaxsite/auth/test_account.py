"""One's own account: roles, tokens, password, time zone. And logging in."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from tests import make

pytestmark = pytest.mark.django_db
PASSWORD, OTHER = "correct horse battery", "staple of another kind"


@pytest.fixture
def user() -> User:
    account = make.trader()
    account.set_password(PASSWORD)
    account.save()
    account.groups.add(Group.objects.get(name="trader"))
    return account


@pytest.fixture
def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, address: str = "/account/") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def new_token(client: Client, days: str = "30", scope: str = "read", note: str = "") -> str:
    answer = client.post("/account/tokens/", {"days": days, "scope": scope, "note": note})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    (secret,) = re.findall(r'id="token"[^>]*>(\w{64})<', answer.content.decode())
    return str(secret)


def reads(secret: str) -> bool:
    return APIClient().get("/api/v1/quotes/", HTTP_AUTHORIZATION=f"Token {secret}").status_code == 200


def halts(secret: str) -> bool:
    headers = {"Authorization": f"Token {secret}"}
    return APIClient(headers=headers).post("/api/v1/halts/", {"reason": "enough"}).status_code == 201


class TestTokens:
    def test_one_is_shown_once_works_and_is_listed_by_its_beginning(self, browser: Client) -> None:
        secret = new_token(browser)
        assert reads(secret)
        html = page(browser)
        assert secret not in html
        assert f"{secret[:8]}…" in html

    @pytest.mark.parametrize(("days", "lasts"), [("30", 30), ("365", 365)])
    def test_it_ends_when_it_was_said_to(self, browser: Client, days: str, lasts: int) -> None:
        new_token(browser, days)
        left = AuthToken.objects.get().expiry - timezone.now()
        assert timedelta(days=lasts) - timedelta(minutes=1) < left <= timedelta(days=lasts)

    @pytest.mark.parametrize(
        "wrong", [{"days": "99999"}, {"scope": "all"}, {"scope": ""}, {"note": "x" * 61}]
    )
    def test_what_is_not_offered_makes_none(self, browser: Client, wrong: dict[str, str]) -> None:
        answer = browser.post("/account/tokens/", {"days": "30", "scope": "read", "note": ""} | wrong)
        assert answer.status_code == 400
        assert "No token was made" in answer.content.decode()
        assert not AuthToken.objects.exists()

    def test_it_reads_and_no_more_unless_another_scope_is_chosen(self, browser: Client) -> None:
        form = page(browser)
        assert re.search(r'value="read"[^>]* checked', form)
        assert not re.search(r'value="operate"[^>]* checked', form)
        assert "approves and rejects signals" in form
        assert not halts(new_token(browser))
        assert halts(new_token(browser, scope="decide"))

    def test_its_scope_its_purpose_and_its_last_use_are_listed(self, browser: Client) -> None:
        secret = new_token(browser, scope="propose", note="the notebook")
        assert re.search(r"the notebook</td>.*>propose<.*last used\">never", page(browser))
        reads(secret)
        assert 'last used">never' not in page(browser)

    def test_all_are_revoked_at_once_and_nobody_elses(self, browser: Client) -> None:
        other = Client()
        other.force_login(make.trader("ben"))
        kept = new_token(other)
        secrets = [new_token(browser), new_token(browser, scope="decide")]
        assert "Revoke all 2" in page(browser)
        done = browser.post("/account/tokens/revoke-all/", follow=True).content.decode()
        assert "Revoked: 2 API tokens" in done
        assert [reads(secret) for secret in [*secrets, kept]] == [False, False, True]
        assert LogEntry.objects.filter(change_message="Revoked on the account page.").count() == 2

    def test_a_revoked_one_is_refused_and_making_and_revoking_are_recorded(self, browser: Client) -> None:
        secret = new_token(browser)
        browser.post("/account/tokens/revoke/", {"token": AuthToken.objects.get().digest})
        assert not reads(secret)
        assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == [
            "Made on the account page, with the scope read.",
            "Revoked on the account page.",
        ]

    def test_nobody_sees_or_revokes_anothers(self, browser: Client) -> None:
        other = Client()
        other.force_login(make.trader("ben"))
        secret = new_token(other)
        assert secret[:8] not in page(browser)
        answer = browser.post(
            "/account/tokens/revoke/", {"token": AuthToken.objects.get().digest}, follow=True
        )
        assert "You have no such token" in answer.content.decode()
        assert reads(secret)

    def test_a_get_makes_none(self, browser: Client) -> None:
        assert browser.get("/account/tokens/").status_code == 405
        assert not AuthToken.objects.exists()


class TestPassword:
    def change(self, client: Client, old: str = PASSWORD, new: str = OTHER) -> str:
        sent = {"old_password": old, "new_password1": new, "new_password2": new}
        return client.post("/account/password/", sent, follow=True).content.decode()

    def test_a_new_one_logs_out_every_other_device(self, browser: Client, user: User) -> None:
        elsewhere = Client()
        elsewhere.force_login(user)
        assert "Your password is changed" in self.change(browser)
        assert browser.get("/account/").status_code == 200
        assert elsewhere.get("/account/").status_code == 302
        assert elsewhere.login(username="ann", password=OTHER)

    def test_a_new_one_offers_to_revoke_the_tokens_that_there_are(self, browser: Client) -> None:
        secrets = [new_token(browser), new_token(browser)]
        assert "Revoke all 2" in self.change(browser)
        assert all(map(reads, secrets)), "offered, not done"
        browser.post("/account/tokens/revoke-all/")
        assert "Revoke all" not in self.change(browser, OTHER, PASSWORD)
        assert not any(map(reads, secrets))

    @pytest.mark.parametrize(("old", "new"), [("wrong", OTHER), (PASSWORD, "12345678"), (PASSWORD, "ann")])
    def test_a_wrong_old_or_a_weak_new_one_changes_nothing(
        self, browser: Client, user: User, old: str, new: str
    ) -> None:
        assert 'class="errorlist"' in self.change(browser, old, new)
        user.refresh_from_db()
        assert user.check_password(PASSWORD)


class TestWhoOneIs:
    def test_roles_are_said_in_words(self, browser: Client) -> None:
        assert "approves and rejects signals" in page(browser)

    def test_whoever_has_none_is_told_how_to_get_one(self, client: Client) -> None:
        client.force_login(User.objects.create_user("new"))
        assert "you are in no group" in page(client)
        refused = client.get("/")
        assert refused.status_code == 403
        assert "Your login has no role yet" in refused.content.decode()

    def test_a_chosen_zone_counts_more_than_the_devices(self, browser: Client) -> None:
        browser.cookies["zone"] = "Europe/Berlin"
        assert "Shown in <strong>Europe/Berlin</strong>" in page(browser)
        browser.post("/account/zone/", {"zone": "Asia/Tokyo"})
        assert "Shown in <strong>Asia/Tokyo</strong>, which you chose" in page(browser)
        browser.post("/account/zone/", {"zone": ""})
        assert "Shown in <strong>Europe/Berlin</strong>" in page(browser)

    def test_the_chosen_zone_is_the_one_selected(self, browser: Client) -> None:
        for zone in ("Asia/Tokyo", "Europe/Zurich"):
            browser.post("/account/zone/", {"zone": zone})
            shown = page(browser)
            assert re.findall(r"<option selected>([^<]+)</option>", shown) == [zone]
            assert "<option>America/New_York</option>" in shown
        browser.post("/account/zone/", {"zone": ""})
        assert "<option selected>" not in page(browser)

    def test_a_zone_that_there_is_not_is_none(self, browser: Client) -> None:
        browser.post("/account/zone/", {"zone": "../../etc/passwd"})
        browser.cookies["chosen_zone"] = "../../etc/passwd"
        assert "Shown in <strong>UTC</strong>" in page(browser)

    def test_a_stranger_is_asked_to_log_in(self, client: Client) -> None:
        for address in ("/account/", "/account/password/", "/account/password/changed/"):
            assert client.get(address).status_code == 302
        for address in ("/account/tokens/", "/account/tokens/revoke-all/", "/account/zone/"):
            assert client.post(address).status_code == 302


class TestLogin:
    def test_it_leads_to_where_one_wanted_to_go_and_nowhere_else(self, client: Client, user: User) -> None:
        location = client.get("/positions/").headers["Location"]
        sent = {"username": "ann", "password": PASSWORD, "next": "/positions/"}
        assert client.post(location, sent).headers["Location"] == "/positions/"
        client.logout()
        away = client.post("/login/", sent | {"next": "https://evil.example.org/"})
        assert away.headers["Location"] == "/"

    def test_a_wrong_password_is_said_to_be_one(self, client: Client, user: User) -> None:
        html = client.post("/login/", {"username": "ann", "password": "wrong"}).content.decode()
        assert "This name and password do not belong together" in html

    def test_until_somebody_came_it_says_where_the_first_password_is(
        self, client: Client, user: User
    ) -> None:
        html = client.get("/login/").content.decode()
        assert "First time here?" in html
        assert 'href="/static/banner.css"' in html, "that no price is real catches the eye here, too"
        client.force_login(user)
        assert "First time here?" not in Client().get("/login/").content.decode()

    def test_a_form_that_is_out_of_date_says_that_nothing_was_sent(self, user: User) -> None:
        strict = Client(enforce_csrf_checks=True)
        answer = strict.post("/login/", {"username": "ann", "password": PASSWORD})
        assert answer.status_code == 403
        assert "Nothing was sent" in answer.content.decode()
