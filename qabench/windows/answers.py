"""Window spans to one answer per question, with null odds and n-best lists.

Over the windows of a question the best span is the one with the highest score, and the null score
is the lowest of the windows' null scores (the convention of run_squad and run_qa: a question has
no answer only if every window says so). Every answer is a slice of the original context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qabench.base.arrays import Bools, Doubles, Ints, Longs, Singles
from qabench.base.garbage import no_collection
from qabench.benchmarks.settings import AnswerSettings
from qabench.data.examples import QAExample
from qabench.windows.cutting import Windows


@dataclass(frozen=True, slots=True, eq=False)
class WindowSpans:
    """The k best spans of many windows, as :class:`qabench.heads.SpanScores` in numpy.

    Attributes:
        window: (M,) window index of each row, each window once, in any order.
        start, end: (M, K) positions in the window, best span first.
        score: (M, K), in the head's unit; ``-inf`` where there is no further legal span.
        null_score: (M,), in the same unit.
    """

    window: NDArray[np.integer]
    start: NDArray[np.integer]
    end: NDArray[np.integer]
    score: Singles
    null_score: Singles


def are_possible(spans: WindowSpans, windows: Windows) -> bool:
    """Whether spans from a file can be of these windows: each window once, every scored span
    inside its context, no score NaN or infinite.
    """
    rows, scores = len(windows), (spans.score, spans.null_score)
    if not (
        spans.score.ndim == 2
        and spans.start.shape == spans.end.shape == spans.score.shape
        and spans.window.shape == spans.null_score.shape == (rows,)
        and spans.score.shape[1] > 0
        and all(one.dtype.kind == "i" for one in (spans.window, spans.start, spans.end))
        and all(one.dtype.kind == "f" and (one < np.inf).all() for one in scores)
        and np.array_equal(np.sort(spans.window), np.arange(rows))
    ):
        return False
    first = windows.context_position()[spans.window, None]
    behind = first + windows.length[spans.window, None]
    inside = (first <= spans.start) & (spans.start <= spans.end) & (spans.end < behind)
    return bool((inside | np.isneginf(spans.score)).all())


@dataclass(frozen=True, slots=True, eq=False)
class BestSpans:
    """The best non-null span of each of Q questions, whatever the threshold.

    Attributes:
        examples: the questions, in order.
        start, end: (Q,) code points in the context; (0, 0) where the question has no window.
        score: (Q,) in the head's unit; 0 where the question has no window.
        null_score: (Q,) the lowest of its windows; 0 where it has none.
    """

    examples: Sequence[QAExample]
    start: Ints
    end: Ints
    score: Singles
    null_score: Singles

    @property
    def null_odds(self) -> Doubles:
        """(Q,) null score minus the span's score: evidence that there is no answer."""
        return self.null_score.astype(np.float64) - self.score

    def text_by_id(self) -> dict[str, str]:
        """The span's text, by question id."""
        places = zip(self.examples, self.start.tolist(), self.end.tolist(), strict=True)
        return {one.id: one.context[start:end] for one, start, end in places}

    def null_odds_by_id(self) -> dict[str, float]:
        """The null odds, by question id."""
        odds = self.null_odds.tolist()
        return {one.id: value for one, value in zip(self.examples, odds, strict=True)}


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The answers to Q questions, as arrays; texts are cut from the contexts on demand.

    Attributes:
        best: the best span of each question and its null score.
        null_threshold: where the null odds are greater, the answer is "".
        bounds: (Q + 1,) where each question's n-best list begins and ends in the other arrays. The
            null answer is in every list.
        start, end: (C,) code points of each candidate; (0, 0) for the null answer.
        score: (C,) in the head's unit, falling within each list; the null score for the null
            answer.
        probability: (C,) softmax of the scores over each list.
    """

    best: BestSpans
    null_threshold: float
    bounds: Longs
    start: Ints
    end: Ints
    score: Singles
    probability: Doubles

    @property
    def abstains(self) -> Bools:
        """(Q,) whether the answer is ""."""
        nulled: Bools = self.best.null_odds > self.null_threshold
        nulled |= self.best.start == self.best.end
        return nulled

    def text_by_id(self) -> dict[str, str]:
        """The answer by question id; "" where the null odds exceed the threshold."""
        spans = zip(self.best.text_by_id().items(), self.abstains.tolist(), strict=True)
        return {id: "" if null else text for (id, text), null in spans}

    @no_collection()
    def n_best_by_id(self) -> dict[str, list[dict[str, Any]]]:
        """The n-best list by question id, best first, as JSON types."""
        columns = (self.start, self.end, self.score, self.probability)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return {
            one.id: [
                {
                    "text": one.context[start:end],
                    "start": start,
                    "end": end,
                    "score": score,
                    "probability": probability,
                }
                for start, end, score, probability in islice(rows, length)
            ]
            for one, length in zip(self.best.examples, np.diff(self.bounds).tolist(), strict=True)
        }


def merge_windows(
    examples: Sequence[QAExample],
    windows: Windows,
    spans: WindowSpans,
    settings: AnswerSettings,
) -> Answers:
    """One answer per example, with its n-best list.

    Args:
        examples: the questions.
        windows: cut from them.
        spans: the k best spans of every window.
        settings: how many answers to list, and the null threshold.
    """
    best = best_spans(examples, windows, spans)
    found = _ranked(_legal(windows, spans), settings.n_best)
    count = np.bincount(found.example, minlength=len(examples))
    bounds = np.concatenate([[0], np.cumsum(count + 1)])
    # The null answer comes after the spans that score no less.
    behind_null = found.score < best.null_score[found.example]
    ahead = count - np.bincount(found.example[behind_null], minlength=len(examples))
    null_place = bounds[:-1] + ahead
    span_place = np.arange(len(found.example)) + found.example + behind_null
    start, end = np.zeros((2, bounds[-1]), np.int32)
    score = np.empty(bounds[-1], np.float32)
    start[span_place], end[span_place] = found.start, found.end
    score[span_place], score[null_place] = found.score, best.null_score
    return Answers(
        best=best,
        null_threshold=settings.null_threshold,
        bounds=bounds,
        start=start,
        end=end,
        score=score,
        probability=_softmax(score, bounds),
    )


def best_spans(examples: Sequence[QAExample], windows: Windows, spans: WindowSpans) -> BestSpans:
    """The best span of each example, without the n-best lists: all that scores need."""
    example = windows.example[spans.window]
    score = np.full(len(examples), -np.inf, np.float32)
    legal = np.where(np.isfinite(spans.score), spans.score, -np.inf)
    np.maximum.at(score, example, legal.max(axis=1))
    # Of all spans that tie for the best, the first.
    ties = _legal(windows, spans, spans.score >= score[example][:, None])
    first = _ranked(ties, 1)
    start, end = np.zeros((2, len(examples)), np.int32)
    start[first.example], end[first.example] = first.start, first.end
    null_score = np.full(len(examples), np.inf, np.float32)
    np.minimum.at(null_score, example, spans.null_score)
    nowhere = np.isneginf(score)
    score[nowhere] = null_score[nowhere] = 0
    return BestSpans(examples, start, end, score, null_score)


@dataclass(frozen=True, slots=True, eq=False)
class _Spans:
    """S spans of all questions, by code points of their contexts."""

    example: Longs
    start: Ints
    end: Ints
    score: Singles

    def take(self, chosen: NDArray[Any]) -> _Spans:
        """Those at these indices, or where this mask is true."""
        return _Spans(
            self.example[chosen], self.start[chosen], self.end[chosen], self.score[chosen]
        )


def _legal(windows: Windows, spans: WindowSpans, among: Bools | bool = True) -> _Spans:
    """The spans with a score, of these only those in a mask (M, K), sorted by example."""
    order = np.argsort(windows.example[spans.window], kind="stable")
    row, column = np.nonzero((np.isfinite(spans.score) & among)[order])
    row = order[row]
    window = spans.window[row]
    start, end = windows.code_points(window, spans.start[row, column], spans.end[row, column])
    return _Spans(windows.example[window].astype(np.int64), start, end, spans.score[row, column])


def _ranked(found: _Spans, n_best: int) -> _Spans:
    """The best of each example: by example, then best first, no span twice.

    Ties go to the earlier and then the shorter span, whatever the order of the windows.
    """
    spans = _distinct(found)
    # The sort is stable and the spans are sorted by place, so ties need no further key.
    ranked = spans.take(np.argsort((spans.example << 32) + _falling(spans.score), kind="stable"))
    count = np.bincount(ranked.example)
    rank = np.arange(len(ranked.example)) - (np.cumsum(count) - count)[ranked.example]
    return ranked.take(rank < n_best)


def _distinct(found: _Spans) -> _Spans:
    """Sorted by example, start and length; a span of several windows once, with its best score."""
    length = found.end - found.start
    # Questions times code points of a context times code points of a span: far below 63 bits.
    place = found.example * (int(found.start.max(initial=0)) + 1) + found.start
    key = place * (int(length.max(initial=0)) + 1) + length
    order = np.argsort(key)
    first = np.flatnonzero(np.diff(key[order], prepend=-1))
    spans = found.take(order[first])
    return replace(spans, score=np.maximum.reduceat(found.score[order], first))


def _falling(score: Singles) -> Ints:
    """Integers that fall as scores rise, equal for equal scores (0 and -0 too)."""
    bits = (score + np.float32(0)).view(np.int32)
    return ~np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits)


def _softmax(score: Singles, bounds: Longs) -> Doubles:
    """Probabilities within each list; a list begins with its best score."""
    length = np.diff(bounds)
    best = np.repeat(score[bounds[:-1]], length)
    weight: Doubles = np.exp(score.astype(np.float64) - best)
    weight /= np.repeat(np.add.reduceat(weight, bounds[:-1]), length)
    return weight
