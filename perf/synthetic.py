"""Questions made up of a tokenizer's words, with the lengths and numbers of SQuAD v2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from qabench.data.examples import GoldAnswer, QAExample

# Lengths in words at these shares of 4,478 real questions of SQuAD v2 and their 491 contexts.
SHARES = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1)
CONTEXT = (26, 80, 93, 114, 152, 196, 245, 448, 629)
QUESTION = (3, 6, 8, 10, 12, 15, 17, 21, 31)
ANSWER = (1, 1, 1, 2, 4, 7, 10, 17, 26)


@dataclass(frozen=True, slots=True)
class Side:
    """What one side of SQuAD v2 is like.

    Attributes:
        questions: in all.
        by_context: questions about each context.
        without_answer: share of the questions.
        golds: annotated answers of each other question.
    """

    questions: int
    by_context: int
    without_answer: float
    golds: int


TRAIN = Side(130_319, 7, 0.33, 1)
DEV = Side(11_873, 10, 0.5, 3)


def questions(side: Side, words: Sequence[str], seed: int) -> Iterator[QAExample]:
    """As many as the side has, always the same for a seed; a fifth of the words are of two."""
    chance = Random(seed)
    context, spans = "", list[tuple[int, int]]()
    for number in range(side.questions):
        if number % side.by_context == 0:
            chosen = _words(chance, words, _length(chance, CONTEXT))
            context, spans = " ".join(chosen), _places(chosen)
        asked = " ".join(_words(chance, words, _length(chance, QUESTION))) + "?"
        answered = chance.random() >= side.without_answer
        golds = (_gold(chance, context, spans) for _ in range(side.golds * answered))
        title = f"article {number // (40 * side.by_context)}"
        yield QAExample(f"{seed}-{number}", asked, context, tuple(golds), title)


def _length(chance: Random, lengths: Sequence[int]) -> int:
    """A length by linear interpolation between those at ``SHARES``."""
    share = chance.random()
    high = next(at for at, end in enumerate(SHARES) if share < end)
    part = (share - SHARES[high - 1]) / (SHARES[high] - SHARES[high - 1])
    return round(lengths[high - 1] + part * (lengths[high] - lengths[high - 1]))


def _words(chance: Random, words: Sequence[str], count: int) -> list[str]:
    chosen = chance.choices(words, k=count)
    return [one + chance.choice(words) if chance.random() < 0.2 else one for one in chosen]


def _places(words: Sequence[str]) -> list[tuple[int, int]]:
    """First and last offset of each word in the text that they make."""
    places, at = [], 0
    for word in words:
        places.append((at, at + len(word)))
        at += len(word) + 1
    return places


def _gold(chance: Random, context: str, places: Sequence[tuple[int, int]]) -> GoldAnswer:
    count = min(_length(chance, ANSWER), len(places))
    first = chance.randrange(len(places) - count + 1)
    start, end = places[first][0], places[first + count - 1][1]
    return GoldAnswer(context[start:end], start)
