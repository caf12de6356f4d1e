from types import SimpleNamespace

from core.registry import Setting, Spec, all_settings, secret_names

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
