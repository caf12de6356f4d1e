"""The provider of docs/extending/provider.md, added as the page says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jaxsite.processes import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.long]

PAGE = (ROOT / "docs" / "extending" / "provider.md").read_text()
PROVIDER, COUNTERPART = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(LINE,) = re.findall(r"```diff\n(.*?)```", PAGE, re.DOTALL)
(EXAMPLE,) = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)
LEFT = shutil.ignore_patterns(".*", "var", "__pycache__", "images", "benchmarks", "deploy")
# The tests inside begin with the clock of their own conftest.
ALREADY = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH")
KIT = ("-m", "pytest", "-p", "no:cacheprovider", "tests/conformance/provider")


def run(folder: Path, *arguments: str, **changes: str) -> tuple[int, str]:
    """Run Python there. Return its code and what it printed."""
    environment = {name: value for name, value in os.environ.items() if name not in ALREADY}
    command = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment | {"ENV_FILE": os.devnull, "SECRET_KEY": "only-for-tests"} | changes,
        capture_output=True,
        text=True,
        check=False,
    )
    return command.returncode, command.stdout + command.stderr


def test_it_passes_the_kit_from_outside_of_the_tree(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(PROVIDER)
    (tmp_path / "counterpart.py").write_text(COUNTERPART)
    paths = ("--provider", "module:SPEC", "--vendor", "counterpart:Acme")
    code, printed = run(ROOT, *KIT, *paths, PYTHONPATH=str(tmp_path))
    assert code == 0, printed
    assert "passed" in printed
    assert "skipped" not in printed


def test_without_its_counterpart_its_spec_and_its_failures_are_tried(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(PROVIDER)
    quick = ("-k", "spec or 503 or 401 or answers or body")
    code, printed = run(ROOT, *KIT, "--provider", "module:SPEC", *quick, PYTHONPATH=str(tmp_path))
    assert code == 0, printed
    assert "skipped" in printed


SLOPPY = {
    'headers = {"Authorization"': 'self._key, headers = key, {"Authorization"',
    "Request(f\"/quotes/{quote(symbol, safe='')}\")": 'Request(f"/quotes/{symbol}", {"key": self._key})',
    "partial(self._reserve, spare=10)": "lambda wanted: [0.0] * wanted",
    'failed[symbol] = "no trade yet"': "pass",
    "wire.opened_since(wire.bars(rows, opened_at), since)": "wire.bars(rows[::-1], opened_at[::-1])",
    'Setting("ACME_API_KEY", secret=True, required=True)': 'Setting("ACME_API_KEY", required=True)',
}


def test_a_sloppy_one_fails_where_it_is_sloppy(tmp_path: Path) -> None:
    sloppy = PROVIDER
    for careful, careless in SLOPPY.items():
        assert careful in sloppy
        sloppy = sloppy.replace(careful, careless)
    (tmp_path / "module.py").write_text(sloppy)
    (tmp_path / "counterpart.py").write_text(COUNTERPART)
    paths = ("--provider", "module:SPEC", "--vendor", "counterpart:Acme", "-k", "not test_faults")
    code, printed = run(ROOT, *KIT, *paths, PYTHONPATH=str(tmp_path))
    failed = set(re.findall(r"^FAILED \S+::(\w+)", printed, re.MULTILINE))
    assert code == 1
    assert failed >= {
        "test_a_setting_with_the_name_of_a_secret_is_one",
        "test_bars_are_whole_ordered_and_inside_the_span",
        "test_what_the_pace_does_not_allow_is_declined_and_not_sent",
        "test_keys_travel_in_headers_only",
    }


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the tree with the provider in it."""
    tree = tmp_path / "jax"
    shutil.copytree(ROOT, tree, ignore=LEFT)
    (tree / "market" / "providers" / "acme.py").write_text(PROVIDER)
    (tree / "tests" / "vendors" / "acme.py").write_text(COUNTERPART)
    registry = tree / "market" / "providers" / "registry.py"
    registry.write_text(changed(registry.read_text()))
    (tree / ".env.example").write_text((ROOT / ".env.example").read_text() + EXAMPLE)
    return tree


def changed(text: str) -> str:
    for before, after in re.findall(r"^-(.*)\n((?:^\+.*\n)+)", LINE, re.MULTILINE):
        assert text.count(before + "\n") == 1
        text = text.replace(before + "\n", re.sub(r"^\+", "", after, flags=re.MULTILINE))
    return text


READ = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "jaxsite.settings"
django.setup()
from django.conf import settings
from core.redaction import secret_values
from market import feeds
print(settings.PROVIDERS, settings.DATA_KIND, [type(provider).__name__ for provider in feeds.enabled()])
print("k3y-of-acme" in secret_values(settings), settings.ACME_REQUESTS_PER_MINUTE)
"""


def test_one_file_and_one_line_add_it_everywhere(tree: Path) -> None:
    values = {"ACME_API_KEY": "k3y-of-acme", "ACME_REQUESTS_PER_MINUTE": "7", "PROVIDERS": "acme,simulator"}
    code, printed = run(tree, "-c", READ, **values)
    last = printed.splitlines()[-2:]
    assert (code, last) == (0, ["['acme', 'simulator'] real ['Acme']", "True 7"]), printed
    code, printed = run(tree, "manage.py", "check", ACME_API_KEY="k", PROVIDERS="yahoo")
    assert code == 1
    assert "Known are ib_bridge, alpaca, polygon, acme, simulator." in printed


def test_its_words_and_its_place_pass_the_tests(tree: Path) -> None:
    tests = (
        *KIT,
        "tests/market/providers/test_registry.py",
        "tests/jaxsite/test_settings.py",
        "-k",
        "(acme and not flood and not drip and not never) or nowhere or names_no_other or explained",
    )
    code, printed = run(tree, *tests)
    assert code == 0, printed
    assert not re.search(r"\b[0-7] passed", printed), printed
