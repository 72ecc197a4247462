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


@pytest.mark.slow
@pytest.mark.parametrize("keep", ["last", "best"])
def test_forty_killed_runs_end_like_an_undisturbed_one(benchmark_file, heads, keep, capsys):
    summary = kills(benchmark_file, heads[0], 40, "--set", f"training.keep_epoch={keep}")
    with capsys.disabled():
        print(f"\n{summary}")
    assert "0 problems" in summary
