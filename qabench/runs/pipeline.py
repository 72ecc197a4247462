"""``qabench run``, phase by phase: read, cut windows, fine-tune, predict, answer, score, report.

Each run has a directory ``<runs>/<benchmark>/<plugin>/seed-<n>/``. A finished run is not run again.
An unfinished one is resumed and ends as if nothing had interrupted it: data are read and cut again,
training resumes from the last checkpoint, which is that of the last whole epoch, and a finished
prediction is used.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from accelerate import PartialState

from qabench.base.arrays import Bools
from qabench.base.files import refuse_unwritable, write_json
from qabench.base.interruption import stoppable
from qabench.benchmarks.settings import Benchmark
from qabench.benchmarks.sources import read
from qabench.data.halves import split_questions
from qabench.data.inspection import write_bad
from qabench.data.overlap import refuse_same
from qabench.errors import BenchmarkError, DivergedError, RunError
from qabench.heads import Head
from qabench.plugins import calling as hooks
from qabench.plugins.discovery import InstalledHead, discover
from qabench.plugins.source import source_hash
from qabench.reports import report_file, rundir, unfinished
from qabench.reports.report import Report
from qabench.runs import belongings, sides
from qabench.runs.summary import Result, summarize
from qabench.runs.tasks import Plan, Say, Side, Task
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
from qabench.training.batches import LongestFirst
from qabench.training.checkpoints import Prediction
from qabench.training.fine_tuning import TUNE_EXACT, FineTuner, Scorer
from qabench.training.fit import fitted
from qabench.training.hardware import Hardware, is_main_process, pick_hardware
from qabench.training.model import QAModel, collate, save_model
from qabench.training.rehearsal import rehearse
from qabench.windows.answers import (
    Answers,
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
        QABenchError: bad data, settings, plugin or backbone; a run that failed; a signal.
    """
    same = "the same command without --force" if plan.force else "the same command"
    with stoppable(f"{same} resumes from the last checkpoint, if there is one."):
        return _run_all(plan, say)


def _run_all(plan: Plan, say: Say) -> list[Record]:
    transformers.utils.logging.set_verbosity(logging.ERROR)
    transformers.utils.logging.disable_progress_bar()
    benchmark, data = plan.benchmark, plan.benchmark.data
    heads = _chosen_heads(plan)
    _check_folders(plan)
    hardware = pick_hardware(benchmark.training)
    tokenizer = load_tokenizer(benchmark.backbone)
    encoder = _checked_encoder(benchmark)
    tokenizer, changed = fitted(tokenizer, encoder, benchmark.backbone.name)
    hidden_size, encoder_sha256 = encoder.hidden_size, encoder.weights_hash
    # Each run loads its own.
    del encoder
    train_set, dev_set = read(data, data.train), read(data, data.dev)
    if not plan.allow_overlap:
        refuse_same(train_set, dev_set)
    dev = sides.side(benchmark, dev_set, tokenizer, data.max_dev_questions, 0)
    say(f"benchmark {benchmark.name}, encoder {benchmark.backbone.name}, {hardware}")
    if changed:
        say(changed)
    for head, _ in heads:
        _describe_rate(head, benchmark, say)
    sides.describe("dev", dev, benchmark.answers.max_answer_tokens, say)
    tune = _tune_half(benchmark, dev)
    _rehearse(benchmark, heads, hidden_size, dev, hardware)
    found = []
    for seed in dict.fromkeys(plan.seeds):
        train = sides.side(benchmark, train_set, tokenizer, data.max_train_questions, seed)
        sides.describe("train", train, benchmark.answers.max_answer_tokens, say)
        sides.describe_overlap(train, dev, say)
        for head, options in heads:
            task = Task(
                benchmark=benchmark,
                head=head,
                options=options,
                source_sha256=source_hash(head),
                seed=seed,
                train=train,
                dev=dev,
                tune=tune,
                tokenizer=tokenizer,
                encoder_sha256=encoder_sha256,
                hardware=hardware,
                folder=_folder(plan, head.name, seed),
            )
            found.append(Record(_run_one(task, plan, say), task.folder))
    return found


