"""What systems are compared on: one table of measures, for each of three questions.

Two heads that find equally good spans may score differently because one abstains at the wrong
threshold. So final answers, spans and abstaining are asked about apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from qabench.base.arrays import Bools, Doubles
from qabench.comparison.contests import System
from qabench.comparison.paired import SystemScores
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.records import Record
from qabench.scoring.scores import Score

Asked = Literal["final answers", "spans", "abstaining"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean over questions.

    Attributes:
        key: its name in JSON.
        asked: which question it is an answer to.
        label: what people read.
        unit: of a difference, in a sentence.
        values: (N,) the values of a run, fractions of 1.
        counted: (N,) whether a question counts; all questions if ``None`` is returned.
        abstaining: whether it needs questions without answer, and the run's null odds.
    """

    key: str
    asked: Asked
    label: str
    unit: str
    values: Callable[[Record], Doubles]
    counted: Callable[[Outcomes], Bools] | None = None
    abstaining: bool = False

    def fits(self, system: System) -> bool:
        """Whether all runs of a system have what it takes."""
        return not self.abstaining or all(_can_abstain(one.outcomes) for one in system.records)

    def of(self, system: System) -> SystemScores:
        """The values of a system on the questions that count.

        Raises:
            ReportError: results by question are missing.
        """
        scores = np.stack([self.values(one) for one in system.records])
        counted = self.mask(system.records[0].outcomes)
        return SystemScores(system.label, scores[:, counted], system.seeds)

    def mask(self, outcomes: Outcomes) -> Bools:
        """(N,) which questions count."""
        if self.counted is None:
            return np.ones(len(outcomes), np.bool_)
        return self.counted(outcomes)


def _can_abstain(outcomes: Outcomes) -> bool:
    answerable = outcomes.has_answer
    halves = bool(outcomes.tune.any()) and not outcomes.tune.all()
    odds = outcomes.null_odds is not None
    return odds and halves and bool(answerable.any()) and not answerable.all()


def _final(score: Score) -> Callable[[Record], Doubles]:
    return lambda record: record.final(score)


def _span(score: Score) -> Callable[[Record], Doubles]:
    return lambda record: record.outcomes.raw(score)


def _at_tuned_threshold(record: Record) -> Doubles:
    tuned = record.report.scores.tuned
    threshold = record.null_threshold if tuned is None else tuned["null_threshold"]
    return record.outcomes.final(Score.EM, threshold)


def _separation(record: Record) -> Doubles:
    outcomes = record.outcomes
    assert outcomes.null_odds is not None
    return placements(outcomes.null_odds, outcomes.has_answer)


def placements(null_odds: Doubles, has_answer: Bools) -> Doubles:
    """(N,) float64 values whose mean is the area under the ROC curve of "has no answer".

    The area is the chance that a question without answer has greater null odds than one with an
    answer, ties counting half. A question's placement is that chance for this question, less the
    area, by the share of its kind, plus the area (DeLong, DeLong & Clarke-Pearson 1988, Biometrics
    44): the mean over any sample of questions then varies as the area does.

    Args:
        null_odds: (N,) evidence for no answer.
        has_answer: (N,) both kinds must occur.
    """
    found = np.empty(len(null_odds))
    kinds = {True: null_odds[has_answer], False: null_odds[~has_answer]}
    sorted_kinds = {kind: np.sort(values) for kind, values in kinds.items()}
    for kind, values in kinds.items():
        others = sorted_kinds[not kind]
        below = np.searchsorted(others, values, side="left")
        upto = np.searchsorted(others, values, side="right")
        beaten = (below + upto) / 2 / len(others)
        found[has_answer == kind] = 1 - beaten if kind else beaten
    area = float(found[has_answer].mean())
    shares = np.where(has_answer, has_answer.mean(), 1 - has_answer.mean())
    placed: Doubles = area + (found - area) / shares
    return placed


MEASURES = (
    *(
        Measure(f"final_{score}", "final answers", score.label, score.label, _final(score))
        for score in Score
    ),
    *(
        Measure(
            f"spans_{score}",
            "spans",
            f"spans {score.label}",
            f"HasAns {score.label} without abstaining",
            _span(score),
            lambda outcomes: outcomes.has_answer,
            abstaining=True,
        )
        for score in Score
    ),
    Measure("auroc", "abstaining", "AUROC", "AUROC of the null odds", _separation, abstaining=True),
    Measure(
        "test_exact",
        "abstaining",
        "test EM†",
        "test EM† (at thresholds tuned on the other half)",
        _at_tuned_threshold,
        lambda outcomes: ~outcomes.tune,
        abstaining=True,
    ),
)
FINAL = dict(zip(Score, MEASURES, strict=False))
