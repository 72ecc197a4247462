"""Logits to answers, beside run_qa's post-processing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from material import Material
from measuring import Bench, DisagreementError, Finding, doublings
from numpy.typing import NDArray
from peers.features import validation_features
from peers.postprocessing import Found, Rules, postprocess

from qabench.benchmarks.settings import AnswerSettings
from qabench.data.examples import QAExample
from qabench.heads import WindowBatch, top_spans
from qabench.windows.answers import Answers, WindowSpans, merge_windows
from qabench.windows.cutting import Windows, make_windows

PEER = "run_qa: postprocess_qa_predictions"
# Sums of float32 in another order.
TOLERANCE = 1e-4
BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Questions and the logits of their windows, as peaked as a fine-tuned model's.

    Attributes:
        start, end: (N, L) float32.
        context: (N, L) whether a position may be in an answer.
    """

    examples: tuple[QAExample, ...]
    windows: Windows
    start: NDArray[np.float32]
    end: NDArray[np.float32]
    context: NDArray[np.bool_]
    settings: AnswerSettings

    def answers(self) -> Answers:
        """Qabench's way: exact search batch by batch, as in prediction, then all windows."""
        parts = [self._spans(at) for at in range(0, len(self.windows), BATCH)]
        columns = (np.concatenate(column) for column in zip(*parts, strict=True))
        spans = WindowSpans(np.arange(len(self.windows)), *columns)
        return merge_windows(self.examples, self.windows, spans, self.settings)

    def found(self) -> Found:
        """The same as run_qa's dictionaries."""
        answers = self.answers()
        return Found(answers.text_by_id(), answers.best.null_odds_by_id(), answers.n_best_by_id())

    def _spans(self, at: int) -> tuple[NDArray[Any], ...]:
        start, end, context = (
            torch.from_numpy(array[at : at + BATCH])
            for array in (self.start, self.end, self.context)
        )
        null = start[:, 0] + end[:, 0]
        rules, batch = self.settings, WindowBatch(attention_mask=context, context_mask=context)
        found = top_spans(start, end, batch, null, rules.n_best, rules.max_answer_tokens)
        return tuple(one.numpy() for one in (found.start, found.end, found.score, found.null_score))


def findings(material: Material) -> Iterator[Finding]:
    """All of this stage."""
    bench = Bench("answers", material.scale.repeats)
    task = _task(material, len(material.examples))
    rows, size = Dataset.from_dict(material.rows()), material.windows
    features = validation_features(rows, material.tokenizer.saver, size.max_length, size.overlap)
    answers = material.answers
    rules = Rules(answers.n_best, answers.max_answer_tokens, answers.null_threshold)
    theirs = partial(postprocess, rows, features, task.start, task.end, rules)
    items = (len(rows), "questions")
    yield bench.compare("answers, null odds, n-best lists", PEER, task.found, theirs, _same, items)
    yield bench.compare(
        "the same as columns, no dictionaries", PEER, task.answers, theirs, _same_columns, items
    )
    yield bench.growth(
        "number of questions",
        "questions",
        doublings(len(rows), material.scale.doublings),
        lambda n: _task(material, n).answers,
    )


def _task(material: Material, questions: int) -> Task:
    """Noise of deviation 1, and one span of up to 8 tokens that stands out in every window."""
    examples = material.examples[:questions]
    facts = material.tokenizer
    windows = make_windows(examples, facts.encoder, facts.template, material.windows)
    chance = np.random.default_rng(0)
    shape = (len(windows), material.windows.max_length)
    start, end = (chance.standard_normal(shape, np.float32) for _ in range(2))
    position, first = np.arange(shape[1]), windows.context_position()[:, None]
    length = windows.length[:, None]
    rows = np.arange(len(windows))
    begin = (chance.random(len(windows)) * length[:, 0]).astype(int)
    last = np.minimum(begin + chance.integers(0, 8, len(windows)), length[:, 0] - 1)
    height = 4 + 4 * chance.random(len(windows), np.float32)
    start[rows, first[:, 0] + begin] += height
    end[rows, first[:, 0] + last] += height
    start[:, 0] += 6
    end[:, 0] += 6
    context = (position >= first) & (position < first + length)
    return Task(examples, windows, start, end, context, material.answers)


def _same_columns(ours: Answers, theirs: Found) -> str:
    found = Found(ours.text_by_id(), ours.best.null_odds_by_id(), {})
    return _same(found, replace(theirs, n_best={}))


def _same(ours: Found, theirs: Found) -> str:
    """Equal answers and null odds; no list of the peer's has a better entry at any rank."""
    differ = [id for id, text in theirs.answers.items() if ours.answers[id] != text]
    if differ:
        id = differ[0]
        raise DisagreementError(
            f"{len(differ)} answers differ (first: {id}, {ours.answers[id]!r} and "
            f"{theirs.answers[id]!r})"
        )
    off = max(abs(ours.null_odds[id] - odds) for id, odds in theirs.null_odds.items())
    if not off <= TOLERANCE:
        raise DisagreementError(f"null odds differ by {off:.1e}")
    told = f"{len(theirs.answers)} answers equal, null odds within {off:.0e}"
    if not theirs.n_best:
        return told
    short = sum(_is_better(ours.n_best[id], found) for id, found in theirs.n_best.items())
    return f"{told}; {short} lists of run_qa's lack a better span (its 20 x 20 search)"


def _is_better(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> bool:
    """Whether the exact list is better at some rank; raises where the peer's is."""
    pairs = list(zip(_scores_of_texts(ours), _scores_of_texts(theirs), strict=False))
    if any(other > own + TOLERANCE for own, other in pairs):
        raise DisagreementError("an n-best list of run_qa's has a better span")
    return any(own > other + TOLERANCE for own, other in pairs)


def _scores_of_texts(n_best: list[dict[str, Any]]) -> list[float]:
    """The best score of each distinct text: run_qa lists a span twice that two windows share."""
    distinct: dict[str, float] = {}
    for one in n_best:
        if one["text"]:
            distinct.setdefault(one["text"], one["score"])
    return list(distinct.values())