def _describe_rate(head: InstalledHead, benchmark: Benchmark, say: Say) -> None:
    """Say that the benchmark's learning rate is used in place of the plugin's own."""
    own, given = head.spec.learning_rate, benchmark.training.head_learning_rate
    if own is not None and given is not None and own != given:
        say(
            f"{head.name}: learning rate {given:g} of training.head_learning_rate, not the "
            f"plugin's own {own:g}"
        )


def _check_folders(plan: Plan) -> None:
    """Refuse folders that cannot be written, before anything is read; a finished run may be."""
    for plugin in plan.plugins:
        for seed in plan.seeds:
            folder = _folder(plan, plugin, seed)
            if plan.force or not os.path.exists(folder / report_file.FILE_NAME):  # noqa: PTH110
                refuse_unwritable(folder)


def _folder(plan: Plan, plugin: str, seed: int) -> Path:
    return plan.runs_dir / plan.benchmark.name / plugin / f"seed-{seed}"


def _chosen_heads(plan: Plan) -> list[tuple[InstalledHead, dict[str, Any]]]:
    """The heads to run, each with its options."""
    registry, benchmark = discover(), plan.benchmark
    chosen = [registry.head(name) for name in dict.fromkeys(plan.plugins)]
    heads = [(one, one.options(benchmark.head_options(one.name))) for one in chosen]
    # A table in [head] is for one plugin.
    names = [one.name for one in registry.heads]
    for key, value in benchmark.head.items():
        if isinstance(value, dict) and key not in names:
            raise BenchmarkError(
                f"[head.{key}] is for no installed plugin; installed are {', '.join(names)}."
            )
    return heads


def _checked_encoder(benchmark: Benchmark) -> Encoder:
    """The encoder, which has positions for the longest window."""
    encoder = load_encoder(benchmark.backbone)
    if benchmark.windows.max_length > encoder.max_length:
        raise BenchmarkError(
            f"windows.max_length is {benchmark.windows.max_length}, but {benchmark.backbone.name} "
            f"has positions for {encoder.max_length} tokens; lower it."
        )
    return encoder


def _rehearse(
    benchmark: Benchmark,
    heads: Sequence[tuple[InstalledHead, dict[str, Any]]],
    hidden_size: int,
    dev: Side,
    hardware: Hardware,
) -> None:
    """Try every head on the first validation batch."""
    device = PartialState(cpu=hardware.device == "cpu").device
    longest = list(LongestFirst(dev.windows))[: benchmark.training.batch_size]
    batch = {name: one.to(device) for name, one in collate(dev.windows, longest).items()}
    rules = benchmark.answers
    for head, options in heads:
        build = partial(head.build, hidden_size, options)
        rehearse(build, str(head), hidden_size, batch, rules.n_best, rules.max_answer_tokens)


def _tune_half(benchmark: Benchmark, dev: Side) -> Bools:
    """(dev questions,) true for the half on which null threshold and epoch are chosen."""
    tune = split_questions(dev.used.examples, benchmark.data.split_seed)
    if benchmark.training.keep_epoch == "best" and not tune.any():
        raise BenchmarkError(
            "training.keep_epoch is 'best', but the dev questions share one context, so no half of "
            "them can choose the epoch; set it to 'last'."
        )
    return tune


def _run_one(task: Task, plan: Plan, say: Say) -> Report:
    say(f"{task.head.name} seed {task.seed}: {task.folder}")
    identity, accepted = task.identity(), plan.accept_versions
    # A finished run needs no lock, so its folder may be read-only.
    finished = None if plan.force else rundir.finished(task.folder, identity, accepted)
    if finished is None:
        state = PartialState(cpu=task.hardware.device == "cpu")
        with rundir.locked(task.folder) if is_main_process() else nullcontext():
            # The main process makes the directory; the others then find it made for this very run.
            if is_main_process():
                rundir.claim(task.folder, identity, plan.force, accepted)
            state.wait_for_everyone()
            # The process that had the lock before may just have finished it.
            finished = rundir.finished(task.folder, identity, accepted)
            if finished is None:
                return _train_or_mark(task, say)
    say("already finished with these settings; its report is used (--force runs it again)")
    checkpoints.remove(task.folder)
    return finished


