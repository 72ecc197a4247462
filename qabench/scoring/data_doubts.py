"""What a reader must know of the questions themselves before believing scores on them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from qabench.data.examples import UNPLACED, ExampleSet, GoldAnswer, QAExample
from qabench.scoring.squad import normalize_answer

# Scripts whose words have no blanks between them, or whose articles and punctuation the English
# rules of the scores do not know.
_FOREIGN = re.compile(
    "[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff"  # Arabic
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese, Khmer
    "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"  # Chinese characters
)
_MOST_FOREIGN = 0.3
# Shorter golds are often one word.
_LONG = 12
_FEWEST_LONG = 5
_HARDLY = 0.1
# Annotators of one answer rarely mark two places that share no character: in SQuAD v2.0 for 6 to
# 8 % of the questions with several golds.
_MOST_APART = 0.3


def data_doubts(examples: Sequence[QAExample]) -> list[str]:
    """Phrases about the golds: kept without a place, in another script, or not alternatives."""
    return [*_unplaced(examples), *_script(examples), *_apart(examples)]


def remarks(data: ExampleSet) -> Iterator[str]:
    """What reading the data found, and the phrases of :func:`data_doubts`, a sentence each."""
    if data.unplaced:
        yield (
            f"{len(data.unplaced)} of {len(data)} records failed the audit and are scored by "
            f"their texts; no run can train on them. The first: {data.unplaced[0]}."
        )
    phrases = [*data.notes, *_script(data.examples), *_apart(data.examples)]
    yield from (f"{one[:1].upper()}{one[1:]}." for one in phrases)


def _unplaced(examples: Sequence[QAExample]) -> Iterator[str]:
    count = sum(any(one.start == UNPLACED for one in example.answers) for example in examples)
    if count:
        yield (
            f"{count} of {len(examples)} questions failed the audit and are scored by the texts "
            "of their golds"
        )


def _script(examples: Sequence[QAExample]) -> Iterator[str]:
    golds = [gold.text for example in examples for gold in example.answers]
    letters = "".join(one for text in golds for one in text if one.isalpha())
    foreign = len(_FOREIGN.findall(letters)) / max(len(letters), 1)
    long = [text.strip() for text in golds if len(text.strip()) >= _LONG]
    blanks = sum(bool(re.search(r"\s", text)) for text in long)
    if foreign > _MOST_FOREIGN:
        yield (
            f"{100 * foreign:.0f} % of the golds' letters are Chinese, Japanese, Thai, Arabic or "
            "the like, but EM and F1 follow English rules: F1 compares words between blanks"
        )
    elif len(long) >= _FEWEST_LONG and blanks < _HARDLY * len(long):
        yield (
            "the golds hardly have blanks, but F1 compares words between blanks, so that it is "
            "little more than EM"
        )


def _apart(examples: Sequence[QAExample]) -> Iterator[str]:
    several = [one for one in examples if len(one.answers) > 1]
    apart = sum(_are_apart(one.answers) for one in several)
    if apart > _MOST_APART * len(several):
        answerable = sum(one.is_answerable for one in examples)
        yield (
            f"{100 * apart / answerable:.0f} % of the answerable questions have golds at different "
            "places with different words: if they are parts of one answer, any one of them scores "
            "100"
        )


def _are_apart(golds: Iterable[GoldAnswer]) -> bool:
    """Whether two golds are at different places and have different words."""
    placed = [one for one in golds if one.start != UNPLACED]
    ends = [one.start + len(one.text) for one in placed]
    if len(placed) < 2 or max(one.start for one in placed) < min(ends):
        return False
    words = [frozenset(normalize_answer(one.text).split()) for one in placed]
    return any(
        (a.start >= b_end or b.start >= a_end) and one.isdisjoint(other)
        for n, (a, a_end, one) in enumerate(zip(placed, ends, words, strict=True))
        for b, b_end, other in list(zip(placed, ends, words, strict=True))[:n]
    )
