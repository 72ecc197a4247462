"""Every lost point of EM has one owner: tokens, windows, length limit, head or threshold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from qabench.base.arrays import Bools
from qabench.scoring.obstacles import Obstacle
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.scores import Score


class Owner(StrEnum):
    """Who lost the point of a question that is not an exact match."""

    TOKENS = "tokens"
    WINDOWS = "windows"
    LENGTH = "length"
    SEARCH = "not in n-best"
    RANKING = "ranked lower"
    ABSTAINED = "abstained though right"
    ANSWERED = "answered though none"


class Fault(StrEnum):
    """How an answer is wrong."""

    ABSTAINED = "abstained, has an answer"
    ANSWERED = "answered, has none"
    BORDER = "overlaps a gold"
    ELSEWHERE = "shares no word with a gold"


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The best EM that is still possible after each step, in percent.

    Attributes:
        tokens: with only the token borders in the way.
        windows: also with the windows.
        length: also with the limit on an answer's length.
        n_best: with the head's n-best lists ranked perfectly, and perfect abstention.
        answerability: with the head's best spans, and perfect abstention.
    """

    tokens: float
    windows: float
    length: float
    n_best: float
    answerability: float


def owners(outcomes: Outcomes, null_threshold: float) -> dict[Owner, float]:
    """Points of EM that each owner lost; together with the EM they add up to 100.

    For a foreign system tokens, windows, length and ranking are unknown: every wrong span counts
    as lost by the search.
    """
    wrong = outcomes.final(Score.EM, null_threshold) < 1
    has_answer, right = outcomes.has_answer, outcomes.exact == 1
    nothing = np.zeros(len(outcomes), np.int8)
    obstacle = nothing if outcomes.obstacle is None else outcomes.obstacle
    listed = outcomes.exact if outcomes.n_best_exact is None else outcomes.n_best_exact
    missed = wrong & has_answer & ~right
    found = missed & (listed == 1)
    lost = missed & ~found
    masks = {
        Owner.TOKENS: lost & (obstacle == Obstacle.TOKENS),
        Owner.WINDOWS: lost & (obstacle == Obstacle.WINDOWS),
        Owner.LENGTH: lost & (obstacle == Obstacle.LENGTH),
        Owner.SEARCH: lost & (obstacle == Obstacle.NONE),
        Owner.RANKING: found,
        Owner.ABSTAINED: wrong & has_answer & right,
        Owner.ANSWERED: wrong & ~has_answer,
    }
    return {owner: _percent(mask) for owner, mask in masks.items()}


def faults(outcomes: Outcomes, null_threshold: float) -> dict[Fault, Bools]:
    """By fault, (N,) whether each question is answered wrongly in this way."""
    wrong = outcomes.final(Score.EM, null_threshold) < 1
    has_answer = outcomes.has_answer
    abstains = outcomes.abstains(null_threshold) | outcomes.found_nothing
    return {
        Fault.ABSTAINED: wrong & abstains & has_answer,
        Fault.ANSWERED: wrong & ~has_answer,
        Fault.BORDER: wrong & ~abstains & has_answer & (outcomes.f1 > 0),
        Fault.ELSEWHERE: wrong & ~abstains & has_answer & (outcomes.f1 == 0),
    }


def ceilings(outcomes: Outcomes) -> Ceilings | None:
    """The ceilings of a run; ``None`` for a foreign system, whose windows are unknown."""
    if outcomes.obstacle is None or outcomes.n_best_exact is None:
        return None
    none = ~outcomes.has_answer
    return Ceilings(
        tokens=_percent(none | (outcomes.obstacle < Obstacle.TOKENS)),
        windows=_percent(none | (outcomes.obstacle < Obstacle.WINDOWS)),
        length=_percent(none | (outcomes.obstacle < Obstacle.LENGTH)),
        n_best=_percent(none | (outcomes.n_best_exact == 1)),
        answerability=_percent(none | (outcomes.exact == 1)),
    )


def _percent(mask: Bools) -> float:
    return 100.0 * float(mask.mean())
