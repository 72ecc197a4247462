"""The data of a run: read from where its benchmark says, and cut into windows."""

from __future__ import annotations

from pathlib import Path

from qabench.benchmarks.settings import Benchmark, DataSettings
from qabench.data.examples import ExampleSet, subset
from qabench.data.readers import read_file, read_hub
from qabench.quickstart.corpus import read_generated
from qabench.runs.tasks import Say, Side
from qabench.training.backbone import TokenizerFacts
from qabench.windows.cutting import make_windows


def read(data: DataSettings, place: str) -> ExampleSet:
    """Read and audit a set of questions.

    Args:
        data: where questions come from, and what to do with a bad record.
        place: the file, or the split of a hub data set or of the generated questions.

    Raises:
        DataError: it cannot be read, or has a bad record.
    """
    if data.source == "hub":
        # The schema demands both of a hub source.
        assert data.repository is not None
        assert data.revision is not None
        return read_hub(data.repository, data.revision, place, data.on_bad_record)
    if data.source == "generated":
        return read_generated(place, data.on_bad_record)
    return read_file(Path(place), data.on_bad_record)


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
