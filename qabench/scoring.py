"""SQuAD v2 scores, equal to the official ``evaluate-v2.0.py`` to the last digit.

Rajpurkar, Jia & Liang 2018, "Know What You Don't Know". Scores are summed in the order of the
questions with the builtin ``sum``, as the script does, so that the digits agree under the same
Python. Null odds are evidence for no answer: the higher, the more.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")
Tokens = tuple[str, ...]


def normalize_answer(text: str) -> str:
    """Lower case, without ASCII punctuation and articles, single spaces."""
    return " ".join(_tokens(text))


def _tokens(text: str) -> Tokens:
    return tuple(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(gold: str, prediction: str) -> int:
    """1 if both are the same after normalization, else 0."""
    return int(_tokens(gold) == _tokens(prediction))


def token_f1(gold: str, prediction: str) -> float:
    """F1 of the two multisets of tokens, 0 to 1; equality where either has none."""
    return _f1(_tokens(gold), _tokens(prediction))


def _f1(gold: Tokens, prediction: Tokens) -> float:
    if not gold or not prediction:
        return int(gold == prediction)
    same = (Counter(gold) & Counter(prediction)).total()
    if same == 0:
        return 0
    precision = 1.0 * same / len(prediction)
    recall = 1.0 * same / len(gold)
    return (2 * precision * recall) / (precision + recall)


@dataclass(frozen=True, slots=True)
class Gold:
    """The gold answers of one question as they stand in the data; none: it has no answer."""

    id: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuestionScore:
    """Scores of one prediction, 0 to 1, before any threshold; the best over the golds of each."""

    id: str
    has_answer: bool
    exact: int
    f1: float


class _TokenCache(dict[str, Tokens]):
    """Tokens by text: each distinct text is normalized once."""

    def __missing__(self, text: str) -> Tokens:
        tokens = self[text] = _tokens(text)
        return tokens


def score_questions(
    golds: Sequence[Gold], predictions: Mapping[str, str]
) -> tuple[QuestionScore, ...]:
    """Score every question's prediction.

    Golds that normalize to nothing are dropped; where none is left the empty answer is right, but
    the question still counts as one with an answer.

    Raises:
        KeyError: a question has no prediction; :mod:`qabench.predictions` finds that first.
    """
    cache = _TokenCache()
    return tuple(_score(gold, cache[predictions[gold.id]], cache) for gold in golds)


def _score(gold: Gold, prediction: Tokens, cache: _TokenCache) -> QuestionScore:
    accepted = [tokens for tokens in map(cache.__getitem__, gold.answers) if tokens] or [()]
    has_answer = bool(gold.answers)
    if prediction in accepted:
        return QuestionScore(gold.id, has_answer, 1, 1.0 if prediction else 1)
    return QuestionScore(gold.id, has_answer, 0, max(_f1(one, prediction) for one in accepted))


@dataclass(frozen=True, slots=True)
class OfficialScores:
    """The official script's result: percent, counts and thresholds.

    HasAns and NoAns keys are ``None`` where there is no such question, ``best_*`` where no null
    odds were given. The ``best_*`` are tuned on the questions that they score.
    """

    exact: float
    f1: float
    total: int
    HasAns_exact: float | None = None
    HasAns_f1: float | None = None
    HasAns_total: int | None = None
    NoAns_exact: float | None = None
    NoAns_f1: float | None = None
    NoAns_total: int | None = None
    best_exact: float | None = None
    best_exact_thresh: float | None = None
    best_f1: float | None = None
    best_f1_thresh: float | None = None

    def as_dict(self) -> dict[str, float]:
        """The official keys in the official order, the absent ones left out."""
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in pairs if value is not None}


def official_scores(
    golds: Sequence[Gold],
    predictions: Mapping[str, str],
    null_odds: Mapping[str, float] | None = None,
    null_threshold: float = 1.0,
) -> OfficialScores:
    """What the official script prints for these golds, predictions and null odds.

    Args:
        golds: one for each question, at least one.
        predictions: by question id; with null odds, the best non-null answers, not nulled ones,
            since no threshold can bring back an answer that was left out.
        null_odds: by question id; without them all are 0 and there are no ``best_*``.
        null_threshold: where null odds are greater (not equal), a question counts as answered
            with "".

    Raises:
        KeyError: a question has no prediction, or none among null odds that were given; ids of
            no question are left out.
    """
    scores = score_questions(golds, predictions)
    odds = dict.fromkeys(predictions, 0.0) if null_odds is None else null_odds
    nulled = {one.id for one in scores if odds[one.id] > null_threshold}
    exact = [_thresholded(one.exact, one, nulled) for one in scores]
    f1 = [_thresholded(one.f1, one, nulled) for one in scores]
    answerable = [index for index, one in enumerate(scores) if one.has_answer]
    unanswerable = [index for index, one in enumerate(scores) if not one.has_answer]
    parts: dict[str, float | int] = {}
    for name, chosen in (("HasAns", answerable), ("NoAns", unanswerable)):
        if chosen:
            parts[f"{name}_exact"] = _percent([exact[index] for index in chosen])
            parts[f"{name}_f1"] = _percent([f1[index] for index in chosen])
            parts[f"{name}_total"] = len(chosen)
    if null_odds is not None:
        for name in ("exact", "f1"):
            best = _best_threshold(scores, name, predictions, null_odds)
            parts[f"best_{name}"], parts[f"best_{name}_thresh"] = best
    return OfficialScores(_percent(exact), _percent(f1), len(scores), **parts)  # type: ignore[arg-type]


def always_null(golds: Sequence[Gold]) -> OfficialScores:
    """The scores of answering "" to every question: the line that every head must be above."""
    return official_scores(golds, {gold.id: "" for gold in golds})


def _thresholded(score: float, question: QuestionScore, nulled: Collection[str]) -> float:
    # Nulling is scored by answerability alone, even where the golds normalize to nothing.
    return float(not question.has_answer) if question.id in nulled else score


def _percent(scores: Sequence[float]) -> float:
    return 100.0 * sum(scores) / len(scores)


def _best_threshold(
    scores: Sequence[QuestionScore],
    name: str,
    predictions: Mapping[str, str],
    null_odds: Mapping[str, float],
) -> tuple[float, float]:
    """Best score and threshold, with the script's faults: ties are passed one question at a time
    in the order of ``null_odds``, and nulling everything is reported as threshold 0.
    """
    by_id = {one.id: one for one in scores}
    ordered = [by_id[id] for id in sorted(null_odds, key=null_odds.__getitem__) if id in by_id]
    gains = [
        getattr(one, name) if one.has_answer else (-1 if predictions[one.id] else 0)
        for one in ordered
    ]
    all_null = sum(not one.has_answer for one in scores)
    # cumsum adds one by one, as the script does, so the digits are the same.
    running = np.cumsum(np.array([all_null, *gains], np.float64))
    best = int(running.argmax())
    threshold = null_odds[ordered[best - 1].id] if best else 0.0
    return 100.0 * float(running[best]) / len(scores), threshold
