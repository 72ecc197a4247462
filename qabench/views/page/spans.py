"""Where answers and golds stand in their contexts, as JavaScript counts: in UTF-16 units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qabench.base.arrays import Longs
from qabench.data.examples import QAExample

# Code points that take two units.
_LONG = re.compile("[\U00010000-\U0010ffff]")

Integers = NDArray[np.integer]


@dataclass(frozen=True, slots=True, eq=False)
class Contexts:
    """Each context once.

    Attributes:
        texts: the C contexts, in the order of their first questions.
        of_question: (N,) the context of each question.
        begins: (C,) where each context begins if all are put one after the other.
        long: (L,) where code points that take two units stand in that text, rising.
    """

    texts: tuple[str, ...]
    of_question: Longs
    begins: Longs
    long: Longs

    @classmethod
    def of(cls, examples: Sequence[QAExample]) -> Contexts:
        """The contexts of N questions."""
        index: dict[str, int] = {}
        of_question = [index.setdefault(one.context, len(index)) for one in examples]
        begins = list(accumulate(map(len, index), initial=0))
        long = [
            begin + found.start()
            for begin, text in zip(begins, index, strict=False)
            if not text.isascii()
            for found in _LONG.finditer(text)
        ]
        return cls(tuple(index), *(np.array(one, np.int64) for one in (of_question, begins, long)))

    def units(self, question: Integers, place: Integers) -> Longs:
        """(M,) UTF-16 units before places that are given in code points.

        Args:
            question: (M,) whose context it is.
            place: (M,) in code points of that context.
        """
        begin = self.begins[self.of_question[question]]
        before = np.searchsorted(self.long, begin + place) - np.searchsorted(self.long, begin)
        found: Longs = place + before
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """The distinct spans of each question, by question, start and end.

    Attributes:
        question: (M,) rising.
        start, end: (M,) code points.
    """

    question: Longs
    start: Longs
    end: Longs

    @classmethod
    def distinct(cls, question: Integers, start: Integers, end: Integers) -> tuple[Spans, Longs]:
        """Each span once, and (K,) the place of each given one among all spans.

        Args:
            question: (K,) the question of each span.
            start: (K,) code points.
            end: (K,) code points.
        """
        order = np.lexsort((end, start, question))
        rows = np.stack([question, start, end]).astype(np.int64)[:, order]
        new = np.ones(len(order), np.bool_)
        new[1:] = (rows[:, 1:] != rows[:, :-1]).any(axis=0)
        place = np.empty(len(order), np.int64)
        place[order] = np.cumsum(new) - 1
        return cls(*rows[:, new]), place

    def first(self, questions: int) -> Longs:
        """(N + 1,) where the spans of each of the N questions begin, and the end."""
        return np.searchsorted(self.question, np.arange(questions + 1)).astype(np.int64)

    def columns(self, contexts: Contexts) -> dict[str, Any]:
        """The spans as the page's script reads them, in UTF-16 units."""
        start, end = (contexts.units(self.question, one) for one in (self.start, self.end))
        first = self.first(len(contexts.of_question))
        return {"first": first, "start": start, "length": end - start}
