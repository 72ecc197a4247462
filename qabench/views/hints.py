"""What to do after a run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qabench.base.terminal import commented
from qabench.benchmarks.settings import Benchmark
from qabench.benchmarks.sources import SOURCES
from qabench.plugins.discovery import InstalledHead
from qabench.reports import report_file


@dataclass(frozen=True, slots=True)
class Given:
    """The options of a ``qabench run`` that the next one needs too, to be comparable.

    Attributes:
        benchmark: as the user named it; empty for the default.
        seeds: in the order given.
        overrides: of ``--set``.
        max_train_questions, on_bad_record: of the options of these names.
        runs_dir: where the run directories are.
        allow_overlap: whether training and dev questions may be the same.
    """

    benchmark: str = ""
    seeds: tuple[int, ...] = (0,)
    overrides: tuple[str, ...] = ()
    max_train_questions: int | None = None
    on_bad_record: str | None = None
    runs_dir: Path = Path("runs")
    allow_overlap: bool = False

    def command(self, head: str) -> str:
        """The command that runs a head with these options."""
        seeds = () if self.seeds == (0,) else self.seeds
        options = [
            ("--benchmark", self.benchmark or None),
            *(("--seed", seed) for seed in seeds),
            *(("--set", override) for override in self.overrides),
            ("--max-train-questions", self.max_train_questions),
            ("--on-bad-record", self.on_bad_record),
            ("--runs-dir", None if self.runs_dir == Path("runs") else self.runs_dir),
        ]
        words = [f"{name} {shlex.quote(str(one))}" for name, one in options if one is not None]
        words += ["--allow-overlap"] * self.allow_overlap
        return " ".join([f"qabench run --plugin {head}", *words])


def next_steps(
    benchmark: Benchmark, given: Given, done: Sequence[str], installed: Sequence[InstalledHead]
) -> list[str]:
    """Commands to run after a finished run, each with what it is for.

    Args:
        benchmark: what was run on.
        given: how.
        done: heads that were run.
        installed: heads that could be.
    """
    place = given.runs_dir / benchmark.name
    there = [*done, *(one.name for one in installed if _is_there(place / one.name, given.seeds))]
    steps = [
        (_for_head(given, head).command(head.name), "the same for another head")
        for head in installed
        if head.name not in there
    ]
    if following := SOURCES[benchmark.data.source].next:
        # Settings of these data are not for others.
        other = Given(following.name, given.seeds, runs_dir=given.runs_dir)
        steps.append((other.command(done[0]), following.purpose))
    runs = shlex.quote(str(given.runs_dir))
    steps.append((f"qabench report {runs}", "all runs so far in one table"))
    if len(pair := list(dict.fromkeys(there))[:2]) == 2:
        a, b = (shlex.quote(str(place / name)) for name in pair)
        steps.append((f"qabench compare {a} {b}", "question by question"))
    return commented(steps)


def _is_there(folder: Path, seeds: Sequence[int]) -> bool:
    return all((folder / f"seed-{seed}" / report_file.FILE_NAME).exists() for seed in seeds)


def _for_head(given: Given, head: InstalledHead) -> Given:
    """The same without options of other heads."""

    def fits(override: str) -> bool:
        key = override.partition("=")[0].strip().split(".")
        return key[0] != "head" or len(key) > 2 or key[1] in head.spec.options

    return replace(given, overrides=tuple(filter(fits, given.overrides)))