def _train_or_mark(task: Task, say: Say) -> Report:
    """Train and score; a run that diverges is marked, so that no table leaves it out unseen."""
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
        say(f"resuming from {checkpoint.name}")
    encoder, head = _build(task)
    rules, dev = task.benchmark.answers, task.dev
    owner = str(task.head)
    model = QAModel(encoder.model, head, rules.n_best, rules.max_answer_tokens, owner)
    tuner = FineTuner(
        model=model,
        train=task.train.dataset(),
        dev=dev.dataset(),
        setup=task.setup(),
        scorer=_scorer(task),
        folder=task.folder,
        checkpoint=checkpoint,
    )
    if task.hardware.device == "cuda":
        # The peak is of this run, not of those before it in the same process.
        torch.cuda.reset_peak_memory_stats()
    outcome = tuner.fine_tune()
    weights_sha256 = weights_hash(model.state_dict())
    prediction = _predict(task, tuner, weights_sha256)
    began = time.perf_counter()
    answers = merge_windows(dev.used.examples, dev.windows, prediction.spans, rules)
    predict_seconds = prediction.seconds + time.perf_counter() - began
    questions = outcomes.of_run(answers, dev.windows, rules.max_answer_tokens, task.tune)
    result = Result(outcome, checkpoint is not None, predict_seconds, questions, weights_sha256)
    report = summarize(task, model, encoder, result)
    return _write(task, model, report, answers, questions) if is_main_process() else report


def _build(task: Task) -> tuple[Encoder, Head]:
    """Encoder and head; only the seed decides how the head is initialised."""
    encoder = load_encoder(task.benchmark.backbone)
    if encoder.weights_hash != task.encoder_sha256:
        raise RunError(
            f"The weights of {task.benchmark.backbone.name} changed while this command ran; "
            f"run it again with --force."
        )
    transformers.set_seed(task.seed)
    return encoder, task.head.build(encoder.hidden_size, task.options)


def _scorer(task: Task) -> Scorer:
    """Official EM and F1 of an epoch, and the EM of the tune half."""
    dev, threshold = task.dev, task.benchmark.answers.null_threshold
    golds = golds_of(dev.used.examples)
    tuning = GoldSet(gold for gold, tune in zip(golds, task.tune, strict=True) if tune)

    def scores(spans: WindowSpans) -> dict[str, float]:
        best = best_spans(dev.used.examples, dev.windows, spans)
        answers, odds = best.text_by_id(), best.null_odds_by_id()
        official = official_scores(golds, answers, odds, threshold)
        found = {"exact": official.exact, "f1": official.f1}
        if task.tune.any():
            found[TUNE_EXACT] = official_scores(tuning, answers, odds, threshold).exact
        return found

    return scores


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
    spans = tuner.predict_spans(task.dev.dataset())
    made = Prediction(spans, time.perf_counter() - began)
    if is_main_process():
        checkpoints.keep_prediction(task.folder, made, weights_sha256)
    return made


def _write(
    task: Task,
    model: QAModel,
    report: Report,
    answers: Answers,
    questions: Outcomes,
) -> Report:
    """Write predictions, results, model and, last, the report; then tell plugins."""
    contents: dict[str, Any] = {
        "predictions.json": answers.text_by_id(),
        "raw_predictions.json": answers.best.text_by_id(),
        "null_odds.json": answers.best.null_odds_by_id(),
        "nbest_predictions.json": answers.n_best_by_id(),
    }
    for name, content in contents.items():
        write_json(task.folder / name, content, indent=None)
    outcomes.write(questions, task.folder / outcomes.FILE_NAME)
    bad = write_bad([*task.train.read.skipped, *task.dev.read.skipped], task.folder)
    folder = task.folder / belongings.MODEL
    save_model(model, task.tokenizer.saver, task.identity(), folder)
    names = (*contents, outcomes.FILE_NAME, belongings.LOG, *bad)
    report = replace(report, files=belongings.hashes(task.folder, names))
    report_file.write(report, task.folder)
    checkpoints.remove(task.folder)
    hooks.run_finished(report, task.folder)
    return report
