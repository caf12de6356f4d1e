"""Logging in with a second factor in a real browser, under our policy: passkeys, an app without scripts."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.browser.conftest import Chromium, Visit, Visitor
from tests.jaxsite.auth import codes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.long]

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def ann(transactional_db: None) -> User:
    return User.objects.create_superuser("ann", password=codes.PASSWORD)


def give_an_authenticator(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


def log_in(page: Page, then: str = "/account/") -> None:
    page.goto(f"/login/?next={then}")
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill(codes.PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def log_out(page: Page) -> None:
    page.goto("/account/")
    page.get_by_role("button", name="Log out").first.click()


def test_a_passkey_is_a_second_factor_and_a_log_in_by_itself(visit: Visit, ann: User) -> None:
    def work(visitor: Visitor) -> None:
        visitor.address, visitor.session = visitor.address.replace("127.0.0.1", "localhost"), "none"
        with visitor.page() as page:
            give_an_authenticator(page)
            log_in(page)
            page.goto("/account/factors/webauthn/add/")
            page.get_by_label("Your password").fill(codes.PASSWORD)
            page.get_by_role("button", name="Go on").click()
            page.get_by_label("Log in with it alone").check()
            page.get_by_role("button", name="Add it").click()
            expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
            log_out(page)

            log_in(page, then="/admin/")
            page.get_by_role("button", name="Use a passkey").click()
            expect(page).to_have_url(re.compile(r":\d+/admin/$"))
            log_out(page)

            page.goto("/login/?next=/positions/")
            page.get_by_role("button", name="Log in with a passkey").click()
            expect(page).to_have_url(re.compile(r":\d+/positions/$"))

            page.goto("/account/")
            page.get_by_role("button", name="Make a token").click()
            page.get_by_role("button", name="Use a passkey").click()
            expect(page.get_by_role("heading", name="Copy your new token now")).to_be_visible()

    assert visit(work).complaints == []


def test_an_app_needs_no_scripts(visit: Visit, ann: User, chromium: Chromium) -> None:
    def work(visitor: Visitor) -> None:
        visitor.session = "none"
        with visitor.page(scripts=False) as page:
            log_in(page)
            page.get_by_role("link", name="Set up the second factor").click()
            page.get_by_role("link", name="Set up an app").click()
            page.get_by_label("Your password").fill(codes.PASSWORD)
            page.get_by_role("button", name="Go on").click()
            expect(page.locator(".qr svg")).to_be_visible()
            secret = page.locator("#secret").inner_text()
            page.get_by_label("Code that the app shows").fill(codes.shown(secret=secret))
            page.get_by_role("button", name="Set it up").click()
            expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
            log_out(page)

            log_in(page)
            page.get_by_label("Code of your app").fill(codes.shown(1, secret))
            page.get_by_role("button", name="Log in").click()
            expect(page.get_by_role("heading", name="ann")).to_be_visible()

    assert visit(work).complaints == []
