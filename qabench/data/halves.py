"""Which questions are of one article, and the halves of a set that share no article."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qabench.base.arrays import Bools
from qabench.data.examples import QAExample
from qabench.errors import DataError


def split_questions(examples: Sequence[QAExample], seed: int) -> Bools:
    """(N,) true for the tune half; no article is in both halves.

    Where titles do not tell articles apart contexts do. Where there is but one context nothing can
    be split, and no question is in the tune half.
    """
    titles = [one.title or one.context for one in examples]
    for articles in (titles, [one.context for one in examples]):
        try:
            return tune_test_split(articles, seed)
        except DataError:
            continue
    return np.zeros(len(examples), np.bool_)


def tune_test_split(articles: Sequence[str | None], seed: int) -> Bools:
    """(N,) bool: true for the questions of the tune half; an article is never in both.

    Articles are taken in the order of the SHA-256 of seed and title, and each goes to the half
    that has fewer questions so far: the same on every platform, and whatever the order of the
    questions, as long as they have titles. The halves differ by the biggest article at most.

    Args:
        articles: (N,) the title of each question's article; a question without one (``None`` or
            "") is an article of its own, named by its place.
        seed: another seed, another split.

    Raises:
        DataError: all questions are of one article, so that no half can be without it.
    """
    codes = article_codes(articles)
    sizes = np.bincount(codes)
    if len(sizes) < 2:
        raise DataError(
            f"All {len(codes)} questions are of one article, so that no threshold can be tuned on "
            f"other articles than it is tested on; use data with the titles of several articles."
        )
    names = {code: title or f"#{code}" for code, title in zip(codes, articles, strict=True)}
    tune = np.zeros(len(sizes), bool)
    questions_in = [0, 0]
    for code in sorted(names, key=lambda code: _digest(seed, names[code])):
        side = int(questions_in[0] > questions_in[1])
        questions_in[side] += int(sizes[code])
        tune[code] = side == 0
    return tune[codes]


def _digest(seed: int, title: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{title}".encode("utf-8", "surrogatepass")).digest()


def article_codes(articles: Sequence[str | None]) -> NDArray[np.int64]:
    """(N,) int64: equal for questions of one article, 0, 1, … in order of first appearance.

    Args:
        articles: (N,) the title of each question's article; a question without one (``None`` or
            "") is an article of its own, since nothing says what it belongs to.
    """
    codes: dict[str | int, int] = {}
    keys = (title or number for number, title in enumerate(articles))
    return np.array([codes.setdefault(key, len(codes)) for key in keys], np.int64)
