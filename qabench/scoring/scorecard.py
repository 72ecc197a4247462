"""All scores of a report, computed from the results by question and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from qabench.data.examples import ExampleSet
from qabench.reports.report import ReportScores
from qabench.scoring.baselines import human, random_span
from qabench.scoring.losses import ceilings, owners
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.predictions import golds_of
from qabench.scoring.squad import Gold, OfficialScores, always_null, official_scores
from qabench.scoring.thresholds import held_out

# Words of a random answer: about what max_answer_tokens allows.
_RANDOM_WORDS = 30


def report_scores(outcomes: Outcomes, null_threshold: float) -> ReportScores:
    """The scores of a run at its null threshold, and everything to hold them against."""
    examples = outcomes.examples
    golds = golds_of(examples)
    people, limits = human(examples), ceilings(outcomes)
    abstains = outcomes.abstains(null_threshold)
    return ReportScores(
        official=_official(golds, outcomes, null_threshold).as_dict(),
        null_threshold=null_threshold,
        abstained=int(
            sum(null or not text for null, text in zip(abstains, outcomes.answers, strict=True))
        ),
        tuned=_tuned(outcomes),
        always_null=always_null(golds).as_dict(),
        random_span=random_span(examples, _RANDOM_WORDS).as_dict(),
        human=None if people is None else asdict(people),
        losses={str(owner): lost for owner, lost in owners(outcomes, null_threshold).items()},
        ceilings=None if limits is None else asdict(limits),
    )


def doubts(scores: ReportScores, data: ExampleSet) -> list[str]:
    """What a reader must know before believing these scores, a phrase each."""
    found = []
    if scores.official["exact"] <= scores.always_null["exact"]:
        found.append(
            f"EM {scores.official['exact']:.2f} is not above always answering nothing "
            f"({scores.always_null['exact']:.2f})"
        )
    if data.has_unanswerable and not scores.abstained:
        found.append("it never abstains, although questions without answer were scored")
    if scores.abstained == len(data):
        found.append("it abstains on every question")
    return found


def _official(golds: Sequence[Gold], outcomes: Outcomes, null_threshold: float) -> OfficialScores:
    """The official scores of some of the questions."""
    ids = [one.id for one in outcomes.examples]
    answers = dict(zip(ids, outcomes.answers, strict=True))
    if outcomes.null_odds is None:
        return official_scores(golds, answers)
    odds = dict(zip(ids, outcomes.null_odds.tolist(), strict=True))
    return official_scores(golds, answers, odds, null_threshold)


def _tuned(outcomes: Outcomes) -> dict[str, object] | None:
    tune, odds = outcomes.tune, outcomes.null_odds
    if odds is None or not tune.any() or tune.all():
        return None
    threshold = held_out(odds, outcomes.exact, outcomes.has_answer, tune).threshold
    test = golds_of([outcomes.examples[index] for index in np.flatnonzero(~tune)])
    keys = _official(test, outcomes, threshold).as_dict()
    return {
        "null_threshold": threshold,
        "tune_questions": int(tune.sum()),
        "official": {name: value for name, value in keys.items() if not name.startswith("best_")},
    }
