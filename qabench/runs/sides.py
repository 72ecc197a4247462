"""The training and dev questions of a run, cut into windows."""

from __future__ import annotations

from qabench.benchmarks.settings import Benchmark
from qabench.data.examples import ExampleSet, subset
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


def describe(name: str, side: Side, say: Say) -> None:
    """Say how many questions and windows there are, and what was left out or cut."""
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
    ):
        line += f", {count} {what}" * (count > 0)
    say(line)
