"""How a speed is measured: beside its limit, in the same run, on the same machine."""

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter

ROUNDS = 3
WIDTHS = (12, 12, 8, 9, 6, 20)


@dataclass(frozen=True)
class Result:
    """A claim: `value` is at most `allowed` times `limit`. Both are in `unit`."""

    name: str
    value: float
    limit: float
    allowed: float
    unit: str = "s"
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.value / self.limit

    @property
    def is_over(self) -> bool:
        return self.ratio > self.allowed

    def cells(self) -> tuple[str, ...]:
        return (
            self.name,
            f"{self.value:.3f} {self.unit}",
            f"{self.limit:.3f} {self.unit}",
            f"{self.ratio:.2f}",
            f"{self.allowed:.2f}",
            "OVER" if self.is_over else "ok",
            self.note,
        )


@dataclass(frozen=True)
class Benchmark:
    """What to run and how large: in the tests, by default, and with FULL=1."""

    run: Callable[[int], list[Result]]
    tiny: int
    medium: int
    full: int


def seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def alternate(steps: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, float]:
    """The median of what each step measured. They take turns, so that a busy moment meets all of them."""
    measured = [{name: step() for name, step in steps.items()} for _ in range(rounds)]
    return {name: statistics.median(turn[name] for turn in measured) for name in steps}


def report(benchmarks: Iterable[Benchmark], is_full: bool) -> bool:
    """Run them one after the other and print a table; whether each kept its limit."""
    print(_line("benchmark", "value", "limit", "ratio", "allowed"))
    kept = True
    for benchmark in benchmarks:
        for result in benchmark.run(benchmark.full if is_full else benchmark.medium):
            print(_line(*result.cells()), flush=True)
            kept = kept and not result.is_over
    return kept


def _line(name: str, *cells: str) -> str:
    return f"{name:<24}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=False))
