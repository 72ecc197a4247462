"""``qabench run``, phase by phase: read, cut windows, fine-tune, predict, answer, score, report.

Each run has a directory ``<runs>/<benchmark>/<plugin>/seed-<n>/``. A finished run is not run again,
an unfinished one goes on from its last checkpoint.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import transformers

from qabench import reports, rundir
from qabench.answers import Answer, WindowSpans, merge_windows
from qabench.backbone import (
    Encoder,
    TokenizerFacts,
    load_encoder,
    load_tokenizer,
    weights_hash,
)
from qabench.benchmark import Benchmark, DataSettings
from qabench.errors import BenchmarkError, PluginError
from qabench.examples import ExampleSet, QAExample, fingerprint, sample
from qabench.files import sha256, write_json
from qabench.heads import Head
from qabench.model import QAModel, save_model
from qabench.plugins import InstalledHead, discover
from qabench.predictions import golds_of
from qabench.provenance import environment, peak_memory
from qabench.readers import read_file, read_hub
from qabench.reports import Report
from qabench.scoring import Gold, always_null, official_scores
from qabench.training import (
    CHECKPOINTS,
    Hardware,
    Recipe,
    TrainingOutcome,
    fine_tuner,
    last_checkpoint,
    parameter_count,
    pick_hardware,
    predict,
    train,
)
from qabench.windows import Windows, make_windows

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one ``qabench run`` is to do: every plugin with every seed on one benchmark."""

    benchmark: Benchmark
    plugins: Sequence[str]
    seeds: Sequence[int]
    runs_dir: Path
    force: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """Training or dev data as it is used."""

    read: ExampleSet
    examples: tuple[QAExample, ...]
    windows: Windows

    def facts(self, scored: int | None) -> reports.DataFacts:
        return reports.DataFacts(
            source=self.read.source,
            available=len(self.read),
            questions=len(self.examples),
            answerable=sum(one.is_answerable for one in self.examples),
            scored=scored,
            skipped=len(self.read.skipped),
            fingerprint=fingerprint(self.examples),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """One run: a head, a seed, and all that it is made of."""

    benchmark: Benchmark
    head: InstalledHead
    options: Mapping[str, Any]
    seed: int
    train: _Side
    dev: _Side
    tokenizer: TokenizerFacts
    hardware: Hardware
    folder: Path

    @property
    def learning_rate(self) -> float:
        """The head's peak learning rate: the benchmark's, else the plugin's, else the encoder's."""
        training = self.benchmark.training
        own = training.head_learning_rate or self.head.spec.learning_rate
        return own or training.learning_rate

    def identity(self) -> dict[str, Any]:
        """What must be the same for a run directory to be gone on with."""
        return {
            "benchmark": self.benchmark.as_dict(),
            "plugin": {
                "name": self.head.name,
                "distribution": self.head.distribution,
                "version": self.head.version,
                "options": dict(self.options),
                "learning_rate": self.learning_rate,
            },
            "seed": self.seed,
            "data": {
                "train": fingerprint(self.train.examples),
                "dev": fingerprint(self.dev.examples),
            },
            "tokenizer": self.tokenizer.fingerprint,
        }


def run(plan: Plan, say: Say) -> list[Report]:
    """Run every plugin with every seed, one after the other.

    Everything that can be checked is checked before the first training begins.

    Args:
        plan: what to run.
        say: takes each line of progress.

    Raises:
        QABenchError: bad data, settings, plugin or backbone; or a run that went wrong.
    """
    transformers.utils.logging.set_verbosity(logging.ERROR)
    registry = discover()
    heads = [registry.head(name) for name in dict.fromkeys(plan.plugins)]
    options = {one.name: one.options(plan.benchmark.head_options(one.name)) for one in heads}
    _check_head_tables(plan.benchmark, [one.name for one in registry.heads])
    hardware = pick_hardware(plan.benchmark.training)
    tokenizer = load_tokenizer(plan.benchmark.backbone)
    _check_length(plan.benchmark, load_encoder(plan.benchmark.backbone))
    data = plan.benchmark.data
    train_set, dev_set = _read(data, data.train), _read(data, data.dev)
    dev = _side(plan.benchmark, dev_set, tokenizer, data.max_dev_questions, 0)
    say(f"benchmark {plan.benchmark.name}, encoder {plan.benchmark.backbone.name}, {hardware}")
    _describe("dev", dev, say)
    found = []
    for seed in dict.fromkeys(plan.seeds):
        train = _side(plan.benchmark, train_set, tokenizer, data.max_train_questions, seed)
        _describe("train", train, say)
        for head in heads:
            folder = plan.runs_dir / plan.benchmark.name / head.name / f"seed-{seed}"
            task = _Task(
                plan.benchmark,
                head,
                options[head.name],
                seed,
                train,
                dev,
                tokenizer,
                hardware,
                folder,
            )
            found.append(_run_one(task, plan.force, say))
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


def _read(data: DataSettings, place: str) -> ExampleSet:
    if data.source == "hub":
        # The schema demands both of a hub source.
        assert data.repository is not None
        assert data.revision is not None
        return read_hub(data.repository, data.revision, place, data.on_bad_record)
    return read_file(Path(place), data.on_bad_record)


def _side(
    benchmark: Benchmark,
    read: ExampleSet,
    tokenizer: TokenizerFacts,
    limit: int | None,
    seed: int,
) -> _Side:
    examples = read.examples if limit is None else sample(read.examples, limit, seed)
    windows = make_windows(examples, tokenizer.encoder, tokenizer.template, benchmark.windows)
    return _Side(read, examples, windows)


def _describe(name: str, side: _Side, say: Say) -> None:
    unanswerable = sum(not one.is_answerable for one in side.examples)
    line = (
        f"{name}: {len(side.examples)} questions, {unanswerable} without answer, "
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


def is_main_process() -> bool:
    """Under torchrun and accelerate launch every process computes and one writes."""
    return int(os.environ.get("RANK", "0")) == 0


def _run_one(task: _Task, force: bool, say: Say) -> Report:
    say(f"{task.head.name} seed {task.seed}: {task.folder}")
    finished = rundir.claim(task.folder, task.identity(), force) if is_main_process() else None
    if finished is not None:
        say("already finished with these settings; its report is used (--force runs it anew)")
        return finished
    checkpoint = last_checkpoint(task.folder)
    if checkpoint is not None:
        say(f"going on from {checkpoint.name}")
    encoder, head = _build(task)
    rules = task.benchmark.answers
    model = QAModel(encoder.model, head, rules.n_best, rules.max_answer_tokens)
    recipe = Recipe(task.benchmark.training, task.learning_rate, task.hardware, task.seed)
    golds = golds_of(task.dev.examples)

    def epoch_scores(spans: WindowSpans) -> dict[str, float]:
        official = _score(golds, _answers(task, spans), task.benchmark)
        return {"exact": official["exact"], "f1": official["f1"]}

    tuner = fine_tuner(
        model, task.train.windows, task.dev.windows, recipe, epoch_scores, task.folder
    )
    outcome = train(tuner, checkpoint)
    began = time.perf_counter()
    answers = _answers(task, predict(tuner, task.dev.windows))
    seconds = time.perf_counter() - began
    official = _score(golds, answers, task.benchmark)
    report = _report(
        task, model, encoder, outcome, checkpoint is not None, seconds, answers, official, golds
    )
    if tuner.is_world_process_zero():
        report = _write(task, model, report, answers)
    return report


def _answers(task: _Task, spans: WindowSpans) -> tuple[Answer, ...]:
    return merge_windows(task.dev.examples, task.dev.windows, spans, task.benchmark.answers)


def _score(
    golds: Sequence[Gold], answers: Sequence[Answer], benchmark: Benchmark
) -> dict[str, float]:
    """The official scores of the best spans, nulled by the threshold."""
    return official_scores(
        golds,
        {answer.id: answer.best_span for answer in answers},
        {answer.id: answer.null_odds for answer in answers},
        benchmark.answers.null_threshold,
    ).as_dict()


def _build(task: _Task) -> tuple[Encoder, Head]:
    """Encoder and head, the head initialised from the seed alone."""
    encoder = load_encoder(task.benchmark.backbone)
    transformers.set_seed(task.seed)
    try:
        head = task.head.spec.build(encoder.hidden_size, task.options)
    # A plugin's own code may raise anything; the user must learn whose it is.
    except Exception as error:
        raise PluginError(
            f"Plugin {task.head.name!r} ({task.head.distribution} {task.head.version}) could not "
            f"build its head: {type(error).__name__}: {error}."
        ) from error
    if not isinstance(head, Head):
        raise PluginError(
            f"Plugin {task.head.name!r} built a {type(head).__name__}, which is no "
            f"qabench.heads.Head; derive it from that class."
        )
    return encoder, head


def _write(
    task: _Task,
    model: QAModel,
    report: Report,
    answers: Sequence[Answer],
) -> Report:
    """Predictions, model and, last of all, the report; then the checkpoints go."""
    contents: dict[str, Any] = {
        "predictions.json": {answer.id: answer.text for answer in answers},
        "raw_predictions.json": {answer.id: answer.best_span for answer in answers},
        "null_odds.json": {answer.id: answer.null_odds for answer in answers},
        "nbest_predictions.json": {
            answer.id: [asdict(candidate) for candidate in answer.n_best] for answer in answers
        },
    }
    for name, content in contents.items():
        write_json(task.folder / name, content, indent=None)
    folder = task.folder / "model"
    save_model(model, task.tokenizer.saver, folder)
    write_json(folder / "qabench.json", task.identity())
    hashes = {name: sha256(task.folder / name) for name in contents}
    report = replace(report, files=hashes)
    reports.write(report, task.folder)
    shutil.rmtree(task.folder / CHECKPOINTS, ignore_errors=True)
    return report


def _report(
    task: _Task,
    model: QAModel,
    encoder: Encoder,
    outcome: TrainingOutcome,
    resumed: bool,
    predict_seconds: float,
    answers: Sequence[Answer],
    official: Mapping[str, float],
    golds: Sequence[Gold],
) -> Report:
    null = always_null(golds).as_dict()
    scores = reports.ReportScores(
        official=official,
        always_null=null,
        null_threshold=task.benchmark.answers.null_threshold,
        abstained=sum(not answer.text for answer in answers),
    )
    counts = {"train": task.train.windows.counts, "dev": task.dev.windows.counts}
    return Report(
        format=reports.FORMAT,
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        benchmark=task.benchmark.name,
        settings=task.benchmark.as_dict(),
        seed=task.seed,
        train=task.train.facts(None),
        dev=task.dev.facts(len(answers)),
        plugin=reports.PluginFacts(
            name=task.head.name,
            distribution=task.head.distribution,
            version=task.head.version,
            options=task.options,
            learning_rate=task.learning_rate,
        ),
        backbone=reports.BackboneFacts(
            name=task.benchmark.backbone.name,
            revision=encoder.revision,
            weights_sha256=encoder.weights_hash,
            tokenizer_sha256=task.tokenizer.fingerprint,
        ),
        windows={name: asdict(count) for name, count in counts.items()},
        budget=_budget(task, model, outcome, resumed, predict_seconds),
        environment=environment(task.hardware),
        training_log=tuple(asdict(line) for line in outcome.log),
        scores=scores,
        weights_sha256=weights_hash(model.state_dict()),
        files={},
        warnings=tuple(_warnings(task, scores)),
    )


def _budget(
    task: _Task,
    model: QAModel,
    outcome: TrainingOutcome,
    resumed: bool,
    predict_seconds: float,
) -> reports.Budget:
    epochs = task.benchmark.training.epochs
    tokens = epochs * task.train.windows.counts.tokens
    on_gpu = task.hardware.device == "cuda"
    return reports.Budget(
        epochs=epochs,
        steps=outcome.steps,
        windows_seen=epochs * len(task.train.windows),
        tokens_seen=tokens,
        trainable_parameters=parameter_count(model),
        head_parameters=parameter_count(model.head),
        resumed=resumed,
        train_seconds=outcome.seconds,
        predict_seconds=predict_seconds,
        tokens_per_second=None if resumed else tokens / outcome.seconds,
        peak_memory_bytes=peak_memory(),
        peak_device_memory_bytes=torch.cuda.max_memory_allocated() if on_gpu else None,
    )


def _warnings(task: _Task, scores: reports.ReportScores) -> list[str]:
    found = []
    total = len(task.dev.examples)
    unanswerable = total - sum(one.is_answerable for one in task.dev.examples)
    if scores.official["exact"] <= scores.always_null["exact"]:
        found.append(
            f"EM {scores.official['exact']:.2f} is not above always answering nothing "
            f"({scores.always_null['exact']:.2f})"
        )
    if unanswerable and not scores.abstained:
        found.append("it never abstains, although questions without answer were scored")
    if scores.abstained == total:
        found.append("it abstains on every question")
    if task.train.read.skipped or task.dev.read.skipped:
        found.append("records that failed the audit were left out of the data")
    if outside := task.dev.windows.counts.golds_outside_windows:
        found.append(f"{outside} golds to score lie whole in no window")
    return found
