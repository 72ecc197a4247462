"""Slices: questions of one kind, to see where a head is strong or weak.

A kind is told from the data alone (and from the number of windows), never from predictions, so
that every head is scored on the same slices.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from qabench.data.examples import QAExample
from qabench.scoring.squad import normalize_answer

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]

_QUESTION_WORDS = {
    "who": "who",
    "whom": "who",
    "whose": "who",
    "what": "what",
    "when": "when",
    "where": "where",
    "which": "which",
    "why": "why",
    "how": "how",
}
_WORD = re.compile(r"[^\W_]+")
_ANSWER_WORDS = (1, 2, 4, 7)
_CONTEXT_WORDS = (0, 100, 150, 200)
_WINDOWS = (1, 2, 3)


def question_word(example: QAExample) -> str:
    """The first question word: who (also whom, whose), what, when, where, which, why, how many
    (also how much), how; ``other`` where there is none.
    """
    words = _WORD.findall(example.question.lower())
    for word, following in pairwise([*words, ""]):
        if word == "how" and following in ("many", "much"):
            return "how many"
        if word in _QUESTION_WORDS:
            return _QUESTION_WORDS[word]
    return "other"


def answerability(example: QAExample) -> str:
    """``HasAns`` or ``NoAns``, as in the official scores."""
    return "HasAns" if example.is_answerable else "NoAns"


def answer_length(example: QAExample) -> str | None:
    """Words of the first gold answer, in ranges; ``None`` without an answer."""
    if not example.answers:
        return None
    return _range(len(example.answers[0].text.split()), _ANSWER_WORDS, "word")


def context_length(example: QAExample) -> str:
    """Words of the context, in ranges."""
    # More words than the highest range begins with need no counting.
    words = example.context.split(maxsplit=_CONTEXT_WORDS[-1])
    return _range(len(words), _CONTEXT_WORDS, "word")


def answer_position(example: QAExample) -> str | None:
    """The third of the context that holds the middle of the first gold; ``None`` without one."""
    if not example.answers:
        return None
    gold = example.answers[0]
    middle = (gold.start + len(gold.text) / 2) / len(example.context)
    return ("first third", "middle third", "last third")[min(2, int(3 * middle))]


def gold_agreement(example: QAExample) -> str | None:
    """How many of the golds are equal after normalization; ``None`` without an answer."""
    golds = [normalize_answer(gold.text) for gold in example.answers]
    if len(golds) < 2:
        return "one gold" if golds else None
    agreeing = max(Counter(golds).values())
    if agreeing == len(golds):
        return "all golds equal"
    return "some golds equal" if agreeing > 1 else "all golds differ"


def _range(count: int, lowest: Sequence[int], noun: str) -> str:
    """The range of ``count``, by the lowest number of each range, 0 or 1 in the first."""
    at = sum(count >= low for low in lowest)
    if at == 0:
        return f"no {noun}"
    low = lowest[at - 1]
    if at == len(lowest):
        return f"{low} {noun}s or more"
    high = lowest[at] - 1
    return _number(low, noun) if low == high else f"{low} to {_number(high, noun)}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


_KINDS: dict[str, Callable[[QAExample], str | None]] = {
    "answerability": answerability,
    "question word": question_word,
    "answer length": answer_length,
    "answer position": answer_position,
    "gold agreement": gold_agreement,
    "context length": context_length,
}


GROUPS = (*_KINDS, "windows")


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Questions of one kind.

    Attributes:
        name: the kind, such as ``who``.
        group: what kinds these are, such as ``question word``; the slices of a group have no
            question in common.
        mask: (N,) bool, true for the questions of the slice; never all false.
    """

    name: str
    group: str
    mask: Bools

    def __len__(self) -> int:
        return int(np.count_nonzero(self.mask))


def slices(
    examples: Sequence[QAExample],
    window_counts: NDArray[np.integer] | None = None,
    more: Mapping[str, Sequence[str | None]] = MappingProxyType({}),
) -> tuple[Slice, ...]:
    """All slices that hold a question, by group, the biggest of each group first.

    Args:
        examples: the N questions.
        window_counts: (N,) windows of each question, for a group of its own.
        more: by group, the kind of each of the N questions, ``None`` for none.

    Raises:
        ValueError: the window counts are not one for each question.
    """
    kinds: dict[str, Sequence[str | None]] = {
        group: [kind(one) for one in examples] for group, kind in _KINDS.items()
    }
    if window_counts is not None:
        if len(window_counts) != len(examples):
            raise ValueError(f"{len(window_counts)} window counts, {len(examples)} questions")
        kinds["windows"] = [_range(int(count), _WINDOWS, "window") for count in window_counts]
    kinds |= more
    return tuple(
        Slice(name, group, np.array([kind == name for kind in of_questions], bool))
        for group, of_questions in kinds.items()
        for name, _ in Counter(of_questions).most_common()
        if name is not None
    )


@dataclass(frozen=True, slots=True, eq=False)
class SliceScore:
    """A system's score on a slice.

    Attributes:
        slice: the slice.
        mean: over seeds and the slice's questions, 0 to 1.
        interval: of the mean over such questions; of these seeds, whose variation is not in it.
    """

    slice: Slice
    mean: float
    interval: tuple[float, float]


def slice_score(slice: Slice, scores: Floats, confidence: float = 0.95) -> SliceScore:
    """The mean score on a slice with its Wilson interval.

    For F1 and for means over seeds, which are not just 0 or 1, the interval is on the safe side:
    no value from 0 to 1 varies more than one of 0 or 1 with the same mean.

    Args:
        slice: of the same N questions.
        scores: (S, N) float64, 0 to 1, a row for each seed.
        confidence: of the interval.
    """
    mean = float(scores[:, slice.mask].mean())
    return SliceScore(slice, mean, wilson(mean, len(slice), confidence))


def wilson(mean: float, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval (1927) for a mean of ``count`` values of 0 or 1.

    Unlike the normal interval it stays within 0 to 1, and is not empty for a mean of 0 or 1.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    weight = 1 / (1 + z * z / count)
    centre = weight * (mean + z * z / (2 * count))
    half = weight * z * math.sqrt(mean * (1 - mean) / count + (z / (2 * count)) ** 2)
    return max(0.0, centre - half), min(1.0, centre + half)
