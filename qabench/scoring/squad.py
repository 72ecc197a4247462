"""SQuAD v2 scores, equal to the official ``evaluate-v2.0.py`` to the last digit.

Rajpurkar, Jia & Liang 2018, "Know What You Don't Know". Scores are summed in the order of the
questions with the builtin ``sum``, as the script does, so that the digits agree under the same
Python. Null odds are evidence for no answer: the higher, the more.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate, pairwise
from typing import NamedTuple, overload

_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]+")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
Tokens = tuple[str, ...]


def normalize_answer(text: str) -> str:
    """Lower case, without ASCII punctuation and articles, single spaces."""
    return " ".join(_tokens(text))


def _tokens(text: str) -> Tokens:
    return tuple(_ARTICLES.sub(" ", _PUNCTUATION.sub("", text.lower())).split())


def exact_match(gold: str, prediction: str) -> int:
    """1 if both are the same after normalization, else 0."""
    return int(_tokens(gold) == _tokens(prediction))


def token_f1(gold: str, prediction: str) -> float:
    """F1 of the two multisets of tokens, 0 to 1; equality where either has none."""
    return _f1(_tokens(gold), _tokens(prediction))


def _f1(gold: Tokens, prediction: Tokens) -> float:
    if not gold or not prediction:
        return int(gold == prediction)
    same = _common(gold, prediction)
    if same == 0:
        return 0
    precision = 1.0 * same / len(prediction)
    recall = 1.0 * same / len(gold)
    return (2 * precision * recall) / (precision + recall)


def _common(gold: Tokens, prediction: Tokens) -> int:
    """How many tokens two multisets share."""
    distinct = set(gold)
    shared = distinct.intersection(prediction)
    # Where one side repeats no token, multisets meet as sets do.
    if not shared or len(distinct) == len(gold):
        return len(shared)
    return (Counter(gold) & Counter(prediction)).total()


@dataclass(frozen=True, slots=True)
class Gold:
    """The gold answers of one question as they stand in the data; none: it has no answer."""

    id: str
    answers: tuple[str, ...]


class QuestionScore(NamedTuple):
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


class _Question(NamedTuple):
    """A question's golds made ready.

    Attributes:
        accepted: tokens of each distinct gold; those that normalize to nothing are dropped, and
            where none is left the empty answer is right.
        words: all of those tokens.
    """

    id: str
    has_answer: bool
    accepted: tuple[Tokens, ...]
    words: frozenset[str]

    @classmethod
    def of(cls, gold: Gold, tokens: _TokenCache) -> _Question:
        if not gold.answers:
            return cls(gold.id, False, ((),), frozenset())
        distinct = dict.fromkeys([tokens[text] for text in gold.answers])
        distinct.pop((), None)
        return cls(gold.id, True, tuple(distinct) or ((),), frozenset().union(*distinct))

    def score(self, prediction: Tokens) -> QuestionScore:
        if prediction in self.accepted:
            return QuestionScore(self.id, self.has_answer, 1, 1.0 if prediction else 1)
        if self.words.isdisjoint(prediction):
            return QuestionScore(self.id, self.has_answer, 0, 0)
        best = max([_f1(gold, prediction) for gold in self.accepted])
        return QuestionScore(self.id, self.has_answer, 0, best)


class GoldSet(Sequence[Gold]):
    """Golds made ready to score many predictions: no text is normalized twice. It may stand
    wherever golds are asked for.
    """

    def __init__(self, golds: Iterable[Gold]) -> None:
        self._golds = tuple(golds)
        self._tokens = _TokenCache()
        self._questions = tuple(_Question.of(gold, self._tokens) for gold in self._golds)

    @classmethod
    def of(cls, golds: Sequence[Gold]) -> GoldSet:
        """These golds made ready, unless they are so already."""
        return golds if isinstance(golds, cls) else cls(golds)

    def scores(self, predictions: Mapping[str, str]) -> tuple[QuestionScore, ...]:
        """See :func:`score_questions`."""
        tokens = self._tokens
        return tuple([one.score(tokens[predictions[one.id]]) for one in self._questions])

    def __len__(self) -> int:
        return len(self._golds)

    def __iter__(self) -> Iterator[Gold]:
        return iter(self._golds)

    @overload
    def __getitem__(self, index: int) -> Gold: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Gold, ...]: ...

    def __getitem__(self, index: int | slice) -> Gold | tuple[Gold, ...]:
        return self._golds[index]


def score_questions(
    golds: Sequence[Gold], predictions: Mapping[str, str]
) -> tuple[QuestionScore, ...]:
    """Score every question's prediction; a :class:`GoldSet` saves time from call to call.

    Golds that normalize to nothing are dropped; where none is left the empty answer is right, but
    the question still counts as one with an answer.

    Raises:
        KeyError: a question has no prediction; :mod:`qabench.scoring.predictions` finds that first.
    """
    return GoldSet.of(golds).scores(predictions)


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
    nulled = [odds[one.id] > null_threshold for one in scores]
    # Nulling is scored by answerability alone, even where the golds normalize to nothing.
    exact, f1 = (
        [
            float(not one.has_answer) if null else getattr(one, name)
            for one, null in zip(scores, nulled, strict=True)
        ]
        for name in ("exact", "f1")
    )
    parts: dict[str, float | int] = {}
    for name, has_answer in (("HasAns", True), ("NoAns", False)):
        chosen = [index for index, one in enumerate(scores) if one.has_answer is has_answer]
        if chosen:
            parts[f"{name}_exact"] = _percent([exact[index] for index in chosen])
            parts[f"{name}_f1"] = _percent([f1[index] for index in chosen])
            parts[f"{name}_total"] = len(chosen)
    if null_odds is not None:
        ranked = _ranked(scores, null_odds)
        answered = [bool(predictions[one.id]) for one in ranked]
        for name in ("exact", "f1"):
            best, last = _best_cut(ranked, answered, name)
            parts[f"best_{name}"] = best
            parts[f"best_{name}_thresh"] = 0.0 if last is None else null_odds[last]
    return OfficialScores(_percent(exact), _percent(f1), len(scores), **parts)  # type: ignore[arg-type]


def always_null(golds: Sequence[Gold]) -> OfficialScores:
    """The scores of answering "" to every question: the line that every head must be above."""
    return official_scores(golds, {gold.id: "" for gold in golds})


def _percent(scores: Sequence[float]) -> float:
    return 100.0 * sum(scores) / len(scores)


def _ranked(
    scores: Sequence[QuestionScore], null_odds: Mapping[str, float]
) -> tuple[QuestionScore, ...]:
    """Most likely answerable first; ties in the order of ``null_odds``, as in the script."""
    by_id = {one.id: one for one in scores}
    ids = sorted(null_odds, key=null_odds.__getitem__)
    return tuple(by_id[id] for id in ids if id in by_id)


def _best_cut(
    ranked: Sequence[QuestionScore], answered: Sequence[bool], name: str
) -> tuple[float, str | None]:
    """Best score, and the last question that is not nulled then; with the script's faults: ties
    are passed one question at a time, and nulling everything is reported as threshold 0.
    """
    gains = [
        getattr(one, name) if one.has_answer else -int(text)
        for one, text in zip(ranked, answered, strict=True)
    ]
    all_null = sum(not one.has_answer for one in ranked)
    # One by one, as the script adds, so that the digits are the same.
    running = list(accumulate(gains, initial=all_null))
    best = max(running)
    cut = running.index(best)
    return 100.0 * best / len(ranked), ranked[cut - 1].id if cut else None


@dataclass(frozen=True, slots=True)
class AveragePrecisions:
    """What the official script adds when it is told to draw precision-recall curves, in percent.

    ``oracle`` takes every answer to a question that has one for right: how well the null odds
    alone tell the two kinds of question apart.
    """

    pr_exact_ap: float
    pr_f1_ap: float
    pr_oracle_ap: float


def average_precisions(
    scores: Sequence[QuestionScore], null_odds: Mapping[str, float]
) -> AveragePrecisions | None:
    """Areas under the three precision-recall curves; ``None`` where no question has an answer.

    Args:
        scores: of every question's best non-null answer.
        null_odds: by question id.

    Raises:
        KeyError: a question has no null odds.
    """
    answerable = sum(one.has_answer for one in scores)
    if not answerable:
        return None
    ranked = _ranked(scores, null_odds)
    if len(ranked) < len(scores):
        raise KeyError(next(one.id for one in scores if one.id not in null_odds))
    odds = [null_odds[one.id] for one in ranked]
    # A threshold can only lie where the odds change.
    borders = [*(one != other for one, other in pairwise(odds)), True]
    curves = (
        [one.exact if one.has_answer else 0.0 for one in ranked],
        [one.f1 if one.has_answer else 0.0 for one in ranked],
        [float(one.has_answer) for one in ranked],
    )
    return AveragePrecisions(*(_average_precision(one, borders, answerable) for one in curves))


def _average_precision(hits: Sequence[float], borders: Sequence[bool], answerable: int) -> float:
    found = recall = area = 0.0
    for rank, (hit, border) in enumerate(zip(hits, borders, strict=True), start=1):
        found += hit
        if border:
            reached = found / answerable
            area += found / rank * (reached - recall)
            recall = reached
    return 100.0 * area
