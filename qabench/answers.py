"""Window spans to one answer per question, with null odds and n-best lists.

Over the windows of a question the best span is the one with the highest score, and the null score
is the lowest of the windows' null scores (the convention of run_squad and run_qa: a question has
no answer only if every window says so). Every answer is a slice of the original context.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qabench.benchmark import AnswerSettings
from qabench.examples import QAExample
from qabench.windows import Windows

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class WindowSpans:
    """The k best spans of many windows, as :class:`qabench.heads.SpanScores` in numpy.

    Attributes:
        window: (M,) window index of each row, each window once, in any order.
        start, end: (M, K) positions in the window.
        score: (M, K), ``-inf`` where there is no further legal span.
        null_score: (M,).
    """

    window: Longs
    start: Longs
    end: Longs
    score: Floats
    null_score: Floats


@dataclass(frozen=True, slots=True)
class Candidate:
    """One entry of an n-best list.

    Attributes:
        text: slice of the context; empty for the null answer.
        start, end: code points of the slice; (0, 0) for the null answer.
        score: in the head's unit; the null score for the null answer.
        probability: softmax of the scores over the list.
    """

    text: str
    start: int
    end: int
    score: float
    probability: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to one question.

    Attributes:
        id: the question's id.
        text: the answer; empty where the null odds exceed the threshold.
        best_span: the best non-null span's text, whatever the threshold; empty only where the
            question has no window.
        null_odds: null score minus the best span's score; the higher, the more evidence for no
            answer. 0 where the question has no window.
        n_best: best first; the null answer is always among them.
    """

    id: str
    text: str
    best_span: str
    null_odds: float
    n_best: tuple[Candidate, ...]


def merge_windows(
    examples: Sequence[QAExample],
    windows: Windows,
    spans: WindowSpans,
    settings: AnswerSettings,
) -> tuple[Answer, ...]:
    """One answer per example, in the examples' order."""
    found = _ranked(windows, spans, settings.n_best)
    bounds = np.searchsorted(found.example, np.arange(len(examples) + 1))
    null_score = np.full(len(examples), np.inf)
    np.minimum.at(null_score, windows.example[spans.window], spans.null_score.astype(np.float64))
    return tuple(
        _answer(example, list(found.rows(bounds[i], bounds[i + 1])), float(null_score[i]), settings)
        for i, example in enumerate(examples)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Ranked:
    """Spans of all questions: by example, then best first, no span twice."""

    example: Longs
    start: Longs
    end: Longs
    score: NDArray[np.float64]

    def rows(self, low: int, high: int) -> Iterator[tuple[int, int, float]]:
        return zip(
            self.start[low:high].tolist(),
            self.end[low:high].tolist(),
            self.score[low:high].tolist(),
            strict=True,
        )


def _ranked(windows: Windows, spans: WindowSpans, n_best: int) -> _Ranked:
    legal = np.isfinite(spans.score)
    window = np.broadcast_to(spans.window[:, None], legal.shape)[legal]
    example = windows.example[window].astype(np.int64)
    start, end = windows.code_points(window, spans.start[legal], spans.end[legal])
    score = spans.score[legal].astype(np.float64)
    # Ties go to the earlier and then the shorter span, whatever order the windows came in.
    order = np.lexsort((end, start, -score, example))
    example, start, end, score = example[order], start[order], end[order], score[order]
    # The same span seen in two overlapping windows counts once, with its best score.
    keys = np.stack([example, start, end])
    _, first = np.unique(keys, axis=1, return_index=True)
    first.sort()
    example = example[first]
    rank = np.arange(len(example)) - np.searchsorted(example, example)
    kept = first[rank < n_best]
    return _Ranked(
        example[rank < n_best],
        start[kept].astype(np.int64),
        end[kept].astype(np.int64),
        score[kept],
    )


def _answer(
    example: QAExample,
    rows: Sequence[tuple[int, int, float]],
    null_score: float,
    settings: AnswerSettings,
) -> Answer:
    if not rows:
        null = Candidate("", 0, 0, 0.0, 1.0)
        return Answer(example.id, "", "", 0.0, (null,))
    entries = [*rows, (0, 0, null_score)]
    scores = np.array([score for _, _, score in entries])
    weights = np.exp(scores - scores.max())
    probabilities = (weights / weights.sum()).tolist()
    candidates = [
        Candidate(example.context[start:end], start, end, score, probability)
        for (start, end, score), probability in zip(entries, probabilities, strict=True)
    ]
    best, null_odds = candidates[0], null_score - candidates[0].score
    return Answer(
        id=example.id,
        text="" if null_odds > settings.null_threshold else best.text,
        best_span=best.text,
        null_odds=null_odds,
        n_best=tuple(sorted(candidates, key=lambda one: -one.score)),
    )
