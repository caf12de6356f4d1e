import re

import pytest
from django.conf import settings

from tests.jaxsite.processes import ROOT, manage_with

EXAMPLE = (ROOT / ".env.example").read_text()
DIFFSETTINGS = ("diffsettings", "--all")


def test_every_setting_is_explained_in_the_example_file() -> None:
    read = set(re.findall(r'env\.\w+\("([A-Z_]+)"', (ROOT / "jaxsite" / "settings.py").read_text()))
    explained = set(re.findall(r"^#([A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))
    assert explained == read | set(settings.VENDOR_SETTINGS)


@pytest.mark.slow
def test_a_vendors_setting_of_another_type_is_refused_by_its_name() -> None:
    output = manage_with({"POLYGON_REQUESTS_PER_MINUTE": "fast"}, "check", ok=False)
    assert "POLYGON_REQUESTS_PER_MINUTE is not a whole number. Correct it in .env." in output


@pytest.mark.slow
def test_the_values_in_the_example_file_are_the_defaults() -> None:
    written = dict(re.findall(r"^#([A-Z0-9_]+)=(.+)$", EXAMPLE, re.MULTILINE))
    defaults = manage_with({}, *DIFFSETTINGS)
    assert manage_with(written, *DIFFSETTINGS) == defaults
    assert manage_with(written | {"PORT": "9000"}, *DIFFSETTINGS) != defaults


@pytest.mark.slow
def test_addresses_of_people_are_parted_by_spaces_or_commas() -> None:
    urls = "ntfy://one  mailto://ann:pw@example.com?to=a@example.com,b@example.com,json://three"
    output = manage_with({"NOTIFY_URLS": urls}, *DIFFSETTINGS)
    three = ["ntfy://one", "mailto://ann:pw@example.com?to=a@example.com,b@example.com", "json://three"]
    assert f"NOTIFY_URLS = {three}" in output
