"""What is heavy is imported by those who use it."""

import subprocess
import sys

import pytest

LOADED = "import sys; import {}; print([name for name in {!r} if name in sys.modules])"
HEAVY = ["openai", "httpx2", "requests", "pydantic", "aiohttp", "hindsight_client", "django", "numpy"]


@pytest.mark.parametrize("module", ["opinions.analysts.base", "opinions.analysts.llm", "core.deadline"])
def test_a_worker_that_does_not_ask_stays_small(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(module, HEAVY)], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_hindsight_is_imported_without_its_client() -> None:
    program = "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; django.setup(); "
    program += LOADED.format("opinions.memory.hindsight", ["hindsight_client", "aiohttp"])
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
