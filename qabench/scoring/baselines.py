"""Scores that need no head: what a head's scores are compared with."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from qabench.data.examples import QAExample
from qabench.scoring.predictions import golds_of
from qabench.scoring.squad import Gold, OfficialScores, official_scores, score_questions

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class HumanScores:
    """Annotators against each other, in percent.

    Attributes:
        exact, f1: mean over the golds of a question, each scored against the others, then over
            the questions.
        questions: how many have several golds.
    """

    exact: float
    f1: float
    questions: int


def random_span(examples: Sequence[QAExample], max_words: int) -> OfficialScores:
    """The scores of a random run of 1 to ``max_words`` words of each context, never "".

    The draw depends only on the question's id.
    """
    of_context: dict[str, list[QAExample]] = {}
    for one in examples:
        of_context.setdefault(one.context, []).append(one)
    answers: dict[str, str] = {}
    for context, questions in of_context.items():
        words = [word.span() for word in _WORD.finditer(context)]
        answers |= {one.id: _random_words(one, words, max_words) for one in questions}
    return official_scores(golds_of(examples), answers)


def _random_words(example: QAExample, words: Sequence[tuple[int, int]], max_words: int) -> str:
    # A context may be empty where it was read only for its scores.
    if not words:
        return ""
    draw = random.Random(example.id)
    first = draw.randrange(len(words))
    last = min(len(words) - 1, first + draw.randrange(max_words))
    return example.context[words[first][0] : words[last][1]]


def human(examples: Sequence[QAExample]) -> HumanScores | None:
    """Each gold of a question scored against its other golds; ``None`` where none has several."""
    golds: list[Gold] = []
    answers: dict[str, str] = {}
    of_question: list[int] = []
    for example in examples:
        texts = [gold.text for gold in example.answers]
        for place, text in enumerate(texts) if len(texts) > 1 else ():
            id = f"{len(golds)}"
            golds.append(Gold(id, tuple(texts[:place] + texts[place + 1 :])))
            answers[id] = text
            of_question.append(len(texts))
    if not golds:
        return None
    scores = score_questions(golds, answers)
    shares = [1 / golds_of_it for golds_of_it in of_question]
    questions = round(sum(shares))
    pairs = list(zip(scores, shares, strict=True))
    return HumanScores(
        exact=100.0 * sum(one.exact * share for one, share in pairs) / questions,
        f1=100.0 * sum(one.f1 * share for one, share in pairs) / questions,
        questions=questions,
    )
