"""A run that is killed at any moment and run again ends like an undisturbed one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills runs by forking them")


def kills(benchmark: Path, head: str, count: int, *settings: str) -> str:
    """The summary of so many kills."""
    script = ROOT / "tests" / "support" / "kills.py"
    words = [str(benchmark), "--plugin", head, "--kills", str(count), *settings]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[1:])}
    done = subprocess.run(
        [sys.executable, str(script), *words], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_killed_run_ends_like_an_undisturbed_one(benchmark_file, heads):
    assert "0 problems" in kills(benchmark_file, heads[0], 6)


def test_batches_are_counted_right_where_a_step_takes_several(benchmark_file, heads):
    accumulated = ("--set", "training.gradient_accumulation_steps=4")
    assert "0 problems" in kills(benchmark_file, heads[0], 6, *accumulated)


@pytest.mark.slow
@pytest.mark.parametrize("keep", ["last", "best"])
def test_forty_killed_runs_end_like_an_undisturbed_one(benchmark_file, heads, keep, capsys):
    summary = kills(benchmark_file, heads[0], 40, "--set", f"training.keep_epoch={keep}")
    with capsys.disabled():
        print(f"\n{summary}")
    assert "0 problems" in summary


@pytest.fixture(scope="module")
def finished(benchmark_file, heads, tmp_path_factory) -> Path:
    """A folder with a finished run."""
    from qabench.benchmarks import settings as benchmark
    from qabench.runs.pipeline import run
    from qabench.runs.tasks import Plan

    runs = tmp_path_factory.mktemp("finished") / "runs"
    run(Plan(benchmark.load(str(benchmark_file)), heads[:1], [0], runs), lambda line: None)
    return runs


def command_kills(count: int, *words: object) -> str:
    """The summary of so many kills of a command."""
    script = ROOT / "tests" / "support" / "command_kills.py"
    asked = [sys.executable, str(script), "--kills", str(count), "--", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[1:])}
    done = subprocess.run(asked, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def number_of_kills(request: pytest.FixtureRequest) -> int:
    return 40 if request.config.getoption("--slow") else 2


def test_a_killed_import_is_made_whole_by_the_same_command(finished, request):
    (run,) = finished.glob("*/*/seed-0")
    data = [run / name for name in ("questions.parquet", "raw_predictions.json", "null_odds.json")]
    words = ("import-predictions", "--name", "other", *data, "--runs-dir", "{place}/runs")
    assert "0 problems" in command_kills(number_of_kills(request), *words)


def test_a_killed_report_leaves_no_half_of_a_page(finished, request):
    words = ("report", finished, "--html", "{place}/page.html")
    assert "0 problems" in command_kills(number_of_kills(request), *words)


def test_a_killed_verification_changes_nothing(finished, request):
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    words = ("verify", "--from-model", finished)
    assert "0 problems" in command_kills(number_of_kills(request), *words)
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before
