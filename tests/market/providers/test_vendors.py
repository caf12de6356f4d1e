"""The loopback vendors as programs of their own."""

import subprocess
import sys

import pytest
import requests

from tests.vendors import IBBridge


@pytest.mark.slow
def test_a_vendor_runs_by_hand() -> None:
    command = [sys.executable, "-m", "tests.vendors", "ib_bridge", "--symbols", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as vendor:
        assert vendor.stdout is not None
        url = vendor.stdout.readline().strip()
        quote = requests.get(f"{url}/quotes/AAAC", timeout=60).json()
        vendor.terminate()
    assert quote["symbol"] == "AAAC"
    assert quote["price"] > 0


def test_the_limit_is_a_strict_sliding_window() -> None:
    with IBBridge(allows=(2, 30.0)) as vendor:
        codes = [requests.get(f"{vendor.url}/quotes/AAPL", timeout=60).status_code for _ in range(3)]
        health = requests.get(f"{vendor.url}/health", timeout=60)
    assert codes == [200, 200, 429]
    assert health.status_code == 200
    assert vendor.turned_away == 1
