"""A provider describes itself, and building it does nothing."""

import ast
import inspect
import sys

from tests.conformance.provider.candidates import SECRET, Candidate
from tests.vendors.server import Vendor


def test_a_setting_with_the_name_of_a_secret_is_one(candidate: Candidate) -> None:
    open_ones = [setting.name for setting in candidate.spec.settings if not setting.secret]
    assert [name for name in open_ones if SECRET.search(name)] == []


def test_its_settings_are_its_own(candidate: Candidate) -> None:
    """All begin with its name, or with that of the vendor whose own process it runs."""
    name = candidate.spec.name if candidate.spec.process is None else candidate.spec.name.partition("_")[0]
    strangers = [
        each.name for each in candidate.spec.settings if not each.name.startswith(f"{name.upper()}_")
    ]
    assert strangers == []


def test_one_that_asks_a_host_is_off_until_it_is_set_up(candidate: Candidate, vendor: Vendor) -> None:
    defaults = {setting.name: setting.default for setting in candidate.spec.settings}
    assert candidate.spec.is_configured(candidate.values(vendor))
    assert candidate.spec.is_configured(defaults) is not candidate.is_remote


def test_real_prices_need_a_host_and_simulated_ones_need_none(candidate: Candidate) -> None:
    assert candidate.spec.is_simulated is not candidate.is_remote


def test_it_is_built_without_asking_and_has_the_name_of_its_spec(
    candidate: Candidate, vendor: Vendor
) -> None:
    assert candidate.build(vendor).name == candidate.spec.name
    assert vendor.visits == []


def test_its_module_knows_no_django_and_no_clock(candidate: Candidate) -> None:
    tree = ast.parse(inspect.getsource(sys.modules[candidate.build_module]))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert [name for name in names if name.partition(".")[0] in ("django", "urllib3", "time")] == []
    assert "datetime.now(" not in ast.unparse(tree)
