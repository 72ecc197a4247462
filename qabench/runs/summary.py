"""From a finished training to its report."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch

from qabench.data.overlap import Overlap, overlap
from qabench.reports import report_file
from qabench.reports.report import BackboneFacts, Budget, Report, ReportScores
from qabench.runs.caveats import caveats
from qabench.runs.provenance import environment, now, peak_memory
from qabench.runs.tasks import Task
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.plugin_metrics import measure
from qabench.scoring.scorecard import report_scores
from qabench.training.backbone import Encoder
from qabench.training.fine_tuning import TrainingOutcome
from qabench.training.hardware import parameter_count
from qabench.training.model import QAModel


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to.

    Attributes:
        outcome: of the training.
        resumed: whether it was resumed from a checkpoint.
        predict_seconds: wall time of predicting and answering.
        outcomes: results by question.
        weights_sha256: of encoder and head after training.
    """

    outcome: TrainingOutcome
    resumed: bool
    predict_seconds: float
    outcomes: Outcomes
    weights_sha256: str


def summarize(
    task: Task,
    model: QAModel,
    encoder: Encoder,
    result: Result,
) -> Report:
    """The report of a run, without the hashes of its files."""
    null_threshold = task.benchmark.answers.null_threshold
    scores = report_scores(result.outcomes, null_threshold)
    measured = measure(result.outcomes, null_threshold)
    counts = {"train": task.train.windows.counts, "dev": task.dev.windows.counts}
    return Report(
        format=report_file.FORMAT,
        created=now(),
        benchmark=task.benchmark.name,
        settings=task.benchmark.as_dict(),
        seed=task.seed,
        train=task.train.facts(None),
        dev=task.dev.facts(len(result.outcomes)),
        plugin=task.plugin(),
        backbone=BackboneFacts(
            name=task.benchmark.backbone.name,
            revision=encoder.revision,
            weights_sha256=encoder.weights_hash,
            tokenizer_sha256=task.tokenizer.fingerprint,
        ),
        windows={name: asdict(count) for name, count in counts.items()},
        budget=_budget(task, model, result),
        environment=environment(task.hardware),
        training_log=tuple(asdict(line) for line in result.outcome.log),
        scores=scores,
        weights_sha256=result.weights_sha256,
        files={},
        warnings=(*_caveats(task, scores), *map(str, measured.failures)),
        metrics=measured.values,
        overlap=asdict(_shared(task)),
    )


def _budget(task: Task, model: QAModel, result: Result) -> Budget:
    epochs = task.benchmark.training.epochs
    tokens = epochs * task.train.windows.counts.tokens
    outcome = result.outcome
    spent = outcome.seconds
    seconds = spent.training - spent.evaluation
    on_gpu = task.hardware.device == "cuda"
    return Budget(
        epochs=epochs,
        steps=outcome.steps,
        windows_seen=epochs * len(task.train.windows),
        tokens_seen=tokens,
        trainable_parameters=parameter_count(model),
        head_parameters=parameter_count(model.head),
        resumed=result.resumed,
        train_seconds=spent.training,
        predict_seconds=result.predict_seconds,
        evaluation_seconds=spent.evaluation,
        tokens_per_second=None if result.resumed else tokens / seconds,
        seconds_per_step=None if result.resumed else seconds / outcome.steps,
        loader_share=spent.loader / seconds,
        padding_share=outcome.padding_share,
        peak_memory_bytes=peak_memory(),
        peak_device_memory_bytes=torch.cuda.max_memory_allocated() if on_gpu else None,
        segments=outcome.segments,
    )


def _caveats(task: Task, scores: ReportScores) -> list[str]:
    skipped = len(task.train.read.skipped) + len(task.dev.read.skipped)
    outside = task.dev.windows.counts.golds_outside_windows
    return caveats(scores, task.dev.used, skipped, outside, _shared(task))


def _shared(task: Task) -> Overlap:
    return overlap(task.train.used.examples, task.dev.used.examples)
