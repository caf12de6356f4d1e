"""The example of docs/extending/page.md runs as it is written."""

import re
import sys
from copy import deepcopy
from pathlib import Path
from types import ModuleType

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import path
from pytest_django.fixtures import Settings

from jaxsite import urls
from tests import make
from tests.jaxsite.processes import ROOT

PAGE = (ROOT / "docs" / "extending" / "page.md").read_text()


def block(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


@pytest.fixture(autouse=True)
def site(db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The site with the page of the example in it."""
    fills, addresses = ModuleType("fills"), ModuleType("addresses")
    exec(compile(block("python"), "page.md", "exec"), fills.__dict__)
    vars(addresses).update(
        vars(urls), urlpatterns=[path("fills/", fills.index, name="fills"), *urls.urlpatterns]
    )
    monkeypatch.setitem(sys.modules, "addresses", addresses)
    settings.ROOT_URLCONF = "addresses"
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "fills.html").write_text(block("html"))
    templates = deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"].insert(0, tmp_path)
    settings.TEMPLATES = templates


def test_it_shows_what_it_promises() -> None:
    make.fill(make.order(), quantity=7)
    client = Client()
    client.force_login(make.trader())
    shown = client.get("/fills/").content.decode()
    assert "<h1>Fills</h1>" in shown
    assert "BUY 7 AAPL" in shown
    assert "<time " in shown


def test_a_stranger_is_asked_to_log_in(client: Client) -> None:
    assert client.get("/fills/").headers["Location"] == "/login/?next=/fills/"


def test_a_user_without_a_role_may_not(client: Client) -> None:
    client.force_login(User.objects.create_user("stranger"))
    assert client.get("/fills/").status_code == 403
