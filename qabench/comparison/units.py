"""What is drawn together when questions are a sample: articles, contexts or single questions.

Questions of one article are not independent of each other, so the article is the unit of the
sample. Few units need care: the variance of a mean over units is the bias-reduced one (CR2), and
its degrees of freedom are Satterthwaite's, after Bell & McCaffrey 2002 ("Bias reduction in
standard errors for linear regression with multi-stage samples", Survey Methodology 28) and
Pustejovsky & Tipton 2018 ("Small-sample methods for cluster-robust variance estimation", JBES 36).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from qabench.base.arrays import Doubles, Longs
from qabench.data.examples import QAExample
from qabench.data.halves import article_codes

# With fewer, a variance between units says next to nothing.
FEWEST = 5

Kind = Literal["articles", "contexts", "questions"]


@dataclass(frozen=True, slots=True)
class Fixed:
    """What the sample was drawn within, because there is too little of it to be a sample itself."""

    kind: Kind
    count: int

    def __str__(self) -> str:
        return f"this {self.kind[:-1]}" if self.count == 1 else f"these {self.count} {self.kind}"


@dataclass(frozen=True, eq=False)
class Units:
    """The units of N questions, G of them.

    Attributes:
        kind: what a unit is.
        codes: (N,) the unit of each question, 0 to G - 1, each used.
        fixed: what results hold for, where they do not hold for others like it; ``None`` where the
            units are a sample of their kind.
    """

    kind: Kind
    codes: Longs
    fixed: Fixed | None = None

    def __len__(self) -> int:
        return len(self.sizes)

    @cached_property
    def sizes(self) -> Doubles:
        """(G,) questions of each unit."""
        return np.bincount(self.codes).astype(np.float64)

    @cached_property
    def freedom(self) -> float:
        """Degrees of freedom of :meth:`variance`; 0 for a single unit.

        Satterthwaite's, for the one of two extremes that has fewer: units do not differ at all,
        or questions of one unit are all alike. For units of one size, G - 1.
        """
        if len(self) < 2 or np.ptp(self.sizes) <= 1:
            return len(self) - 1.0
        return min(_satterthwaite(self.sizes, of) for of in (self.sizes, self.sizes**2))

    def sums(self, values: Doubles) -> Doubles:
        """(..., G) sums over the questions of each unit, of (..., N) values."""
        if len(self) == len(self.codes):
            ordered = np.empty_like(values)
            ordered[..., self.codes] = values
            return ordered
        order = np.argsort(self.codes, kind="stable")
        starts = np.searchsorted(self.codes[order], np.arange(len(self)))
        found: Doubles = np.add.reduceat(values[..., order], starts, axis=-1)
        return found

    def variance(self, sums: Doubles) -> Doubles:
        """(...,) CR2 variance of a mean over questions, from its (..., G) :meth:`sums`.

        0 for a single unit, which says nothing of others.
        """
        share = self.sizes / self.sizes.sum()
        residuals = sums - self.sizes * (sums.sum(axis=-1, keepdims=True) / self.sizes.sum())
        if len(self) < 2:
            return np.zeros(sums.shape[:-1])
        found: Doubles = (residuals**2 / (1 - share)).sum(axis=-1) / self.sizes.sum() ** 2
        return found


def units_of(examples: Sequence[QAExample]) -> Units:
    """The largest kind of unit that these questions have at least five of.

    Articles where there are titles, else contexts (a question without a title is of its context).
    With fewer than five articles the contexts are the sample and the articles are fixed: what is
    found holds for these articles only. The same with contexts and questions.
    """
    fixed = None
    for kind, names in _ladder(examples):
        codes = article_codes(names)
        count = int(codes.max(initial=-1)) + 1
        if count >= FEWEST:
            return Units(kind, codes, fixed)
        # The outermost names what the result is confined to.
        fixed = fixed or Fixed(kind, count)
    return Units("questions", np.arange(len(examples), dtype=np.int64), fixed)


def _ladder(examples: Sequence[QAExample]) -> Iterator[tuple[Kind, list[str]]]:
    """Kinds of units and what names them, from the largest kind."""
    if any(one.title for one in examples):
        yield "articles", [one.title or one.context for one in examples]
    yield "contexts", [one.context for one in examples]


def _satterthwaite(sizes: Doubles, spread: Doubles) -> float:
    """(tr M)^2 / tr M^2 for CR2's quadratic form M, where (G,) ``spread`` is the sums' variance."""
    share = sizes / sizes.sum()
    weight = 1 / (1 - share)
    total = spread.sum()
    own = total * share**2 - 2 * share * spread
    p, q, r = ((weight * one).sum() for one in (share**2, spread**2, share * spread))
    square = (
        (weight**2 * (spread**2 + 2 * spread * own)).sum()
        + 2 * p * q
        + 2 * r**2
        - 4 * total * p * r
        + total**2 * p**2
    )
    trace = (weight * (spread + own)).sum()
    return float(trace**2 / square)
