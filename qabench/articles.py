"""Which questions belong together because they are of one article."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def article_codes(articles: Sequence[str | None]) -> NDArray[np.int64]:
    """(N,) int64: equal for questions of one article, 0, 1, … in order of first appearance.

    Args:
        articles: (N,) the title of each question's article; a question without one (``None`` or
            "") is an article of its own, since nothing says what it belongs to.
    """
    codes: dict[str | int, int] = {}
    keys = (title or number for number, title in enumerate(articles))
    return np.array([codes.setdefault(key, len(codes)) for key in keys], np.int64)
