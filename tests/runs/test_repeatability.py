"""The same seed gives the same bytes, another seed another run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qabench.benchmarks import settings as benchmark
from qabench.runs.pipeline import run
from qabench.runs.tasks import Plan

# What a clock or the operating system says; nothing else may differ.
MEASURED = {
    "created",
    "budget.train_seconds",
    "budget.predict_seconds",
    "budget.evaluation_seconds",
    "budget.tokens_per_second",
    "budget.seconds_per_step",
    "budget.loader_share",
    "budget.peak_memory_bytes",
}
SETTINGS = ("data.max_train_questions=30", "head.dropout=0.3")


@pytest.fixture(scope="module")
def first(benchmark_file, heads, tmp_path_factory):
    """Every head, seed 0, in this process."""
    runs = tmp_path_factory.mktemp("first")
    settings = benchmark.load(str(benchmark_file), SETTINGS)
    run(Plan(settings, heads, [0], runs), lambda line: None)
    return runs


def files(runs: Path) -> dict[str, Path]:
    return {str(path.relative_to(runs)): path for path in runs.rglob("*") if path.is_file()}


def unmeasured(report: Path) -> dict[str, Any]:
    """The report without what is measured, as one level of dotted names."""
    content = json.loads(report.read_text("utf-8"))
    flat = {key: value for key, value in content.items() if key != "budget"}
    flat |= {f"budget.{key}": value for key, value in content["budget"].items()}
    assert flat.keys() >= MEASURED
    return {key: value for key, value in flat.items() if key not in MEASURED}


def differences(one: Path, other: Path) -> list[str]:
    """Names of the files that differ in more than what is measured; a report's hash follows it."""
    mine, theirs = files(one), files(other)
    assert mine.keys() == theirs.keys()
    reports = [name for name in mine if name.endswith("report.json")]
    assert reports
    return [
        name
        for name in sorted(mine)
        if not name.endswith("report.sha256")
        and (
            unmeasured(mine[name]) != unmeasured(theirs[name])
            if name in reports
            else mine[name].read_bytes() != theirs[name].read_bytes()
        )
    ]


def test_another_process_with_another_hash_seed_writes_the_same_bytes(
    first, benchmark_file, heads, tmp_path
):
    words = [f"--plugin={head}" for head in heads] + [f"--set={one}" for one in SETTINGS]
    search = os.pathsep.join(sys.path[1:])
    done = subprocess.run(
        [sys.executable, "-m", "qabench", "run", f"--benchmark={benchmark_file}", *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": search},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert differences(first, tmp_path / "runs") == []


def test_another_seed_changes_questions_weights_and_predictions(
    first, benchmark_file, heads, tmp_path
):
    settings = benchmark.load(str(benchmark_file), SETTINGS)
    run(Plan(settings, heads[:1], [1], tmp_path), lambda line: None)
    folders = [runs / "tiny" / heads[0] for runs in (first, tmp_path)]
    zero, one = folders[0] / "seed-0", folders[1] / "seed-1"
    for name in ("model/head.safetensors", "model/model.safetensors", "null_odds.json"):
        assert (zero / name).read_bytes() != (one / name).read_bytes()
    mine, theirs = (json.loads((run / "report.json").read_text("utf-8")) for run in (zero, one))
    assert mine["train"]["fingerprint"] != theirs["train"]["fingerprint"]
    assert mine["dev"] == theirs["dev"]
