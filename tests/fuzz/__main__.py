"""Send the API what its description allows and what not, as every role: python -m tests.fuzz [role...]

The site is a web server of its own on a database of its own with a day of the simulated market in it. Exits
with 1 when Schemathesis finds an answer that is not as described.
"""

import logging
import os
import subprocess
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()
logging.disable(logging.WARNING)

from django.conf import settings  # noqa: E402  Django must be set up first

from tests.fuzz import site  # noqa: E402

PROGRAM = settings.BASE_DIR / ".venv-fuzz" / "bin" / "schemathesis"
CONFIGURATION = settings.BASE_DIR / "tests" / "fuzz" / "schemathesis.toml"
REPORTS = settings.VAR_DIR / "fuzz"


def main(roles: list[str]) -> int:
    if unknown := sorted({*roles} - {*site.ROLES}):
        print(f"No such role: {', '.join(unknown)}. There are: {', '.join(site.ROLES)}", file=sys.stderr)
        return 2
    REPORTS.mkdir(parents=True, exist_ok=True)
    begun, results = time.monotonic(), {}
    with site.running() as running:
        for role in roles or site.ROLES:
            site.tick()
            results[role] = fuzz(running.url, role, running.tokens[role])
    print(f"\n{time.monotonic() - begun:.0f} s, reports in {REPORTS}")
    for role, code in results.items():
        print(f"{role:12} {'no finding' if code == 0 else 'FINDINGS'}")
    return int(any(results.values()))


def fuzz(url: str, role: str, token: str) -> int:
    print(f"\n=== {role} ===", flush=True)
    identity = ["--header", f"Authorization: Token {token}"] if token else []
    command = [str(PROGRAM), "--config-file", str(CONFIGURATION), "run", f"{url}/api/schema/?format=json"]
    report = ["--report-json-path", str(REPORTS / f"{role}.json")]
    return subprocess.run([*command, *identity, *report], check=False, cwd=REPORTS).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
