"""The articles of a set of questions, and its two halves that share no article."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from qabench.base.arrays import Bools, Longs
from qabench.data.examples import QAExample
from qabench.errors import DataError


def split_questions(examples: Sequence[QAExample], seed: int) -> Bools:
    """(N,) bool: true for the tune half; no article is in both halves.

    Where all questions have one title, contexts take the place of articles. Where they have one
    context too, nothing can be split, and no question is in the tune half.
    """
    titles = [one.title or one.context for one in examples]
    for articles in (titles, [one.context for one in examples]):
        try:
            return tune_test_split(articles, seed)
        except DataError:
            continue
    return np.zeros(len(examples), np.bool_)


def halves_are_of(examples: Sequence[QAExample]) -> str:
    """What :func:`split_questions` keeps together: ``articles``, or ``contexts``."""
    articles = {one.title or one.context for one in examples}
    return "articles" if any(one.title for one in examples) and len(articles) > 1 else "contexts"


def tune_test_split(articles: Sequence[str | None], seed: int) -> Bools:
    """(N,) bool: true for the questions of the tune half; no article is in both halves.

    Articles are taken in the order of the SHA-256 of seed and title, and each goes to the half
    that has fewer questions so far. So the split is the same on every platform and, if all
    questions have titles, in any order of the questions. The sizes of the halves differ at most by
    the size of the largest article.

    Args:
        articles: (N,) the title of each question's article; a question without one (``None`` or
            "") is an article of its own, named by its index.
        seed: of the split.

    Raises:
        DataError: all questions are of one article.
    """
    codes = article_codes(articles)
    sizes = np.bincount(codes)
    if len(sizes) < 2:
        raise DataError(
            f"All {len(codes)} questions are of one article, so no threshold can be tuned on other "
            f"articles than it is tested on; use data with the titles of several articles."
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


def article_codes(articles: Sequence[str | None]) -> Longs:
    """(N,) int64: the number of each question's article, from 0 in order of first appearance.

    Args:
        articles: (N,) the title of each question's article; a question without one (``None`` or
            "") is an article of its own, since nothing says which other it shares.
    """
    codes: dict[str | int, int] = {}
    keys = (title or number for number, title in enumerate(articles))
    return np.array([codes.setdefault(key, len(codes)) for key in keys], np.int64)
