"""All scores of a report, computed only from the results by question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from qabench.base.numbers import percent
from qabench.data.examples import ExampleSet
from qabench.data.halves import halves_are_of
from qabench.reports.report import ReportScores
from qabench.scoring.baselines import human, random_span
from qabench.scoring.data_doubts import data_doubts
from qabench.scoring.losses import ceilings, owners
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.predictions import golds_of
from qabench.scoring.scores import Score
from qabench.scoring.squad import Gold, OfficialScores, always_null, official_scores
from qabench.scoring.thresholds import sweep

# Words of a random answer: about what max_answer_tokens allows.
_RANDOM_WORDS = 30


@dataclass(frozen=True, slots=True)
class Family:
    """Scores of a report that belong together.

    Attributes:
        name: their key below ``scores`` in ``report.json``, a field of :class:`ReportScores`.
        compute: the scores, as plain JSON types, from the results by question and the run's null
            threshold; ``None`` where the results do not have what they need.
    """

    name: str
    compute: Callable[[Outcomes, float], Mapping[str, Any] | None]


def report_scores(outcomes: Outcomes, null_threshold: float) -> ReportScores:
    """The scores of a run at its null threshold, and everything to compare them with."""
    families = {one.name: one.compute(outcomes, null_threshold) for one in FAMILIES}
    abstained = sum(not text for text in outcomes.final_answers(null_threshold))
    return ReportScores(null_threshold=null_threshold, abstained=abstained, **families)  # type: ignore[arg-type]


def doubts(scores: ReportScores, data: ExampleSet) -> list[str]:
    """What a reader must know before believing these scores, a phrase each."""
    found = []
    exact, null = scores.official[Score.EM], scores.always_null[Score.EM]
    if exact <= null:
        found.append(f"EM {percent(exact)} is not above always answering nothing ({percent(null)})")
    elif scores.tuned is not None:
        exact, null = (scores.tuned[key][Score.EM] for key in ("official", "always_null"))
        if exact <= null:
            found.append(
                f"test EM {percent(exact)} is not above always answering nothing in the same half "
                f"({percent(null)})"
            )
    if data.has_unanswerable and not scores.abstained:
        found.append("it never abstains, although some of the questions have no answer")
    if scores.abstained == len(data):
        found.append("it abstains on every question")
    return [*found, *data_doubts(data.examples)]


def _official(outcomes: Outcomes, null_threshold: float) -> Mapping[str, Any]:
    return _official_scores(outcomes.golds, outcomes, null_threshold).as_dict()


def _official_scores(
    golds: Sequence[Gold], outcomes: Outcomes, null_threshold: float
) -> OfficialScores:
    """The official scores on the questions that these golds are of."""
    ids = [one.id for one in outcomes.examples]
    answers = dict(zip(ids, outcomes.answers, strict=True))
    if outcomes.null_odds is None:
        return official_scores(golds, answers)
    odds = dict(zip(ids, outcomes.null_odds.tolist(), strict=True))
    return official_scores(golds, answers, odds, null_threshold)


def _tuned(outcomes: Outcomes, _: float) -> Mapping[str, Any] | None:
    """The threshold with the best EM on the tune half, and the scores of the test half at it."""
    tune, odds = outcomes.tune, outcomes.null_odds
    if odds is None or not tune.any() or tune.all():
        return None
    threshold = sweep(odds[tune], outcomes.exact[tune], outcomes.has_answer[tune]).best()
    examples = [outcomes.examples[index] for index in np.flatnonzero(~tune)]
    test = golds_of(examples)
    keys = _official_scores(test, outcomes, threshold).as_dict()
    return {
        "null_threshold": threshold,
        "tune_questions": int(tune.sum()),
        "halves": halves_are_of(outcomes.examples),
        "official": {name: value for name, value in keys.items() if not name.startswith("best_")},
        "always_null": always_null(test).as_dict(),
        "random_span": random_span(examples, _RANDOM_WORDS).as_dict(),
    }


def _always_null(outcomes: Outcomes, _: float) -> Mapping[str, Any]:
    return always_null(outcomes.golds).as_dict()


def _random_span(outcomes: Outcomes, _: float) -> Mapping[str, Any]:
    return random_span(outcomes.examples, _RANDOM_WORDS).as_dict()


def _human(outcomes: Outcomes, _: float) -> Mapping[str, Any] | None:
    people = human(outcomes.examples)
    return None if people is None else asdict(people)


def _losses(outcomes: Outcomes, null_threshold: float) -> Mapping[str, Any]:
    return {str(owner): lost for owner, lost in owners(outcomes, null_threshold).items()}


def _ceilings(outcomes: Outcomes, _: float) -> Mapping[str, Any] | None:
    limits = ceilings(outcomes)
    return None if limits is None else asdict(limits)


FAMILIES = (
    Family("official", _official),
    Family("tuned", _tuned),
    Family("always_null", _always_null),
    Family("random_span", _random_span),
    Family("human", _human),
    Family("losses", _losses),
    Family("ceilings", _ceilings),
)
