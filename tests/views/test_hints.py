"""What a run ends with: commands that work as they stand."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from qabench import HeadSpec
from qabench.benchmarks import settings as benchmark
from qabench.plugins.discovery import InstalledHead
from qabench.views.hints import Given, next_steps

OPTIONS = {"one": {}, "two": {"width": {"type": "integer", "default": 1}}, "three": {}}
HEADS = [
    InstalledHead(HeadSpec(name, "one line", lambda size, given: None, options), "dist", "1")
    for name, options in OPTIONS.items()
]


def commands(lines: list[str]) -> list[list[str]]:
    return [shlex.split(line, comments=True) for line in lines]


@pytest.fixture
def runs(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def finish(runs: Path, name: str, seed: int) -> None:
    folder = runs / "quickstart" / name / f"seed-{seed}"
    folder.mkdir(parents=True)
    (folder / "report.json").touch()


def test_after_the_quickstart_come_the_other_heads_squad_and_the_report(runs):
    steps = next_steps(benchmark.load("quickstart"), Given(), ["two"], HEADS)
    assert commands(steps) == [
        ["qabench", "run", "--plugin", "one"],
        ["qabench", "run", "--plugin", "three"],
        ["qabench", "run", "--plugin", "two", "--benchmark", "squad_v2"],
        ["qabench", "report", "runs"],
    ]


def test_heads_that_are_there_are_left_out_and_the_last_command_compares_two(runs):
    for seed in (0, 1):
        finish(runs, "three", seed)
    # Not with every seed.
    finish(runs, "one", 0)
    steps = next_steps(benchmark.load("quickstart"), Given(seeds=(0, 1)), ["two"], HEADS)
    seeds = ["--seed", "0", "--seed", "1"]
    assert commands(steps) == [
        ["qabench", "run", "--plugin", "one", *seeds],
        ["qabench", "run", "--plugin", "two", "--benchmark", "squad_v2", *seeds],
        ["qabench", "report", "runs"],
        ["qabench", "compare", "runs/quickstart/two", "runs/quickstart/three"],
    ]


def test_every_option_that_was_given_is_repeated_and_quoted(runs):
    given = Given(
        "my data.toml",
        (3, 1),
        ("training.epochs=2", "data.train=my train.json"),
        5000,
        "skip",
        Path("my runs"),
    )
    steps = next_steps(benchmark.load("squad_v2"), given, ["one", "two"], HEADS)
    sets = ["--set", "training.epochs=2", "--set", "data.train=my train.json"]
    limits = ["--max-train-questions", "5000", "--on-bad-record", "skip"]
    seeds = ["--seed", "3", "--seed", "1"]
    kept = ["--benchmark", "my data.toml", *seeds, *sets, *limits, "--runs-dir", "my runs"]
    assert commands(steps) == [
        ["qabench", "run", "--plugin", "three", *kept],
        ["qabench", "report", "my runs"],
        ["qabench", "compare", "my runs/squad_v2/one", "my runs/squad_v2/two"],
    ]


def test_options_of_a_head_are_repeated_only_for_heads_that_have_them(runs):
    overrides = ("head.width=3", "head.two.width=4", "training.epochs=1")
    steps = next_steps(benchmark.load("squad_v2"), Given(overrides=overrides), ["three"], HEADS)
    shared = ["--set", "head.two.width=4", "--set", "training.epochs=1"]
    assert commands(steps)[:2] == [
        ["qabench", "run", "--plugin", "one", *shared],
        ["qabench", "run", "--plugin", "two", "--set", "head.width=3", *shared],
    ]
