"""The training and dev questions of a run, cut into windows."""

from __future__ import annotations

import numpy as np

from qabench.benchmarks.settings import Benchmark
from qabench.data.examples import ExampleSet, subset
from qabench.data.overlap import overlap
from qabench.runs.tasks import Say, Side
from qabench.training.backbone import TokenizerFacts
from qabench.windows.cutting import make_windows


def side(
    benchmark: Benchmark,
    whole: ExampleSet,
    tokenizer: TokenizerFacts,
    limit: int | None,
    seed: int,
) -> Side:
    """Training or dev data as a run uses it: at most ``limit`` questions, in windows."""
    used = whole if limit is None else subset(whole, limit, seed)
    windows = make_windows(used.examples, tokenizer.encoder, tokenizer.template, benchmark.windows)
    return Side(whole, used, windows)


def describe(name: str, side: Side, longest: int, say: Say) -> None:
    """Say how many questions and windows there are, and what was left out or cut.

    Args:
        name: ``train`` or ``dev``.
        side: the questions and their windows.
        longest: tokens of the longest answer that can be given.
        say: takes the line, and one for each thing that was read other than it is written.
    """
    line = (
        f"{name}: {len(side.used)} questions, {side.used.unanswerable} without answer, "
        f"{len(side.windows)} windows"
    )
    counts = side.windows.counts
    for count, what in (
        (len(side.read.skipped), "bad records skipped"),
        (counts.clipped_questions, "questions clipped"),
        (counts.questions_without_window, "questions without window"),
        (counts.golds_outside_windows, "golds whole in no window"),
        (counts.golds_not_on_token_borders, "golds not on token borders"),
        (
            _too_long(side, longest),
            f"golds longer than answers.max_answer_tokens = {longest} (raise it)",
        ),
    ):
        line += f", {count} {what}" * (count > 0)
    say(line)
    for note in side.read.notes:
        say(f"{name}: {note}")


def _too_long(side: Side, longest: int) -> int:
    """Questions whose first gold is whole in a window, but is no possible answer."""
    windows = side.windows
    long = (windows.start > 0) & (windows.end - windows.start + 1 > longest)
    return len(np.unique(windows.example[long]))


def describe_overlap(train: Side, dev: Side, say: Say) -> None:
    """Say what training and dev questions share, if they do."""
    shared = overlap(train.used.examples, dev.used.examples)
    if shared.is_any:
        say(str(shared))
