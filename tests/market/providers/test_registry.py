"""The registry is the only place, beside a provider's own file, that knows which providers there are."""

import re

from market.providers import registry
from tests.jaxsite.processes import ROOT

APPS = ("core", "market", "signals", "opinions", "approvals", "desk", "jaxsite", "templates")
KINDS = {".py", ".html", ".js", ".txt", ".css"}
# A vendor may be a provider and a broker; a migration keeps what was true when it was written.
ELSEWHERE = ("market/providers/", "approvals/brokers/", "/migrations/")


def test_a_provider_stands_nowhere_but_in_its_own_file_and_the_registry() -> None:
    names = [spec.name for spec in registry.SPECS] + [spec.title for spec in registry.SPECS]
    settings = [setting.name for spec in registry.SPECS for setting in spec.settings]
    named = re.compile("|".join(map(re.escape, [*names, *settings])), re.IGNORECASE)
    files = [file for app in APPS for file in (ROOT / app).rglob("*") if file.suffix in KINDS]
    assert len(files) > 300
    places = [
        f"{path}:{number}: {line.strip()}"
        for file in files
        if not any(part in (path := str(file.relative_to(ROOT))) for part in ELSEWHERE)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if named.search(line)
    ]
    assert places == []


def test_a_provider_names_no_other_provider() -> None:
    for spec in registry.SPECS:
        text = (ROOT / "market" / "providers" / f"{spec.name}.py").read_text().lower()
        others = [other.title.lower() for other in registry.SPECS if other is not spec]
        assert [title for title in others if title in text] == []


def test_prices_that_are_simulated_come_from_simulated_providers_only() -> None:
    assert [spec.name for spec in registry.SIMULATED] == ["simulator"]
    assert [spec.name for spec in registry.REAL] == ["ib_bridge", "alpaca", "polygon"]
    assert registry.CONSOLIDATED == ["ib_bridge", "polygon", "simulator"]


def test_it_says_how_to_get_real_prices() -> None:
    assert registry.how_to_get_real_prices() == (
        "IB_BRIDGE_URL, or ALPACA_API_KEY and ALPACA_API_SECRET, or POLYGON_API_KEY"
    )
