"""Slices: questions of one kind, to see where a head is strong or weak.

A kind depends only on the data (and on the number of windows), never on predictions, so that every
head is scored on the same slices.
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

from qabench.base.arrays import Bools, Doubles
from qabench.data.examples import QAExample
from qabench.scoring.squad import normalize_answer

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


@dataclass(frozen=True, slots=True)
class _Ranges:
    """Names for ranges of a count, by the lowest number of each range, 0 or 1 in the first."""

    noun: str
    lowest: tuple[int, ...]

    def name(self, count: int) -> str:
        """The range of a count."""
        at = sum(count >= low for low in self.lowest)
        if at == 0:
            return f"no {self.noun}"
        low = self.lowest[at - 1]
        if at == len(self.lowest):
            return f"{low} {self.noun}s or more"
        high = self.lowest[at] - 1
        plural = self.noun if high == 1 else f"{self.noun}s"
        return f"{high} {plural}" if low == high else f"{low} to {high} {plural}"

    @property
    def names(self) -> tuple[str, ...]:
        """All ranges, rising."""
        return tuple(dict.fromkeys(map(self.name, (0, *self.lowest))))


_ANSWER_WORDS = _Ranges("word", (1, 2, 4, 7))
_CONTEXT_WORDS = _Ranges("word", (0, 100, 150, 200))
_WINDOWS = _Ranges("window", (1, 2, 3))
_THIRDS = ("first third", "middle third", "last third")
_AGREEMENTS = ("one gold", "all golds equal", "some golds equal", "all golds differ")


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
    return _ANSWER_WORDS.name(len(example.answers[0].text.split()))


def context_length(example: QAExample) -> str:
    """Words of the context, in ranges."""
    # Beyond the start of the highest range no word needs to be counted.
    words = example.context.split(maxsplit=_CONTEXT_WORDS.lowest[-1])
    return _CONTEXT_WORDS.name(len(words))


def answer_position(example: QAExample) -> str | None:
    """The third of the context that holds the middle of the first gold that has a place, if any."""
    if not example.placed:
        return None
    gold = example.placed[0]
    middle = (gold.start + len(gold.text) / 2) / len(example.context)
    return _THIRDS[min(2, int(3 * middle))]


def gold_agreement(example: QAExample) -> str | None:
    """How many of the golds are equal after normalization; ``None`` without an answer."""
    golds = [normalize_answer(gold.text) for gold in example.answers]
    one, equal, some, differ = _AGREEMENTS
    if len(golds) < 2:
        return one if golds else None
    agreeing = max(Counter(golds).values())
    if agreeing == len(golds):
        return equal
    return some if agreeing > 1 else differ


@dataclass(frozen=True, slots=True)
class Group:
    """A way to sort questions into kinds.

    Attributes:
        name: such as ``question word``.
        kind: the kind of a question; ``None`` where the group does not apply to it.
        order: the kinds in their natural order; kinds that are not listed follow, the biggest
            first.
    """

    name: str
    kind: Callable[[QAExample], str | None]
    order: tuple[str, ...] = ()


_OF_QUESTIONS = (
    Group("answerability", answerability, ("HasAns", "NoAns")),
    Group("question word", question_word),
    Group("answer length", answer_length, _ANSWER_WORDS.names),
    Group("answer position", answer_position, _THIRDS),
    Group("gold agreement", gold_agreement, _AGREEMENTS),
    Group("context length", context_length, _CONTEXT_WORDS.names),
)
_ORDERS = {one.name: one.order for one in _OF_QUESTIONS} | {"windows": _WINDOWS.names}
GROUPS = tuple(_ORDERS)


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Questions of one kind.

    Attributes:
        name: the kind, such as ``who``.
        group: what tells its kinds apart, such as ``question word``; the slices of a group have no
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
    """All slices that hold a question, by group.

    Args:
        examples: the N questions.
        window_counts: (N,) windows of each question, for the group ``windows``.
        more: further groups: by name, the kind of each of the N questions, ``None`` for none.

    Raises:
        ValueError: the window counts are not one for each question.
    """
    kinds: dict[str, Sequence[str | None]] = {
        group.name: [group.kind(one) for one in examples] for group in _OF_QUESTIONS
    }
    if window_counts is not None:
        if len(window_counts) != len(examples):
            raise ValueError(f"{len(window_counts)} window counts, {len(examples)} questions")
        kinds["windows"] = [_WINDOWS.name(int(count)) for count in window_counts]
    kinds |= more
    return tuple(
        Slice(name, group, np.array([kind == name for kind in of_questions], bool))
        for group, of_questions in kinds.items()
        for name in _ordered(of_questions, _ORDERS.get(group, ()))
    )


def _ordered(kinds: Sequence[str | None], order: Sequence[str]) -> list[str]:
    """The kinds that occur, in that order; those that it does not list follow, biggest first."""
    counts = Counter(kinds)
    by_size = (name for name, _ in counts.most_common() if name is not None)
    return [name for name in dict.fromkeys((*order, *by_size)) if counts[name]]


@dataclass(frozen=True, slots=True, eq=False)
class SliceScore:
    """A system's score on a slice.

    Attributes:
        slice: the slice.
        mean: over seeds and the slice's questions, 0 to 1.
        interval: of the mean over such questions, for these very seeds: it does not contain their
            variation.
    """

    slice: Slice
    mean: float
    interval: tuple[float, float]


def slice_score(slice: Slice, scores: Doubles) -> SliceScore:
    """The mean score on a slice with its 95 % interval by Wilson.

    For F1 and for means over seeds, which are not just 0 or 1, the interval is on the safe side:
    no value from 0 to 1 varies more than one of 0 or 1 with the same mean.

    Args:
        slice: of the same N questions.
        scores: (S, N) float64, 0 to 1, a row for each seed.
    """
    mean = float(scores[:, slice.mask].mean())
    return SliceScore(slice, mean, wilson(mean, len(slice)))


def wilson(mean: float, count: int) -> tuple[float, float]:
    """Wilson's 95 % score interval (1927) for a mean of ``count`` values of 0 or 1.

    Unlike the normal interval it stays within 0 to 1, and is not empty for a mean of 0 or 1.
    """
    z = NormalDist().inv_cdf(0.975)
    weight = 1 / (1 + z * z / count)
    centre = weight * (mean + z * z / (2 * count))
    half = weight * z * math.sqrt(mean * (1 - mean) / count + (z / (2 * count)) ** 2)
    return max(0.0, centre - half), min(1.0, centre + half)
