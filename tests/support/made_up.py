"""Made-up reports and runs, valid by the schema."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from qabench.data.examples import GoldAnswer, QAExample
from qabench.reports import report_file
from qabench.reports.report import (
    BackboneFacts,
    Budget,
    DataFacts,
    Environment,
    PluginFacts,
    Report,
    ReportScores,
)
from qabench.scoring import outcomes
from qabench.scoring.losses import Owner
from qabench.scoring.outcomes import Outcomes

HASH = "0" * 64
COUNTS = dict.fromkeys(
    (
        "windows",
        "tokens",
        "questions_with_overflow",
        "clipped_questions",
        "questions_without_window",
        "golds_outside_windows",
        "golds_not_on_token_borders",
    ),
    1,
)


def made_up(plugin="one", seed=0, exact=60.0, data=HASH, **changed) -> Report:
    facts = DataFacts("dev.json", 4, 4, 2, 4, 0, data)
    official = {"exact": exact, "f1": exact, "total": 4, "HasAns_exact": 20.0, "HasAns_f1": 20.0}
    null = {"exact": 50.0, "f1": 50.0, "total": 4, "HasAns_exact": 0.0, "HasAns_f1": 0.0}
    random = {**null, "exact": 1.0, "f1": 5.0}
    losses = dict.fromkeys(map(str, Owner), 0.0) | {str(Owner.SEARCH): 100.0 - exact}
    report = Report(
        format=report_file.FORMAT,
        created="2026-01-01T00:00:00Z",
        benchmark="tiny",
        settings={
            "training": {"learning_rate": 1e-3, "epochs": 2},
            "windows": {"max_length": 48, "overlap": 8, "max_question_tokens": 16},
        },
        seed=seed,
        train=dataclasses.replace(facts, scored=None),
        dev=facts,
        plugin=PluginFacts(plugin, f"dist-{plugin}", "1", {}, 1e-3),
        backbone=BackboneFacts("folder", None, HASH, HASH),
        windows={"train": COUNTS, "dev": COUNTS},
        budget=Budget(2, 3, 4, 5, 6, 2, False, 7.5, 1.0, 0.5, 0.7, 2.3, 0.001, 0.1, 10, None),
        environment=Environment("3.11", "Linux", {}, "cpu", "x", "fp32", 1, 1, None),
        training_log=(),
        scores=ReportScores(official, 0.0, 2, None, null, random, None, losses, None),
        weights_sha256=hashlib.sha256(f"{plugin} {seed} {exact}".encode()).hexdigest(),
        files={"predictions.json": f"{exact:.0f}".zfill(64)},
        warnings=(),
    )
    return dataclasses.replace(report, **changed)


QUESTIONS = 120


def examples() -> tuple[QAExample, ...]:
    """Every third without answer; forty articles of three questions each."""
    return tuple(
        QAExample(
            id=f"q{number}",
            question="Who came ?" if number % 2 else "When did \x1b[31m they come ?",
            context="Anna came in May .",
            answers=() if number % 3 == 2 else (GoldAnswer("Anna", 0),),
            title=f"article {number // 3}",
        )
        for number in range(QUESTIONS)
    )


def results(right: np.ndarray) -> Outcomes:
    """Right on these questions: answers or abstains rightly; on the others the opposite."""
    asked = examples()
    has_answer = np.array([one.is_answerable for one in asked])
    return Outcomes(
        examples=asked,
        tune=np.arange(QUESTIONS) % 2 == 0,
        answers=("Anna",) * QUESTIONS,
        start=np.zeros(QUESTIONS, np.int32),
        end=np.full(QUESTIONS, 4, np.int32),
        null_odds=np.where(has_answer == right, -1.0, 1.0),
        exact=has_answer.astype(float),
        f1=has_answer.astype(float),
    )


def write_run(runs: Path, name: str, seed: int, right: np.ndarray, **changed) -> Path:
    """A run with :func:`results`, and a report that ``changed`` goes into."""
    folder = runs / name / f"seed-{seed}"
    folder.mkdir(parents=True)
    outcomes.write(results(right), folder / outcomes.FILE_NAME)
    report = made_up(name, seed=seed, exact=100 * float(right.mean()), **changed)
    dev = dataclasses.replace(report.dev, questions=QUESTIONS, scored=QUESTIONS, answerable=80)
    report_file.write(dataclasses.replace(report, dev=dev), folder)
    return folder
