"""Change the code that decides about money, one expression at a time, and see whether a test notices.

`make mutate` goes through every subject below, `make mutate SUBJECTS="risk quality"` through some. Each is
mutated by mutmut in a copy of the repository's committed state under var/, so that the work tree stays as it
is. A mutant that survives is printed with its change: either a test is missing, or docs/testing.md says why
none can be.
"""

import argparse
import ast
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from jaxsite.embedded_postgres import server

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
)


@dataclass(frozen=True)
class Subject:
    """Files to mutate and the tests that should notice."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]


SUBJECTS = {
    "trades": Subject(("signals/trades.py",), ("tests/signals/test_trades.py",)),
    "quality": Subject(
        ("market/quality/__init__.py",),
        ("tests/market/test_quality.py", "tests/market/test_quality_edges.py"),
    ),
    "risk": Subject(("approvals/risk.py",), ("tests/approvals/test_risk.py",)),
    "decisions": Subject(
        ("approvals/decisions.py",),
        (
            "tests/approvals/test_decisions.py",
            "tests/approvals/test_decision_records.py",
            "tests/approvals/api/test_decisions.py",
            "tests/approvals/test_version.py",
        ),
    ),
    "grounding": Subject(
        ("opinions/grounding/*.py",),
        (
            "tests/opinions/test_grounding.py",
            "tests/opinions/test_grounding_reading.py",
            "tests/opinions/test_grounding_snapshots.py",
            "tests/opinions/test_contradictions.py",
        ),
    ),
    "pipeline": Subject(("market/ingestion/pipeline.py",), ("tests/market/ingestion",)),
    "proposals": Subject(
        ("approvals/proposals/*.py",),
        (
            "tests/approvals/test_proposals.py",
            "tests/approvals/test_proposal_edges.py",
            "tests/approvals/test_entry_check.py",
            "tests/approvals/test_version.py",
        ),
    ),
    "paper": Subject(
        ("approvals/brokers/paper/*.py",),
        ("tests/approvals/brokers", "tests/approvals/execution/test_paper_book.py"),
    ),
    "positions": Subject(
        ("approvals/positions/*.py",),
        (
            "tests/approvals/positions",
            "tests/approvals/api/test_positions.py",
        ),
    ),
    "execution": Subject(("approvals/execution/*.py",), ("tests/approvals/execution",)),
}


def sources(subject: Subject, root: Path = ROOT) -> list[Path]:
    """Return the files to mutate. Raises ValueError for a pattern that no file matches."""
    files = []
    for pattern in subject.sources:
        matching = sorted(root.glob(pattern))
        if not matching:
            raise ValueError(f"No file is named {pattern}.")
        files += matching
    return files


def undecorated(source: str) -> str:
    """Return the source with each decorator called below its function: mutmut skips decorated ones.

    A cache is left away, for it hides from mutmut which tests reach the function.
    """
    lines = source.splitlines(keepends=True)
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    for function in sorted(functions, key=lambda node: node.lineno, reverse=True):
        decorators = [ast.unparse(decorator) for decorator in function.decorator_list]
        if len(decorators) == 1 and decorators[0] not in ("staticmethod", "classmethod"):
            call = f"{' ' * function.col_offset}{function.name} = {decorators[0]}({function.name})\n"
            if decorators[0] != "cache":
                lines.insert(function.end_lineno or function.lineno, call)
            del lines[function.decorator_list[0].lineno - 1]
    return "".join(lines)


def configuration(subject: Subject) -> str:
    """Return the section of pyproject.toml that mutmut reads."""
    # One database for all mutants, so one at a time; each begins from the same state. What only takes long is
    # left out.
    arguments = ["-q", "-x", "-m", "not slow", "-k", "not huge_text"]
    arguments += ["-p", "no:xdist", "-p", "no:cacheprovider", "--reuse-db"]
    values = {
        "source_paths": list(APPS),
        "only_mutate": list(subject.sources),
        "also_copy": list(OTHERS),
        "process_isolation": "forkserver",
        # An endless loop ends after five times what the tests took, and some seconds.
        "timeout_multiplier": 5.0,
        "timeout_constant": 15.0,
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
    with (copy / "tests" / "conftest.py").open("a") as conftest:
        conftest.write('\npytest_plugins.append("docs.tooling.mutant_runs")\n')
    for file in sources(SUBJECTS[name], copy):
        file.write_text(undecorated(file.read_text()))
    server.ensure(copy / "var")  # while this process lives; else each mutant starts and stops one
    mutmut = Path(sys.executable).with_name("mutmut")
    run = [str(mutmut), "run", "--max-children", "1", *([pattern] if pattern else [])]
    environment = os.environ | {"VAR_DIR": str(copy / "var")}
    with (copy / "run.log").open("w") as log:
        subprocess.run(run, cwd=copy, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)
    outcomes = results(mutmut, copy)
    print(f"{name}: {len(outcomes)} mutants, {dict(Counter(outcomes.values()))}", flush=True)
    for mutant, outcome in outcomes.items():
        if outcome != "killed":
            print(f"\n{mutant}: {outcome}")
            shown = subprocess.run(
                [str(mutmut), "show", mutant], cwd=copy, capture_output=True, text=True, check=False
            )
            print("\n".join(row for row in shown.stdout.splitlines() if row[:1] in "+-@"), flush=True)


def results(mutmut: Path, copy: Path) -> dict[str, str]:
    """Return the outcome of each mutant that was tried, by name."""
    listing = subprocess.run(
        [str(mutmut), "results", "--all", "true"], cwd=copy, capture_output=True, text=True, check=True
    ).stdout
    outcomes = dict(line.strip().split(": ") for line in listing.splitlines())
    return {mutant: outcome for mutant, outcome in outcomes.items() if outcome != "not checked"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument(
        "--mutants",
        help="only mutants of this name, * for any part of it; '*_[0-9]' or '*[258]' for a sample",
    )
    options = parser.parse_args()
    if unknown := set(options.subjects) - SUBJECTS.keys():
        parser.error(f"There is no subject {', '.join(sorted(unknown))}. Choose from {', '.join(SUBJECTS)}.")
    for name in options.subjects or SUBJECTS:
        mutate(name, options.mutants)


if __name__ == "__main__":
    main()
