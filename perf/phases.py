"""The phases of a run without training, one after the other: seconds and memory of each, as JSON.

``python perf/phases.py TRAIN DEV QUESTIONS QUESTIONS``, both files and how many questions they
have; a process of its own, since memory is a process's.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
import transformers

from qabench.benchmarks.settings import Benchmark, load
from qabench.data.readers import read_file
from qabench.plugins.discovery import build_head, discover
from qabench.scoring.predictions import golds_of
from qabench.scoring.squad import official_scores
from qabench.training.backbone import load_encoder, load_tokenizer
from qabench.training.batches import WindowDataset
from qabench.training.fine_tuning import FineTuner, TrainingSetup
from qabench.training.hardware import pick_hardware
from qabench.training.model import QAModel
from qabench.windows.answers import merge_windows
from qabench.windows.cutting import Windows, make_windows

HEAD = "spanbert_linear"
MEBIBYTE = 2**20

T = TypeVar("T")


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    train_file, dev_file = map(Path, sys.argv[1:3])
    benchmark = load("quickstart")
    tokenizer = load_tokenizer(benchmark.backbone)
    encoder = load_encoder(benchmark.backbone)
    phases: list[dict[str, Any]] = []

    def phase(name: str, questions: int, work: Callable[[], T]) -> T:
        _forget_peak()
        began = time.perf_counter()
        found = work()
        seconds = time.perf_counter() - began
        phases.append(
            {"name": name, "questions": questions, "seconds": seconds, "mebibytes": _peak()}
        )
        return found

    def cut(data: Any) -> Windows:
        return make_windows(data.examples, tokenizer.encoder, tokenizer.template, benchmark.windows)

    many, few = map(int, sys.argv[3:5])
    train = phase("read training questions", many, lambda: read_file(train_file))
    train_windows = phase("cut training windows", many, lambda: cut(train))
    dev = phase("read dev questions", few, lambda: read_file(dev_file))
    windows = phase("cut dev windows", few, lambda: cut(dev))
    with tempfile.TemporaryDirectory() as folder:
        data = WindowDataset(windows, dev.examples)
        learned = WindowDataset(train_windows, train.examples)
        tuner = _tuner(benchmark, encoder.model, encoder.hidden_size, learned, Path(folder))
        spans = phase("predict", few, lambda: tuner.predict_spans(data))
    rules = benchmark.answers
    answers = phase("answer", few, lambda: merge_windows(dev.examples, windows, spans, rules))
    lists = phase("n-best lists", few, answers.n_best_by_id)
    texts = {id: found[0]["text"] for id, found in lists.items()}
    phase("score", few, lambda: official_scores(golds_of(dev.examples), texts))
    print(json.dumps(phases))


def _tuner(
    benchmark: Benchmark, encoder: torch.nn.Module, size: int, data: WindowDataset, folder: Path
) -> FineTuner:
    head = discover().head(HEAD)
    torch.manual_seed(0)
    model = QAModel(
        encoder,
        build_head(head.spec, size, head.options({})),
        benchmark.answers.n_best,
        benchmark.answers.max_answer_tokens,
    )
    settings = benchmark.training
    setup = TrainingSetup(settings, settings.learning_rate, pick_hardware(settings), 0)
    return FineTuner(model, data, data, setup, lambda spans: {}, folder)


def _forget_peak() -> None:
    """Start recording the peak again, where the system can do that: Linux."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _peak() -> float:
    """MiB of the largest resident set since :func:`_forget_peak`, or else of the whole process."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEBIBYTE
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
