"""What is heavy is imported by those who use it."""

import subprocess
import sys

import pytest

LOADED = "import sys; import {}; print([name for name in {!r} if name in sys.modules])"
HEAVY = ["asyncio", "pydantic", "aiohttp", "django", "numpy"]


@pytest.mark.parametrize("module", ["opinions.analysts.base", "opinions.analysts.llm"])
def test_a_worker_that_does_not_ask_stays_small(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(module, HEAVY)], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
