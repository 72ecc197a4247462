"""Predictions of other tools become reports like those of runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from qabench.base.files import sha256, write_json
from qabench.data.examples import ExampleSet
from qabench.data.halves import split_questions
from qabench.data.inspection import BAD_RECORDS, write_bad
from qabench.data.readers import read_file
from qabench.errors import RunError
from qabench.reports import report_file, rundir
from qabench.reports.report import DataFacts, PluginFacts, Report
from qabench.runs import belongings
from qabench.runs.caveats import caveats
from qabench.runs.provenance import now
from qabench.scoring import outcomes
from qabench.scoring.data_doubts import remarks
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.plugin_metrics import measure
from qabench.scoring.prediction_files import Given, read_answers
from qabench.scoring.predictions import golds_of, read_null_odds, refuse_misfits
from qabench.scoring.scorecard import report_scores
from qabench.scoring.scores import NULL_THRESHOLD

DISTRIBUTION = "imported"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class ForeignFiles:
    """What is known of a system that was not run by qabench.

    Attributes:
        name: what the leaderboard calls it.
        data: the questions with golds.
        predictions: answer text by question id; with null odds, the best non-null answers.
        null_odds: evidence for no answer by question id.
        null_threshold: null odds greater than this count as no answer.
    """

    name: str
    data: Path
    predictions: Path
    null_odds: Path | None = None
    null_threshold: float = NULL_THRESHOLD


def import_predictions(
    files: ForeignFiles,
    runs_dir: Path,
    force: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write a run directory ``<runs_dir>/imported/<name>/`` with a report; return it.

    Args:
        files: of the system.
        runs_dir: folder of the run directories.
        force: whether to overwrite an earlier import.
        say: takes each line about how the files were read.

    Raises:
        DataError: a file cannot be read or does not belong to the data.
        RunError: the name cannot be used; the directory already holds a report, belongs to
            another system or cannot be written.
    """
    if not _NAME.fullmatch(files.name):
        raise RunError(
            f"{files.name!r} cannot name a system; use letters, digits, '.', '_' and '-', and "
            f"start with a letter or digit."
        )
    folder = runs_dir / DISTRIBUTION / files.name
    if (folder / report_file.FILE_NAME).exists() and not force:
        raise RunError(f"{folder} already holds a report; overwrite it with --force.")
    data = read_file(files.data, "score")
    given = read_answers(files.predictions)
    predictions, odds = _fitted(files, data, given)
    for line in (*remarks(data), *given.notes):
        say(line)
    found = _outcomes(data, predictions, odds)
    with rundir.locked(folder):
        rundir.claim(folder, _identity(files, data), force)
        write_json(folder / "raw_predictions.json", predictions, indent=None)
        if odds is not None:
            write_json(folder / "null_odds.json", odds, indent=None)
        outcomes.write(found, folder / outcomes.FILE_NAME)
        write_bad(data.unplaced, folder)
        report_file.write(_report(files, data, found, folder), folder)
    return folder


def _identity(files: ForeignFiles, data: ExampleSet) -> dict[str, Any]:
    """What must be the same for an import that was killed to be finished by another one."""
    read = {"predictions": files.predictions, "null_odds": files.null_odds}
    return {
        "benchmark": {"name": DISTRIBUTION},
        "plugin": {"name": files.name},
        "seed": 0,
        "data": {"dev": data.fingerprint},
        "files": {name: sha256(path) for name, path in read.items() if path is not None},
        "null_threshold": files.null_threshold,
    }


def _fitted(
    files: ForeignFiles, data: ExampleSet, given: Given
) -> tuple[dict[str, str], dict[str, float] | None]:
    """Answers and null odds of exactly the questions of the data."""
    golds = golds_of(data.examples)
    refuse_misfits(golds, files.predictions, given.texts)
    texts = {gold.id: given.texts[gold.id] for gold in golds}
    odds = given.null_odds
    if files.null_odds is not None:
        odds = read_null_odds(files.null_odds)
        refuse_misfits(golds, files.null_odds, odds)
    if odds is None:
        return texts, None
    return texts, {gold.id: odds[gold.id] for gold in golds}


def _outcomes(
    data: ExampleSet, predictions: Mapping[str, str], odds: Mapping[str, float] | None
) -> Outcomes:
    answers = tuple(predictions[one.id] for one in data.examples)
    exact, f1 = outcomes.score_answers(golds_of(data.examples), answers)
    spans = [_span(one.context, predictions[one.id]) for one in data.examples]
    start, end = np.array(spans, np.int32).reshape(-1, 2).T
    return Outcomes(
        examples=data.examples,
        tune=split_questions(data.examples, 0),
        answers=answers,
        start=start,
        end=end,
        null_odds=None if odds is None else np.array(list(odds.values()), np.float64),
        exact=exact,
        f1=f1,
    )


def _span(context: str, answer: str) -> tuple[int, int]:
    """The answer's place, if it occurs exactly once in the context; else (0, 0): it is unknown."""
    start = context.find(answer)
    known = bool(answer) and start >= 0 and context.find(answer, start + 1) < 0
    return (start, start + len(answer)) if known else (0, 0)


def _report(files: ForeignFiles, data: ExampleSet, found: Outcomes, folder: Path) -> Report:
    names = [*belongings.ANSWERS, *[belongings.NULL_ODDS] * (found.null_odds is not None)]
    names += [BAD_RECORDS] * bool(data.unplaced)
    settings: dict[str, Any] = {"answers": {"null_threshold": files.null_threshold}}
    measured = measure(found, files.null_threshold)
    scores = report_scores(found, files.null_threshold)
    report = Report(
        format=report_file.FORMAT,
        created=now(),
        benchmark=DISTRIBUTION,
        settings=settings,
        seed=0,
        train=None,
        dev=DataFacts(
            source=data.source,
            available=len(data),
            questions=len(data),
            answerable=data.answerable,
            scored=len(data),
            skipped=len(data.skipped),
            fingerprint=data.fingerprint,
        ),
        plugin=PluginFacts(files.name, DISTRIBUTION, "", {}, None),
        backbone=None,
        windows={},
        budget=None,
        environment=None,
        training_log=(),
        scores=scores,
        weights_sha256=None,
        files={},
        warnings=(*caveats(scores, data), *map(str, measured.failures)),
        metrics=measured.values,
    )
    return replace(report, files=belongings.hashes(folder, names))
