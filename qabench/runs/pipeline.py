"""``qabench run``, phase by phase: read, cut windows, fine-tune, predict, answer, score, report.

Each run has a directory ``<runs>/<benchmark>/<plugin>/seed-<n>/``. A finished run is not run again.
An unfinished one goes on and ends as if nothing had interrupted it: data are read
and cut again, training goes on from the last checkpoint, which is that of the last whole
epoch, and a prediction that was finished is used.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch
import transformers
from accelerate import PartialState

from qabench.base.files import sha256, write_json
from qabench.base.interruption import stoppable
from qabench.benchmarks.settings import Benchmark
from qabench.data.halves import split_questions
from qabench.errors import BenchmarkError, DivergedError
from qabench.heads import Head
from qabench.plugins import calling as hooks
from qabench.plugins.discovery import build_head, discover
from qabench.reports import report_file, rundir, unfinished
from qabench.reports.report import Report
from qabench.runs import sources
from qabench.runs.summary import Result, summarize
from qabench.runs.tasks import Plan, Say, Task
from qabench.scoring import outcomes
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.predictions import golds_of
from qabench.scoring.records import Record
from qabench.scoring.squad import GoldSet, official_scores
from qabench.training import checkpoints
from qabench.training.backbone import (
    Encoder,
    load_encoder,
    load_tokenizer,
    weights_hash,
)
from qabench.training.checkpoints import Prediction
from qabench.training.fine_tuning import TUNE_EXACT, FineTuner, Recipe, fine_tuner, predict, train
from qabench.training.hardware import is_main_process, pick_hardware
from qabench.training.model import QAModel, save_model
from qabench.windows.answers import (
    Answers,
    BestSpans,
    WindowSpans,
    are_possible,
    best_spans,
    merge_windows,
)


def run(plan: Plan, say: Say) -> list[Record]:
    """Run every plugin with every seed, one after the other.

    Everything that can be checked is checked before the first training begins.

    Args:
        plan: what to run.
        say: takes each line of progress.

    Raises:
        QABenchError: bad data, settings, plugin or backbone; a run that went wrong; Ctrl-C.
    """
    same = "the same command without --force" if plan.force else "the same command"
    with stoppable(f"{same} goes on from the last checkpoint, if there is one."):
        return _run_all(plan, say)


def _run_all(plan: Plan, say: Say) -> list[Record]:
    transformers.utils.logging.set_verbosity(logging.ERROR)
    transformers.utils.logging.disable_progress_bar()
    registry = discover()
    heads = [registry.head(name) for name in dict.fromkeys(plan.plugins)]
    options = {one.name: one.options(plan.benchmark.head_options(one.name)) for one in heads}
    _check_head_tables(plan.benchmark, [one.name for one in registry.heads])
    hardware = pick_hardware(plan.benchmark.training)
    tokenizer = load_tokenizer(plan.benchmark.backbone)
    _check_length(plan.benchmark, load_encoder(plan.benchmark.backbone))
    data = plan.benchmark.data
    train_set, dev_set = sources.read(data, data.train), sources.read(data, data.dev)
    dev = sources.side(plan.benchmark, dev_set, tokenizer, data.max_dev_questions, 0)
    say(f"benchmark {plan.benchmark.name}, encoder {plan.benchmark.backbone.name}, {hardware}")
    sources.describe("dev", dev, say)
    tune = split_questions(dev.used.examples, data.split_seed)
    if plan.benchmark.training.keep_epoch == "best" and not tune.any():
        raise BenchmarkError(
            "training.keep_epoch is 'best', but the dev questions share one context, so no half of "
            "them can choose the epoch; set it to 'last'."
        )
    found = []
    for seed in dict.fromkeys(plan.seeds):
        train = sources.side(plan.benchmark, train_set, tokenizer, data.max_train_questions, seed)
        sources.describe("train", train, say)
        for head in heads:
            folder = plan.runs_dir / plan.benchmark.name / head.name / f"seed-{seed}"
            task = Task(
                plan.benchmark,
                head,
                options[head.name],
                seed,
                train,
                dev,
                tune,
                tokenizer,
                hardware,
                folder,
            )
            found.append(Record(_run_one(task, plan.force, say), folder))
    return found


def _check_head_tables(benchmark: Benchmark, names: Sequence[str]) -> None:
    """A table in [head] is for one plugin; a name that no plugin has is a slip."""
    for key, value in benchmark.head.items():
        if isinstance(value, dict) and key not in names:
            raise BenchmarkError(
                f"[head.{key}] is for no installed plugin; installed are {', '.join(names)}."
            )


def _check_length(benchmark: Benchmark, encoder: Encoder) -> None:
    if benchmark.windows.max_length > encoder.max_length:
        raise BenchmarkError(
            f"windows.max_length is {benchmark.windows.max_length}, but {benchmark.backbone.name} "
            f"has positions for {encoder.max_length} tokens; lower it."
        )


def _run_one(task: Task, force: bool, say: Say) -> Report:
    say(f"{task.head.name} seed {task.seed}: {task.folder}")
    # A finished run needs no lock, and so may lie where nobody can write.
    finished = None if force else rundir.finished(task.folder, task.identity())
    if finished is None:
        state = PartialState(cpu=task.hardware.device == "cpu")
        with rundir.locked(task.folder) if is_main_process() else nullcontext():
            # The main process makes the directory; the others then find it made for this very run.
            if is_main_process():
                rundir.claim(task.folder, task.identity(), force)
            state.wait_for_everyone()
            # The process that had the lock before may just have finished it.
            finished = rundir.finished(task.folder, task.identity())
            if finished is None:
                return _train_or_mark(task, say)
    say("already finished with these settings; its report is used (--force runs it anew)")
    checkpoints.remove(task.folder)
    return finished


def _train_or_mark(task: Task, say: Say) -> Report:
    unfinished.unmark(task.folder)
    try:
        return _train_and_score(task, say)
    except DivergedError as error:
        if is_main_process():
            unfinished.mark(task.folder, error.finding)
        raise


def _train_and_score(task: Task, say: Say) -> Report:
    checkpoint = checkpoints.last(task.folder, say)
    if checkpoint is not None:
        say(f"going on from {checkpoint.name}")
    encoder, head = _build(task)
    rules = task.benchmark.answers
    model = QAModel(encoder.model, head, rules.n_best, rules.max_answer_tokens)
    recipe = Recipe(task.benchmark.training, task.learning_rate, task.hardware, task.seed)
    golds = golds_of(task.dev.used.examples)
    tuning = GoldSet(gold for gold, tune in zip(golds, task.tune, strict=True) if tune)

    def epoch_scores(spans: WindowSpans) -> dict[str, float]:
        best = best_spans(task.dev.used.examples, task.dev.windows, spans)
        official = _score(golds, best, rules.null_threshold)
        scores = {"exact": official["exact"], "f1": official["f1"]}
        if task.tune.any():
            scores[TUNE_EXACT] = _score(tuning, best, rules.null_threshold)["exact"]
        return scores

    tuner = fine_tuner(
        model, task.train.dataset(), task.dev.dataset(), recipe, epoch_scores, task.folder
    )
    if task.hardware.device == "cuda":
        # The peak is of this run, not of those before it in the same process.
        torch.cuda.reset_peak_memory_stats()
    outcome = train(tuner, checkpoint)
    weights_sha256 = weights_hash(model.state_dict())
    prediction = _predict(task, tuner, weights_sha256)
    began = time.perf_counter()
    answers = merge_windows(task.dev.used.examples, task.dev.windows, prediction.spans, rules)
    predict_seconds = prediction.seconds + time.perf_counter() - began
    questions = outcomes.of_run(answers, task.dev.windows, rules.max_answer_tokens, task.tune)
    result = Result(outcome, checkpoint is not None, predict_seconds, questions, weights_sha256)
    report = summarize(task, model, encoder, result)
    return _write(task, model, report, answers, questions) if is_main_process() else report


def _predict(task: Task, tuner: FineTuner, weights_sha256: str) -> Prediction:
    """The final prediction; one that an interrupted run made with these weights is used."""
    kept = checkpoints.kept_prediction(task.folder, weights_sha256)
    if kept is not None and not are_possible(kept.spans, task.dev.windows):
        kept = None
    # All processes predict or none does.
    tuner.accelerator.wait_for_everyone()
    if kept is not None:
        return kept
    began = time.perf_counter()
    spans = predict(tuner, task.dev.dataset())
    made = Prediction(spans, time.perf_counter() - began)
    if is_main_process():
        checkpoints.keep_prediction(task.folder, made, weights_sha256)
    return made


def _score(golds: GoldSet, best: BestSpans, null_threshold: float) -> dict[str, float]:
    """The official scores of the best spans, nulled by the threshold."""
    return official_scores(
        golds, best.text_by_id(), best.null_odds_by_id(), null_threshold
    ).as_dict()


def _build(task: Task) -> tuple[Encoder, Head]:
    """Encoder and head, the head initialised from the seed alone."""
    encoder = load_encoder(task.benchmark.backbone)
    transformers.set_seed(task.seed)
    return encoder, build_head(task.head.spec, encoder.hidden_size, task.options)


def _write(
    task: Task,
    model: QAModel,
    report: Report,
    answers: Answers,
    questions: Outcomes,
) -> Report:
    """Predictions, results, model and, last, the report; then checkpoints go, and plugins hear."""
    contents: dict[str, Any] = {
        "predictions.json": answers.text_by_id(),
        "raw_predictions.json": answers.best.text_by_id(),
        "null_odds.json": answers.best.null_odds_by_id(),
        "nbest_predictions.json": answers.n_best_by_id(),
    }
    for name, content in contents.items():
        write_json(task.folder / name, content, indent=None)
    outcomes.write(questions, task.folder / outcomes.FILE_NAME)
    folder = task.folder / "model"
    save_model(model, task.tokenizer.saver, task.identity(), folder)
    weights = sorted(f"model/{path.name}" for path in folder.glob("*.safetensors"))
    names = (*contents, outcomes.FILE_NAME, *weights)
    hashes = {name: sha256(task.folder / name) for name in names}
    report = replace(report, files=hashes)
    report_file.write(report, task.folder)
    checkpoints.remove(task.folder)
    hooks.run_finished(report, task.folder)
    return report
