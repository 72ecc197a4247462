"""The files of a run directory that belong to its report, which lists each with its hash."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from qabench.base.files import sha256
from qabench.reports import rundir
from qabench.reports.report import Report
from qabench.scoring import outcomes

LOG = "training_log.jsonl"
MODEL = "model"
MODEL_IDENTITY = f"{MODEL}/qabench.json"
# What holds answers, in every run directory and in those of training.
ANSWERS = ("raw_predictions.json", outcomes.FILE_NAME)
NULL_ODDS = "null_odds.json"
PREDICTIONS = ("predictions.json", NULL_ODDS, "nbest_predictions.json")
_OF_MODEL = (MODEL_IDENTITY, f"{MODEL}/config.json", f"{MODEL}/head.safetensors")


def hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """sha256 by name of these files, of ``run.json`` and of every file of the model."""
    every = {*names, rundir.FILE_NAME, *_model_files(folder)}
    return {name: sha256(folder / name) for name in sorted(every)}


def required(report: Report, folder: Path) -> frozenset[str]:
    """The files that the report must list."""
    if report.budget is not None:
        of_run = {rundir.FILE_NAME, LOG, *ANSWERS, *PREDICTIONS, *_OF_MODEL}
        return frozenset(of_run | _model_files(folder))
    has_odds = "best_exact" in report.scores.official
    return frozenset({rundir.FILE_NAME, *ANSWERS} | ({NULL_ODDS} if has_odds else set()))


def _model_files(folder: Path) -> set[str]:
    """Every file of the saved model: each may change what is loaded."""
    inside = (folder / MODEL).rglob("*")
    return {path.relative_to(folder).as_posix() for path in inside if not path.is_dir()}
