"""Comparisons: two ways to the same result, timed in turns, with a check that it is the same."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

Ours = TypeVar("Ours")
Theirs = TypeVar("Theirs")


class DisagreementError(Exception):
    """Two ways came to different results; the text says in what."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall seconds of each repetition of one way."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)


@dataclass(frozen=True, slots=True)
class Comparison:
    """qabench's way beside a peer's.

    Attributes:
        stage: part of the work, such as ``windows``.
        name: what was done.
        peer: whose way it is compared with.
        ours, theirs: timings of the same repetitions.
        items: how many ``unit`` one repetition handles.
        agrees: whether both results are the same.
        agreement: in what, or in what not.
    """

    stage: str
    name: str
    peer: str
    ours: Timing
    theirs: Timing
    items: int
    unit: str
    agrees: bool
    agreement: str

    @property
    def ratio(self) -> float:
        """How many times as long the peer's way takes."""
        return self.theirs.median / self.ours.median

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest ratio of one turn: how far to trust the ratio."""
        pairs = zip(self.theirs.seconds, self.ours.seconds, strict=True)
        ratios = [theirs / ours for theirs, ours in pairs]
        return min(ratios), max(ratios)


@dataclass(frozen=True, slots=True)
class Count:
    """Something that is counted rather than timed; a share is a number from 0 to 1."""

    stage: str
    name: str
    peer: str
    ours: float
    theirs: float
    unit: str


@dataclass(frozen=True, slots=True)
class Growth:
    """How the time of qabench's way grows with the size of its task.

    Attributes:
        sizes: of the task, in ``unit``, each about twice the one before.
        timings: of each size.
    """

    stage: str
    name: str
    unit: str
    sizes: tuple[int, ...]
    timings: tuple[Timing, ...]

    @property
    def exponent(self) -> float:
        """1 where the time is proportional to the size, 2 where it is to its square."""
        return exponent(self.sizes, [timing.median for timing in self.timings])


@dataclass(frozen=True, slots=True)
class Memory:
    """The largest resident set of the process while it worked, by the size of its task.

    Attributes:
        sizes: of the task, in ``unit``.
        mebibytes: of each size.
    """

    stage: str
    name: str
    unit: str
    sizes: tuple[int, ...]
    mebibytes: tuple[float, ...]


Finding = Comparison | Count | Growth | Memory


def timed(work: Callable[[], Any]) -> float:
    """Wall seconds of one call, on a heap without old garbage."""
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turns(works: Sequence[Callable[[], Any]], repeats: int) -> list[Timing]:
    """Time each of the works, A B A B, so that a busy machine is no one's disadvantage."""
    rounds = [[timed(work) for work in works] for _ in range(repeats)]
    return [Timing(seconds) for seconds in zip(*rounds, strict=True)]


def verdict(check: Callable[[], str]) -> tuple[bool, str]:
    """Whether two results agree, and in what."""
    try:
        return True, check()
    except DisagreementError as error:
        return False, str(error)


@dataclass(frozen=True, slots=True)
class Bench:
    """Makes the comparisons of one stage."""

    stage: str
    repeats: int

    def compare(
        self,
        name: str,
        peer: str,
        ours: Callable[[], Ours],
        theirs: Callable[[], Theirs],
        agree: Callable[[Ours, Theirs], str],
        size: tuple[int, str],
    ) -> Comparison:
        """Run both ways in turns; where there are several, the first only warms up.

        Args:
            name: what is done.
            peer: whose way ``theirs`` is.
            ours: qabench's way.
            theirs: the peer's.
            agree: says in what the results agree; raises DisagreementError where they do not.
            size: how many items one call handles, and what they are.
        """
        results: dict[str, Any] = {}
        first = in_turns(
            [lambda: results.update(ours=ours()), lambda: results.update(theirs=theirs())], 1
        )
        agrees, agreement = verdict(lambda: agree(results["ours"], results["theirs"]))
        results.clear()
        mine, other = in_turns([ours, theirs], self.repeats) if self.repeats > 1 else first
        return Comparison(self.stage, name, peer, mine, other, *size, agrees, agreement)

    def growth(
        self,
        name: str,
        unit: str,
        sizes: Sequence[int],
        work_of: Callable[[int], Callable[[], Any]],
    ) -> Growth:
        """Time ``work_of(size)`` for each size."""
        works = [work_of(size) for size in sizes]
        if self.repeats > 1:
            in_turns(works, 1)
        return Growth(self.stage, name, unit, tuple(sizes), tuple(in_turns(works, self.repeats)))


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Slope of the least-squares line through the logarithms."""
    slope, _ = statistics.linear_regression(
        [math.log(size) for size in sizes], [math.log(second) for second in seconds]
    )
    return slope


def doublings(largest: int, steps: int) -> list[int]:
    """``steps`` sizes up to ``largest``, each half of the next."""
    return [max(1, largest >> step) for step in reversed(range(steps))]
