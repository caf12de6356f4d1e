"""Change the code that decides about money, one expression at a time, and see whether a test notices.

`make mutate` goes through every subject below, `make mutate SUBJECTS="risk quality"` through some. Each is
mutated by mutmut in a copy of the repository's committed state under var/, so that the work tree stays as it
is. A mutant that survives is printed with its change: either a test is missing, or docs/testing.md says why
none can be.
"""

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIES = ROOT / "var" / "mutants"
APPS = ("core", "market", "signals", "opinions", "approvals")
OTHERS = (
    "desk",
    "jaxsite",
    "templates",
    "tests",
    "docs",
    "benchmarks",
    "deploy",
    "manage.py",
    "gunicorn.conf.py",
)


@dataclass(frozen=True)
class Subject:
    """Files to mutate and the tests that should notice."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]


SUBJECTS = {
    "risk": Subject(("approvals/risk.py",), ("tests/approvals/test_risk.py",)),
    "decisions": Subject(
        ("approvals/decisions.py",),
        (
            "tests/approvals/test_decisions.py",
            "tests/approvals/api/test_decisions.py",
            "tests/approvals/test_exits.py",
        ),
    ),
    "proposals": Subject(
        ("approvals/proposals/*",),
        ("tests/approvals/test_proposals.py", "tests/approvals/test_entry_check.py"),
    ),
    "execution": Subject(("approvals/execution/*.py",), ("tests/approvals/execution",)),
    "positions": Subject(
        ("approvals/positions/*",),
        ("tests/approvals/test_positions.py", "tests/approvals/test_accounting.py"),
    ),
    "paper": Subject(("approvals/brokers/paper/*",), ("tests/approvals/brokers",)),
    "pipeline": Subject(("market/ingestion/pipeline.py",), ("tests/market/ingestion",)),
    "quality": Subject(("market/quality.py",), ("tests/market/test_quality.py",)),
    "trades": Subject(("signals/trades.py",), ("tests/signals/test_trades.py",)),
    "grounding": Subject(
        ("opinions/grounding/*",),
        ("tests/opinions/test_grounding.py", "tests/opinions/test_contradictions.py"),
    ),
}


def configuration(subject: Subject) -> str:
    """Return the section of pyproject.toml that mutmut reads."""
    # One database for all mutants, so one at a time; each begins from the same state.
    arguments = ["-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider", "--reuse-db"]
    values = {
        "source_paths": list(APPS),
        "only_mutate": list(subject.sources),
        "also_copy": list(OTHERS),
        "process_isolation": "forkserver",
        "pytest_add_cli_args": arguments,
        "pytest_add_cli_args_test_selection": list(subject.tests),
    }
    return "\n[tool.mutmut]\n" + "".join(f"{name} = {value!r}\n" for name, value in values.items())


def mutate(name: str, pattern: str | None) -> None:
    """Run mutmut over one subject and print what survived, each with its change."""
    copy = COPIES / name
    shutil.rmtree(copy, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(copy)], check=True)
    with (copy / "pyproject.toml").open("a") as settings:
        settings.write(configuration(SUBJECTS[name]))
    mutmut = Path(sys.executable).with_name("mutmut")
    run = [str(mutmut), "run", "--max-children", "1", *([pattern] if pattern else [])]
    with (copy / "run.log").open("w") as log:
        subprocess.run(run, cwd=copy, stdout=log, stderr=subprocess.STDOUT, check=False)
    print(f"{name}: {(copy / 'run.log').read_text().split(chr(13))[-1].strip()[:200]}", flush=True)
    results = subprocess.run(
        [str(mutmut), "results"], cwd=copy, capture_output=True, text=True, check=True
    ).stdout
    for line in results.splitlines():
        mutant, _, outcome = line.strip().partition(": ")
        if outcome not in ("killed", "not checked"):
            print(f"\n{mutant}: {outcome}")
            shown = subprocess.run(
                [str(mutmut), "show", mutant], cwd=copy, capture_output=True, text=True, check=False
            )
            print("\n".join(row for row in shown.stdout.splitlines() if row[:1] in "+-@"), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument("--mutants", help="only mutants of this name, * for any part of it")
    options = parser.parse_args()
    if unknown := set(options.subjects) - SUBJECTS.keys():
        parser.error(f"There is no subject {', '.join(sorted(unknown))}. Choose from {', '.join(SUBJECTS)}.")
    for name in options.subjects or SUBJECTS:
        mutate(name, options.mutants)


if __name__ == "__main__":
    main()
