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

from qabench.scoring.scores import NULL_THRESHOLD, Score

_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]+")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
Tokens = tuple[str, ...]


def normalize_answer(text: str) -> str:
    """Lower case, without ASCII punctuation and articles, single spaces."""
    return " ".join(_tokens(text))


def _tokens(text: str) -> Tokens:
    return tuple(_ARTICLES.sub(" ", _PUNCTUATION.sub("", text.lower())).split())


def accepted(golds: Iterable[str]) -> frozenset[str]:
    """The normalized texts that match one of a question's golds exactly.

    Golds that normalize to nothing are dropped; where none is left, only the empty text matches.
    """
    texts = frozenset(map(normalize_answer, golds)) - {""}
    return texts or frozenset({""})


def exact_match(gold: str, prediction: str) -> int:
    """1 if both are the same after normalization, else 0."""
    return int(_tokens(gold) == _tokens(prediction))


def token_f1(gold: str, prediction: str) -> float:
    """F1 of the two multisets of tokens, 0 to 1; if either is empty, 1 if both are, else 0."""
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
    # If one side repeats no token, sets have the same intersection as multisets.
    if not shared or len(distinct) == len(gold):
        return len(shared)
    return (Counter(gold) & Counter(prediction)).total()


@dataclass(frozen=True, slots=True)
class Gold:
    """The gold answers of one question as they are in the data; without any it has no answer."""

    id: str
    answers: tuple[str, ...]


class QuestionScore(NamedTuple):
    """EM and F1 of one prediction, 0 to 1, before any threshold; each the best over the golds."""

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
    """A question's golds, prepared for scoring.

    Attributes:
        accepted: tokens of each distinct gold; golds that normalize to nothing are dropped, and
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
    """Golds prepared to score many predictions: no text is normalized twice.

    It can be used wherever golds are asked for.
    """

    def __init__(self, golds: Iterable[Gold]) -> None:
        self._golds = tuple(golds)
        self._tokens = _TokenCache()
        self._questions = tuple(_Question.of(gold, self._tokens) for gold in self._golds)

    @classmethod
    def of(cls, golds: Sequence[Gold]) -> GoldSet:
        """These golds, prepared unless they already are."""
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
    """Score every question's prediction; a :class:`GoldSet` saves time over several calls.

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
    odds were given. The ``best_*`` are tuned on the very questions that they score.
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
        """The official keys in the official order, without those that are ``None``."""
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in pairs if value is not None}


def official_scores(
    golds: Sequence[Gold],
    predictions: Mapping[str, str],
    null_odds: Mapping[str, float] | None = None,
    null_threshold: float = NULL_THRESHOLD,
) -> OfficialScores:
    """What the official script prints for these golds, predictions and null odds.

    Args:
        golds: one for each question, at least one.
        predictions: by question id; with null odds, the best non-null answers, since no threshold
            can bring back an answer that was replaced by "".
        null_odds: by question id; without them all are 0 and there are no ``best_*``.
        null_threshold: where null odds are greater (not equal), a question counts as answered
            with "".

    Raises:
        KeyError: a question has no prediction, or no null odds where some are given; ids that no
            question has are ignored.
    """
    scores = score_questions(golds, predictions)
    odds = dict.fromkeys(predictions, 0.0) if null_odds is None else null_odds
    nulled = [odds[one.id] > null_threshold for one in scores]
    # What is nulled is scored by answerability, even where the golds normalize to nothing.
    finals = {
        score: [
            float(not one.has_answer) if null else getattr(one, score)
            for one, null in zip(scores, nulled, strict=True)
        ]
        for score in Score
    }
    keys = _by_answerability(scores, finals)
    if null_odds is not None:
        keys |= _at_best_thresholds(scores, predictions, null_odds)
    exact, f1 = map(_percent, finals.values())
    return OfficialScores(exact, f1, len(scores), **keys)  # type: ignore[arg-type]


def _by_answerability(
    scores: Sequence[QuestionScore], finals: Mapping[Score, Sequence[float]]
) -> dict[str, float]:
    """The HasAns and NoAns keys; none for a kind of question that does not occur."""
    keys: dict[str, float] = {}
    for kind, has_answer in (("HasAns", True), ("NoAns", False)):
        chosen = [index for index, one in enumerate(scores) if one.has_answer is has_answer]
        if chosen:
            for score, values in finals.items():
                keys[f"{kind}_{score}"] = _percent([values[index] for index in chosen])
            keys[f"{kind}_total"] = len(chosen)
    return keys


def _at_best_thresholds(
    scores: Sequence[QuestionScore], predictions: Mapping[str, str], null_odds: Mapping[str, float]
) -> dict[str, float]:
    """The ``best_*`` keys."""
    ranked = _ranked(scores, null_odds)
    answered = [bool(predictions[one.id]) for one in ranked]
    keys: dict[str, float] = {}
    for score in Score:
        best, last = _best_cut(ranked, answered, score)
        keys[f"best_{score}"] = best
        keys[f"best_{score}_thresh"] = 0.0 if last is None else null_odds[last]
    return keys


def always_null(golds: Sequence[Gold]) -> OfficialScores:
    """The scores of answering "" to every question, which every head must beat."""
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
    ranked: Sequence[QuestionScore], answered: Sequence[bool], score: Score
) -> tuple[float, str | None]:
    """The best score, and the last question that is still answered at it.

    With the script's faults: ties are passed one question at a time, and nulling everything is
    reported as threshold 0.
    """
    gains = [
        getattr(one, score) if one.has_answer else -int(text)
        for one, text in zip(ranked, answered, strict=True)
    ]
    all_null = sum(not one.has_answer for one in ranked)
    # Added one by one as in the script, so that the digits are the same.
    running = list(accumulate(gains, initial=all_null))
    best = max(running)
    cut = running.index(best)
    return 100.0 * best / len(ranked), ranked[cut - 1].id if cut else None


@dataclass(frozen=True, slots=True)
class AveragePrecisions:
    """What the official script adds where it draws precision-recall curves, in percent.

    ``oracle`` counts every answer to an answerable question as right: it shows how well the null
    odds tell answerable and unanswerable questions apart.
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
    # Questions with equal odds are on the same side of every threshold.
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
