import pytest

from benchmarks.catalogue import CATALOGUE
from benchmarks.measure import Benchmark, Result, alternate, report

WITH_PROCESSES = {
    *("approve.latency", "imports.load", "memory.worker", "opinions.fair", "queue", "strangers"),
    *("broker.stream", "stream.load"),
}
WAITS = "broker.poll"  # for whole minutes
NAMES = [
    pytest.param(name, marks=[pytest.mark.slow] if name in WITH_PROCESSES else [])
    for name in CATALOGUE
    if name != WAITS
]


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", NAMES)
def test_a_tiny_run_measures_what_it_claims_beside_its_limit(name: str) -> None:
    benchmark = CATALOGUE[name]
    results = benchmark.run(benchmark.tiny)
    assert all(result.name.startswith(name) for result in results)
    assert min(min(result.value, result.limit) for result in results) > 0
    assert min(result.allowed for result in results) > 0


def test_a_report_prints_every_result_and_says_which_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    within = Benchmark(lambda size: [Result("within", size, 1.0, 2.0, note="7 rows/s")], 1, 2, 4)
    over = Benchmark(lambda size: [Result("over", size, 1.0, 1.5)], 1, 2, 4)
    assert report([within], is_full=False)
    assert not report([over, within], is_full=False)
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert printed == [
        ["benchmark", "value", "limit", "ratio", "allowed"],
        ["within", "2.000", "s", "1.000", "s", "2.00", "2.00", "ok", "7", "rows/s"],
        ["benchmark", "value", "limit", "ratio", "allowed"],
        ["over", "2.000", "s", "1.000", "s", "2.00", "1.50", "OVER"],
        ["within", "2.000", "s", "1.000", "s", "2.00", "2.00", "ok", "7", "rows/s"],
    ]


def test_a_full_report_runs_the_full_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert not report([Benchmark(lambda size: [Result("size", size, 1.0, 2.0)], 1, 2, 4)], is_full=True)
    assert "4.000 s" in capsys.readouterr().out


def test_steps_take_turns_and_the_median_of_each_counts() -> None:
    turns = []
    measured = iter([1.0, 10.0, 5.0, 50.0, 2.0, 20.0])

    def step(name: str) -> float:
        turns.append(name)
        return next(measured)

    median = alternate({"raw": lambda: step("raw"), "ours": lambda: step("ours")})
    assert turns == ["raw", "ours"] * 3
    assert median == {"raw": 2.0, "ours": 20.0}
