"""The style guide: for developers alone, and true to the tokens."""

import re

from django.conf import settings
from django.test import Client
from pytest_django.fixtures import Settings

from jaxsite.views.styleguide import COLOURS, SIZES, SPACES

TOKENS = (settings.BASE_DIR / "jaxsite/static/tokens.css").read_text()
RULES = (settings.BASE_DIR / "jaxsite/static/styleguide.css").read_text()


def test_it_is_there_in_debug_alone(client: Client, settings: Settings, db: None) -> None:
    assert client.get("/styleguide/").status_code == 404
    settings.DEBUG = True
    html = client.get("/styleguide/").content.decode()
    assert "--accent-fill" in html


def test_what_it_shows_are_tokens_and_each_is_drawn() -> None:
    defined = set(re.findall(r"--([\w-]+):", TOKENS))
    assert {*COLOURS, *SIZES, *SPACES} <= defined
    drawn = set(re.findall(r"var\(--([\w-]+)\)", RULES))
    assert {*COLOURS, *SIZES, *SPACES} <= drawn
