"""Seeded choices that are the same on every platform and under every Python version.

Only the seeding and ``random()`` of :mod:`random` are guaranteed not to change, so everything else
is built on these two.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """A stream of choices."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def happens(self, probability: float) -> bool:
        """True with this probability."""
        return self._random() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int(self._random() * (high - low + 1))

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[int(self._random() * len(options))]

    def draw(self, options: Sequence[T], n: int) -> list[T]:
        """``n`` different options, or all if there are fewer, in random order."""
        rest = list(options)
        return [rest.pop(int(self._random() * len(rest))) for _ in range(min(n, len(rest)))]
