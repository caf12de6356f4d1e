"""What must be true of a release: `make release`. Changes nothing; the tag is set by hand."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jaxsite import __version__

ROOT = Path(__file__).resolve().parent.parent
VERSION = re.compile(r"\d+\.\d+\.\d+")
DIRECT = re.compile(r"([\w.-]+)(?:\[[\w,-]+\])?==([\w.]+)")
LOCKED = re.compile(r"([\w.-]+)==([\w.]+)(?: ; .+)? \\")
PLACE = re.compile(r"--index-url|--extra-index-url|--find-links|\b(?:file|https?)://.*")


@dataclass
class Package:
    """A package of a lock file. `required_by`: other packages, or "-r FILE" for a direct requirement."""

    version: str
    hashes: set[str] = field(default_factory=set)
    required_by: set[str] = field(default_factory=set)


def main() -> int:
    problems = [
        *version_problems(__version__, (ROOT / "CHANGELOG.md").read_text()),
        *lock_problems(ROOT),
        *history_problems(__version__),
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"Ready. Now: git tag --annotate v{__version__} --message 'Jax {__version__}'")
        print(f"           git push origin v{__version__}")
    return 1 if problems else 0


def version_problems(version: str, changelog: str) -> Iterator[str]:
    """Yield why the changelog does not describe this version."""
    if not VERSION.fullmatch(version):
        yield f"jaxsite/__init__.py: {version} is not a version such as 1.2.3."
    newest = re.search(r"^## (.+)$", changelog, re.MULTILINE)
    if newest is None or not re.fullmatch(rf"{re.escape(version)}, \d{{4}}-\d\d-\d\d", newest[1]):
        title = newest[1] if newest else "missing"
        yield f"CHANGELOG.md: the newest section is '{title}', not '{version}, YYYY-MM-DD'."


def lock_problems(folder: Path) -> Iterator[str]:
    """Yield where the lock files differ from what is asked for in the .in files. Reads files only."""
    runtime, development = folder / "requirements.in", folder / "requirements-dev.in"
    direct = dict(DIRECT.findall(runtime.read_text()))
    yield from _differences(folder / "requirements.txt", direct)
    yield from _differences(
        folder / "requirements-dev.txt", direct | dict(DIRECT.findall(development.read_text()))
    )
    installed, tested = locked(folder / "requirements.txt"), locked(folder / "requirements-dev.txt")
    for name, package in installed.items():
        if name not in tested or (tested[name].version, tested[name].hashes) != (
            package.version,
            package.hashes,
        ):
            yield f"requirements-dev.txt: {name} is not the same as in requirements.txt. Run make lock."


def _differences(lock: Path, direct: dict[str, str]) -> Iterator[str]:
    wanted = {normal(name): version for name, version in direct.items()}
    packages = locked(lock)
    for name, version in wanted.items():
        if name not in packages or packages[name].version != version:
            yield f"{lock.name}: {name}=={version} is asked for and not locked. Run make lock."
    for name, package in packages.items():
        if not package.hashes:
            yield f"{lock.name}: {name} has no hash. Run make lock."
        sources = {source for source in package.required_by if not source.startswith("-c ")}
        if any(source.startswith("-r ") for source in sources) and name not in wanted:
            yield f"{lock.name}: {name} is not asked for any more. Run make lock."
        if gone := {source for source in sources if not source.startswith("-r ")} - packages.keys():
            yield f"{lock.name}: {name} is there for {', '.join(sorted(gone))}, which is not. Run make lock."
    if place := PLACE.search(lock.read_text()):
        yield f"{lock.name} names a path or an index of one machine: {place[0]}"


def locked(lock: Path) -> dict[str, Package]:
    """Return the packages of a lock file by name."""
    packages: dict[str, Package] = {}
    package = Package("")
    for line in lock.read_text().splitlines():
        if entry := LOCKED.fullmatch(line):
            package = packages[entry[1]] = Package(entry[2])
        elif line.strip().startswith("--hash="):
            package.hashes.add(line.strip(" \\").removeprefix("--hash="))
        elif line.startswith("    #"):
            source = line.strip(" #").removeprefix("via").strip()
            package.required_by |= {source} if source else set()
    return packages


def normal(name: str) -> str:
    """Return the name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def history_problems(version: str) -> Iterator[str]:
    """Yield what git says against a release: changes, a tag that exists, a released migration changed."""
    if _git("status", "--porcelain"):
        yield "There are changes that are not committed."
    tags = _git("tag", "--list", "v*", "--sort=-version:refname").split()
    if f"v{version}" in tags:
        yield f"v{version} is released already: raise __version__ in jaxsite/__init__.py."
    elif tags:
        changed = _git("diff", "--name-only", "--diff-filter=a", tags[0], "--", "*/migrations/*.py")
        yield from (f"{path} was released with {tags[0]} and has changed." for path in changed.split())


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
