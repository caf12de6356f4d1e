"""The numbers of the cases, what each needs, and the report of a run."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar, cast

import pytest

Case = TypeVar("Case", bound=Callable[..., Any])

PASSED, FAILED, KNOWN_TO_FAIL = "passed", "failed", "known to fail"
NOT_APPLICABLE, NOT_PLAYED = "not applicable", "not played"
RESULTS = (PASSED, FAILED, KNOWN_TO_FAIL, NOT_APPLICABLE, NOT_PLAYED)

OF_JAX = 201  # the first number of the cases in which Jax itself drives the broker
EVERYWHERE = (201, 203, 217, 230, 262)  # of those: tried with every broker by `make test`


class Line(NamedTuple):
    """A case as a run left it. `why`: what it needs that the broker or its counterpart lacks."""

    broker: str
    number: str
    name: str
    result: str
    why: str = ""


def case(number: int, *needs: str) -> Callable[[Case], Case]:
    """Number a case for good. `needs`: capabilities that its broker must have; "no replaces": must lack."""
    return pytest.mark.case(number, needs)


def label(number: int) -> str:
    """Return a case's number as it is cited, as in B007."""
    return f"B{number:03}"


def name_of(function: str) -> str:
    """Return a case's name: its function's, as words."""
    return function.removeprefix("test_").replace("_", " ")


def lacks(needs: Iterable[str], capabilities: object) -> str:
    """Return the capability for which a case is not applicable; empty when it is."""
    for need in needs:
        is_lack, name = need.startswith("no "), need.removeprefix("no ")
        if bool(getattr(capabilities, name)) is is_lack:
            return f"it {'has' if is_lack else 'lacks'} the capability {name}"
    return ""


def lines(reports: Iterable[pytest.TestReport]) -> list[Line]:
    """Return the cases of a run, by broker and number."""
    rows = []
    for report in reports:
        for name, value in report.user_properties:
            if name == "case" and (report.when == "call" or not report.passed):
                broker, number, sentence = cast(tuple[str, str, str], value)
                rows.append(Line(broker, number, sentence, *_result(report)))
    return sorted(rows)


def _result(report: pytest.TestReport) -> tuple[str, str]:
    """Return the result and why: of a case that is skipped or known to fail."""
    if known := getattr(report, "wasxfail", ""):
        return (KNOWN_TO_FAIL, known) if report.skipped else (PASSED, "")
    if not report.skipped:
        return (FAILED if report.failed else PASSED), ""
    reason = str(report.longrepr[2]).removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
    if reason.startswith(f"{NOT_PLAYED}: "):
        return NOT_PLAYED, reason.removeprefix(f"{NOT_PLAYED}: ")
    return NOT_APPLICABLE, reason


def summary(rows: Iterable[Line]) -> Iterator[str]:
    """Yield a line for each broker with how many cases passed and how many did not."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row.broker, Counter())[row.result] += 1
    for broker, count in counts.items():
        parts = ", ".join(f"{count[result]} {result}" for result in RESULTS if count[result])
        yield f"{broker}: {count.total()} cases, {parts}"


def document(rows: list[Line]) -> str:
    """Return the report as Markdown: a summary, then a table for each broker."""
    parts = ["# Conformance of brokers", "", *(f"- {line}" for line in summary(rows)), ""]
    for broker in sorted({row.broker for row in rows}):
        parts += [f"## {broker}", "", "| case | | result | |", "|---|---|---|---|"]
        parts += [
            f"| {row.number} | {row.name} | {row.result} | {row.why} |"
            for row in rows
            if row.broker == broker
        ]
        parts.append("")
    return "\n".join(parts)
