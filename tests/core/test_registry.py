from types import SimpleNamespace
from typing import Any

import pytest

from core.registry import (
    InvalidSpec,
    Setting,
    Spec,
    all_settings,
    read_settings,
    registry,
    secret_names,
)
from core.registry.environment import Environment

SPEC = Spec(
    name="acme",
    title="Acme",
    settings=(
        Setting("ACME_KEY", secret=True, required=True),
        Setting("ACME_SECRET", secret=True, required=True),
        Setting("ACME_PACE", cast=int, default=200),
    ),
)


def test_a_vendor_is_configured_once_all_required_settings_are_set() -> None:
    assert SPEC.is_configured({"ACME_KEY": "k", "ACME_SECRET": "s"})
    assert not SPEC.is_configured({"ACME_KEY": "k", "ACME_SECRET": ""})
    assert not SPEC.is_configured({})


def test_a_vendor_without_required_settings_is_always_configured() -> None:
    assert Spec(name="simulator", title="Simulator").is_configured({})


def test_it_says_which_settings_switch_it_on() -> None:
    assert SPEC.how_to_configure == "Set ACME_KEY and ACME_SECRET."
    assert Spec(name="simulator", title="Simulator").how_to_configure == ""


def test_its_values_are_read_from_the_settings() -> None:
    settings = SimpleNamespace(ACME_KEY="k", ACME_SECRET="s", ACME_PACE=5, OTHER=1)
    assert SPEC.values(settings) == {"ACME_KEY": "k", "ACME_SECRET": "s", "ACME_PACE": 5}


def test_settings_that_two_vendors_share_are_named_once() -> None:
    assert [setting.name for setting in all_settings([SPEC, SPEC])] == [
        "ACME_KEY",
        "ACME_SECRET",
        "ACME_PACE",
    ]
    assert secret_names([SPEC, SPEC]) == ["ACME_KEY", "ACME_SECRET"]


def test_settings_are_read_with_their_type_and_default() -> None:
    read = Environment({"ACME_KEY": "k", "ACME_PACE": "5"}).read
    assert read_settings([SPEC], read) == {"ACME_KEY": "k", "ACME_SECRET": "", "ACME_PACE": 5}


def test_a_value_of_another_type_is_refused_with_the_name_of_its_setting() -> None:
    environment = Environment({"ACME_PACE": "fast"})
    assert read_settings([SPEC], environment.read)["ACME_PACE"] == 200
    assert environment.problems == ["ACME_PACE is not a whole number: fast."]


CONTRADICTIONS = [
    (lambda: Setting("acme_key"), "not a name of a setting"),
    (lambda: Setting("ACME_KEY", secret=True, default="k"), "cannot have a default"),
    (lambda: Setting("ACME_URL", required=True, default="u"), "cannot have a default"),
    (lambda: Setting("ACME_PIN", cast=int, secret=True, default=0), "must be text"),
    (lambda: Spec(name="Acme Corp", title="Acme"), "not a vendor's name"),
    (lambda: Spec(name="a_name_that_no_column_takes", title="Acme"), "not a vendor's name"),
    (lambda: Spec(name="acme", title=""), "no title"),
    (lambda: Spec(name="acme", title="Acme", settings=(Setting("A"), Setting("A"))), "a setting twice"),
    (lambda: registry(SPEC, SPEC), "taken twice"),
    (lambda: registry(SPEC, Spec(name="b", title="B", settings=(Setting("ACME_PACE"),))), "differently"),
]


@pytest.mark.parametrize(("make", "reason"), CONTRADICTIONS, ids=range(len(CONTRADICTIONS)))
def test_a_spec_that_contradicts_itself_or_another_is_refused(make: Any, reason: str) -> None:
    with pytest.raises(InvalidSpec, match=reason):
        make()


def test_a_registry_keeps_its_order() -> None:
    other = Spec(name="other", title="Other")
    assert registry(other, SPEC) == (other, SPEC)
