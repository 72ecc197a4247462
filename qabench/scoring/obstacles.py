"""What keeps every head from finding a gold: tokens, windows, the limit on an answer's length."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from qabench.data.examples import GoldAnswer, QAExample
from qabench.scoring.squad import accepted, normalize_answer
from qabench.windows.cutting import Windows


class Obstacle(IntEnum):
    """The first step from text to span that no gold of a question gets past."""

    NONE = 0
    # A smaller number is a later step, so the smallest of all golds counts.
    LENGTH = 1
    WINDOWS = 2
    TOKENS = 3


def obstacles(
    examples: Sequence[QAExample], windows: Windows, max_answer_tokens: int
) -> NDArray[np.int8]:
    """(N,) :class:`Obstacle` of each question's easiest gold; ``NONE`` where there is no answer.

    A gold gets past the tokens if the text between their borders is an exact match, past the
    windows if one of them holds it whole, and past the limit if it has at most
    ``max_answer_tokens`` tokens.
    """
    bounds = np.searchsorted(windows.example, np.arange(len(examples) + 1))
    found = np.zeros(len(examples), np.int8)
    for index, example in enumerate(examples):
        if example.answers:
            rows = slice(int(bounds[index]), int(bounds[index + 1]))
            finder = _Finder(example, windows, rows, max_answer_tokens)
            found[index] = min(finder.obstacle(gold) for gold in example.answers)
    return found


class _Finder:
    """The obstacles of one question's golds."""

    def __init__(self, example: QAExample, windows: Windows, rows: slice, limit: int) -> None:
        self.example = example
        self.limit = limit
        self.firsts = windows.first[rows]
        self.lasts = self.firsts + windows.length[rows] - 1
        self.accepted = accepted(gold.text for gold in example.answers)
        if len(self.firsts):
            context = windows.context[rows.start]
            low, high = windows.texts.bounds[context : context + 2]
            self.starts = windows.texts.starts[low:high]
            self.ends = windows.texts.ends[low:high]

    def obstacle(self, gold: GoldAnswer) -> Obstacle:
        if not len(self.firsts):
            return Obstacle.TOKENS
        # From the first token that ends after the gold's start to the last that starts in it.
        first = int(np.searchsorted(self.ends, gold.start, side="right"))
        last = int(np.searchsorted(self.starts, gold.start + len(gold.text), side="left")) - 1
        if first > last:
            return Obstacle.TOKENS
        text = self.example.context[self.starts[first] : self.ends[last]]
        if normalize_answer(text) not in self.accepted:
            return Obstacle.TOKENS
        if not ((self.firsts <= first) & (last <= self.lasts)).any():
            return Obstacle.WINDOWS
        return Obstacle.LENGTH if last - first + 1 > self.limit else Obstacle.NONE
