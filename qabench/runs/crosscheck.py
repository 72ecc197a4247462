"""What a report says beside its scores, compared with the other files of its run directory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qabench.base.json_files import JSONError, as_json, parse_json, read_own_json
from qabench.base.terminal import safe, shortened
from qabench.base.untrusted import refuse_outside
from qabench.base.validation import dotted
from qabench.benchmarks.settings import Benchmark, TrainingSettings, of_dict
from qabench.benchmarks.sources import DataSettings
from qabench.errors import BenchmarkError
from qabench.reports import rundir
from qabench.reports.report import Budget, Report
from qabench.runs import belongings
from qabench.runs.provenance import DECISIVE

_LONGEST = 60
# The log has scores of the same weights, but a GPU may answer a few questions in another way.
_LOG_TOLERANCE = 1.0


def contradictions(report: Report, folder: Path) -> Iterator[str]:
    """A sentence for each value that another file, or another value, contradicts."""
    begun = _document(folder, rundir.FILE_NAME)
    if report.budget is None:
        yield from _differences(rundir.FILE_NAME, _import_facts(report), begun)
        yield from _differences("an import", _said_of_import(report), _OF_IMPORT)
        return
    missing = [name for name in _OF_RUN if getattr(report, name) is None]
    if missing:
        yield f"{', '.join(missing)}: null, but the report has a budget."
        return
    yield from _differences(rundir.FILE_NAME, _run_facts(report), begun)
    if (folder / belongings.MODEL).exists():
        saved = _document(folder, belongings.MODEL_IDENTITY)
        yield from _differences(belongings.MODEL_IDENTITY, begun, saved)
    log = _log(folder)
    if as_json(report.training_log) != log:
        yield f"training_log is not that of {belongings.LOG}."
    try:
        settings = of_dict(report.settings)
    except BenchmarkError as error:
        yield f"settings: {error}"
        return
    yield from _arithmetic(report, report.budget, settings.training)
    yield from _segments(report, report.budget)
    yield from _from_settings(report, settings)
    yield from _sides(report, settings.data)
    yield from _last_line(report, settings.training.keep_epoch)


_OF_RUN = ("train", "backbone", "environment", "weights_sha256")


def _document(folder: Path, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = read_own_json(folder / name, {"type": "object"})
    except JSONError:
        return {}
    return found


def _log(folder: Path) -> list[Any] | None:
    path = folder / belongings.LOG
    refuse_outside(path)
    try:
        return [parse_json(line, path.name) for line in path.read_text("utf-8").splitlines()]
    except (OSError, ValueError):
        return None


def _run_facts(report: Report) -> dict[str, Any]:
    """What ``run.json`` says of a run, as its report has it."""
    assert report.train is not None
    assert report.backbone is not None
    assert report.environment is not None
    hashes = ("weights_sha256", "tokenizer_sha256")
    packages = report.environment.packages
    return {
        "benchmark": report.settings,
        "plugin": asdict(report.plugin),
        "seed": report.seed,
        "data": {"train": report.train.fingerprint, "dev": report.dev.fingerprint},
        "backbone": {name: getattr(report.backbone, name) for name in hashes},
        "versions": {name: packages.get(name) for name in DECISIVE},
    }


def _import_facts(report: Report) -> dict[str, Any]:
    return {
        "benchmark": {"name": report.benchmark},
        "plugin": {"name": report.plugin.name},
        "seed": report.seed,
        "data": {"dev": report.dev.fingerprint},
        "null_threshold": report.scores.null_threshold,
    }


def _said_of_import(report: Report) -> dict[str, Any]:
    said = asdict(report)
    del said["plugin"]["name"]
    return {name: said[name] for name in _OF_IMPORT}


_OF_IMPORT: dict[str, Any] = {
    "benchmark": "imported",
    "train": None,
    "backbone": None,
    "environment": None,
    "windows": {},
    "training_log": (),
    "weights_sha256": None,
    "plugin": {
        "distribution": "imported",
        "version": "",
        "options": {},
        "learning_rate": None,
        "source_sha256": None,
    },
}
# What only ``run.json`` knows: the order of the training data, and the files of an import.
_ONLY_BEGUN = ("data.train_order", "files.")


def _differences(where: str, said: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    ours, theirs = dotted(as_json(said)), dotted(as_json(known))
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in ours and key.startswith(_ONLY_BEGUN):
            continue
        if key not in ours or key not in theirs or ours[key] != theirs[key]:
            a, b = (_shown(one.get(key)) for one in (ours, theirs))
            yield f"{safe(key)} is {a}, but {where} has {b}."


def _shown(value: object) -> str:
    return shortened(safe(repr(value)), _LONGEST)


def _arithmetic(report: Report, budget: Budget, training: TrainingSettings) -> Iterator[str]:
    """Values of the budget that follow from others."""
    assert report.environment is not None
    train = report.windows.get("train", {})
    windows = train.get("windows", 0)
    batches = math.ceil(windows / (training.batch_size * max(report.environment.processes, 1)))
    steps = math.ceil(batches / training.gradient_accumulation_steps)
    expected: dict[str, float | None] = {
        "epochs": training.epochs,
        "windows_seen": budget.epochs * windows,
        "tokens_seen": budget.epochs * train.get("tokens", 0),
        "steps": budget.epochs * steps,
    }
    seconds = budget.train_seconds - budget.evaluation_seconds
    measured = not budget.resumed and seconds > 0 and budget.steps > 0
    expected["tokens_per_second"] = budget.tokens_seen / seconds if measured else None
    expected["seconds_per_step"] = seconds / budget.steps if measured else None
    for name, value in expected.items():
        said = getattr(budget, name)
        if not _equal(said, value):
            yield f"budget.{name} is {said}, but the rest of the report gives {value}."


def _segments(report: Report, budget: Budget) -> Iterator[str]:
    assert report.environment is not None
    if not budget.segments:
        yield "budget.segments is empty."
        return
    if sum(one.steps for one in budget.segments) != budget.steps:
        yield "budget.segments do not add up to budget.steps."
    packages = report.environment.packages
    if budget.segments[-1].versions != {name: packages.get(name) for name in DECISIVE}:
        yield "budget.segments does not end with the versions in environment.packages."
    if len(budget.segments) > 1 and not budget.resumed:
        yield "budget.segments has several parts, but budget.resumed is False."


def _from_settings(report: Report, settings: Benchmark) -> Iterator[str]:
    """Values that repeat a setting."""
    assert report.backbone is not None
    assert report.environment is not None
    training, environment = settings.training, report.environment
    threshold = settings.answers.null_threshold
    expected: list[tuple[str, object, object]] = [
        ("benchmark", report.benchmark, settings.name),
        ("backbone.name", report.backbone.name, settings.backbone.name),
        ("scores.null_threshold", report.scores.null_threshold, threshold),
    ]
    if training.threads is not None:
        expected.append(("environment.threads", environment.threads, training.threads))
    if training.precision != "auto":
        expected.append(("environment.precision", environment.precision, training.precision))
    if training.device != "auto":
        device = training.device.partition(":")[0]
        expected.append(("environment.device", environment.device, device))
    for name, said, asked in expected:
        if said != asked:
            yield f"{name} is {_shown(said)}, but the settings ask for {_shown(asked)}."


def _sides(report: Report, data: DataSettings) -> Iterator[str]:
    """Where questions came from, and how many were used of those that were read."""
    assert report.train is not None
    sides = (
        ("train", report.train, data.train, data.max_train_questions),
        ("dev", report.dev, data.dev, data.max_dev_questions),
    )
    for name, facts, place, limit in sides:
        if not facts.source.endswith(place):
            yield f"{name}.source is {_shown(facts.source)}, but the settings name {place!r}."
        used = facts.available if limit is None else min(limit, facts.available)
        if facts.questions != used:
            yield f"{name}.questions is {facts.questions}, but {used} of those read are used."
        if facts.answerable > facts.questions:
            yield f"{name}.answerable is {facts.answerable} of {facts.questions} questions."
        if facts.skipped and data.on_bad_record != "skip":
            yield f"{name}.skipped is {facts.skipped}, but the settings skip no record."
    if report.train.scored is not None:
        yield "train.scored is a number, but no training question is scored."


def _last_line(report: Report, keep_epoch: str) -> Iterator[str]:
    """The training log against the budget and the scores."""
    assert report.budget is not None
    ends = [line for line in report.training_log if None not in (line["exact"], line["f1"])]
    if not ends or report.training_log[-1]["step"] != report.budget.steps:
        yield "training_log does not end with the last step of the budget."
        return
    kept = ends if keep_epoch == "best" else ends[-1:]
    for key in ("exact", "f1"):
        said = report.scores.official[key]
        if not any(abs(line[key] - said) <= _LOG_TOLERANCE for line in kept):
            logged = ", ".join(f"{line[key]:.2f}" for line in kept)
            yield f"scores.official.{key} is {said:.2f}, but the training log has {logged}."


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-9)
    return bool(a == b)
