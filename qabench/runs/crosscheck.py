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
from qabench.reports import rundir
from qabench.reports.report import Budget, Report
from qabench.runs import belongings

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
    yield from _differences(rundir.FILE_NAME, _run_facts(report), begun)
    if (folder / belongings.MODEL).exists():
        saved = _document(folder, belongings.MODEL_IDENTITY)
        yield from _differences(belongings.MODEL_IDENTITY, begun, saved)
    log = _log(folder)
    if as_json(report.training_log) != log:
        yield f"training_log is not that of {belongings.LOG}."
    yield from _arithmetic(report, report.budget)
    yield from _from_settings(report)
    yield from _last_line(report)


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
        "versions": {name: packages.get(name) for name in ("qabench", "torch", "transformers")},
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
    plugin = asdict(report.plugin)
    del plugin["name"]
    facts = {name: getattr(report, name) for name in _OF_IMPORT if name != "plugin"}
    return {**facts, "plugin": plugin}


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


def _arithmetic(report: Report, budget: Budget) -> Iterator[str]:
    """Values of the budget that follow from others."""
    train = report.windows.get("train", {})
    training = report.settings.get("training", {})
    assert report.environment is not None
    expected: dict[str, Any] = {
        "epochs": training.get("epochs"),
        "windows_seen": budget.epochs * train.get("windows", 0),
        "tokens_seen": budget.epochs * train.get("tokens", 0),
        "steps": _steps(budget.epochs, train.get("windows", 0), training, report),
    }
    if not budget.resumed:
        seconds = budget.train_seconds - budget.evaluation_seconds
        expected["tokens_per_second"] = budget.tokens_seen / seconds if seconds > 0 else None
        expected["seconds_per_step"] = seconds / budget.steps if budget.steps else None
    for name, value in expected.items():
        said = getattr(budget, name)
        if not _equal(said, value):
            yield f"budget.{name} is {said}, but the rest of the report gives {value}."
    yield from _segments(report, budget)


def _steps(epochs: int, windows: int, training: Mapping[str, Any], report: Report) -> int | None:
    """Optimizer steps: those of an epoch are whole batches of whole steps."""
    assert report.environment is not None
    try:
        batch = int(training["batch_size"]) * report.environment.processes
        batches = math.ceil(windows / batch)
        return epochs * math.ceil(batches / int(training["gradient_accumulation_steps"]))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def _segments(report: Report, budget: Budget) -> Iterator[str]:
    assert report.environment is not None
    if not budget.segments:
        yield "budget.segments is empty."
        return
    if sum(one.steps for one in budget.segments) != budget.steps:
        yield "budget.segments do not add up to budget.steps."
    last, packages = budget.segments[-1].versions, report.environment.packages
    if any(packages.get(name) != version for name, version in last.items()):
        yield "budget.segments does not end with the versions in environment.packages."
    if len(budget.segments) > 1 and not budget.resumed:
        yield "budget.segments has several parts, but budget.resumed is False."


def _from_settings(report: Report) -> Iterator[str]:
    """Values that repeat or follow from a setting."""
    settings, training = report.settings, report.settings.get("training", {})
    assert report.backbone is not None
    assert report.environment is not None
    expected = [
        ("benchmark", report.benchmark, settings.get("name")),
        ("backbone.name", report.backbone.name, settings.get("backbone", {}).get("name")),
        (
            "scores.null_threshold",
            report.scores.null_threshold,
            settings.get("answers", {}).get("null_threshold"),
        ),
    ]
    if training.get("threads") is not None:
        expected.append(("environment.threads", report.environment.threads, training["threads"]))
    if training.get("precision") != "auto":
        precision = report.environment.precision
        expected.append(("environment.precision", precision, training.get("precision")))
    if training.get("device") == "cpu":
        expected.append(("environment.device", report.environment.device, "cpu"))
    for name, said, asked in expected:
        if said != asked:
            yield f"{name} is {_shown(said)}, but the settings ask for {_shown(asked)}."
    yield from _sides(report, settings.get("data", {}))


def _sides(report: Report, data: Mapping[str, Any]) -> Iterator[str]:
    """Where questions came from, and how many were used of those that were read."""
    for name, facts in (("train", report.train), ("dev", report.dev)):
        assert facts is not None
        place = data.get(name)
        if not isinstance(place, str) or place not in facts.source:
            yield f"{name}.source is {_shown(facts.source)}, but the settings name {place!r}."
        limit = data.get(f"max_{name}_questions")
        used = facts.available if limit is None else min(limit, facts.available)
        if facts.questions != used:
            yield f"{name}.questions is {facts.questions}, but {used} of those read are used."
        if facts.answerable > facts.questions:
            yield f"{name}.answerable is {facts.answerable} of {facts.questions} questions."
        if facts.skipped and data.get("on_bad_record") != "skip":
            yield f"{name}.skipped is {facts.skipped}, but the settings skip no record."
    if report.train is not None and report.train.scored is not None:
        yield "train.scored is a number, but no training question is scored."


def _last_line(report: Report) -> Iterator[str]:
    """The training log against the budget and the scores."""
    assert report.budget is not None
    ends = [line for line in report.training_log if line["exact"] is not None]
    if not ends or report.training_log[-1]["step"] != report.budget.steps:
        yield "training_log does not end with the last step of the budget."
        return
    kept = ends if report.settings.get("training", {}).get("keep_epoch") == "best" else ends[-1:]
    for key in ("exact", "f1"):
        said = report.scores.official[key]
        if all(abs(line[key] - said) > _LOG_TOLERANCE for line in kept):
            logged = ", ".join(f"{line[key]:.2f}" for line in kept)
            yield f"scores.official.{key} is {said:.2f}, but the training log has {logged}."


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-9)
    return bool(a == b)
