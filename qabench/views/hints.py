"""What to do after a run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from qabench.base.terminal import commented
from qabench.benchmarks.settings import Benchmark
from qabench.benchmarks.sources import SOURCES


def next_steps(
    benchmark: Benchmark, named: str, done: Sequence[str], installed: Sequence[str], runs_dir: Path
) -> list[str]:
    """Commands to run after a finished run, each with what it is for.

    Args:
        benchmark: what was run on.
        named: as the user named it; empty for the default.
        done: heads that were run.
        installed: heads that could be.
        runs_dir: where the run directories are.
    """
    on = f" --benchmark {shlex.quote(named)}" if named else ""
    into = "" if runs_dir == Path("runs") else f" --runs-dir {shlex.quote(str(runs_dir))}"
    others = [name for name in installed if name not in done]
    steps = [
        (f"qabench run --plugin {name}{on}{into}", "the same for another head") for name in others
    ]
    steps.append((f"qabench report {shlex.quote(str(runs_dir))}", "all runs so far in one table"))
    if following := SOURCES[benchmark.data.source].next:
        command = f"qabench run --plugin {done[0]} --benchmark {following.name}{into}"
        steps.append((command, following.purpose))
    return commented(steps)
