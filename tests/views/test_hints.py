"""What a run ends with: commands that work as they stand."""

from __future__ import annotations

import shlex
from pathlib import Path

from qabench.benchmarks import settings as benchmark
from qabench.views.hints import next_steps

HEADS = ("one", "two", "three")


def commands(lines: list[str]) -> list[list[str]]:
    return [shlex.split(line, comments=True) for line in lines]


def test_after_the_quickstart_come_the_other_heads_the_report_and_squad():
    steps = next_steps(benchmark.load("quickstart"), "", ["two"], HEADS, Path("runs"))
    assert commands(steps) == [
        ["qabench", "run", "--plugin", "one"],
        ["qabench", "run", "--plugin", "three"],
        ["qabench", "report", "runs"],
        ["qabench", "run", "--plugin", "two", "--benchmark", "squad_v2"],
    ]


def test_benchmark_and_folder_are_kept_and_quoted():
    squad = benchmark.load("squad_v2")
    steps = next_steps(squad, "my data.toml", ["one", "two"], HEADS, Path("my runs"))
    kept = ["--benchmark", "my data.toml", "--runs-dir", "my runs"]
    assert commands(steps) == [
        ["qabench", "run", "--plugin", "three", *kept],
        ["qabench", "report", "my runs"],
    ]
