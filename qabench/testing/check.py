"""A check of a head, and what it reports when the head fails."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from qabench.base.interruption import SIGNALS
from qabench.errors import QABenchError
from qabench.testing.subject import HeadFactory

_TORCH = str(Path(torch.__file__).parent)
Examination = Callable[[HeadFactory], str | None]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a head failed a check, in three parts.

    Attributes:
        broke: what went wrong, and where.
        matters: what this does to a comparison.
        fix: what to change in the head.
    """

    broke: str
    matters: str
    fix: str

    def __str__(self) -> str:
        return (
            f"what broke: {self.broke}\nwhy it matters: {self.matters}\nhow to fix it: {self.fix}"
        )


class CheckError(AssertionError):
    """A head failed a check; ``failure`` has the three parts."""

    def __init__(self, check: Check, failure: Failure) -> None:
        super().__init__(f"{check}\n{failure}")
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that every head must do, tried on a freshly built head.

    Attributes:
        name: as in test ids and on the command line.
        summary: what must hold, in one sentence.
        examine: returns what broke, or ``None``; a head that raises is broken, too.
        matters: what a failure does to a comparison.
        fix: what to change in the head.
    """

    name: str
    summary: str
    examine: Examination
    matters: str
    fix: str

    def __str__(self) -> str:
        return self.name

    def failure(self, factory: HeadFactory) -> Failure | None:
        """What is wrong with the heads of this factory, if anything.

        Torch's random numbers continue afterwards as if none had been drawn.

        Raises:
            PluginError: the head cannot be built.
        """
        with torch.random.fork_rng(devices=[]):
            try:
                broke = self.examine(factory)
            except (*SIGNALS, QABenchError):
                raise
            # The code of a head may raise anything, and sys.exit(0) must not pass for success.
            except BaseException as error:
                broke = _raised(error)
        return None if broke is None else Failure(broke, self.matters, self.fix)

    def __call__(self, factory: HeadFactory) -> None:
        """Run the check.

        Raises:
            CheckError: the head fails it.
            PluginError: the head cannot be built.
        """
        failure = self.failure(factory)
        if failure is not None:
            raise CheckError(self, failure)


def check(*, matters: str, fix: str) -> Callable[[Examination], Check]:
    """Make a :class:`Check` from a function, whose docstring is the summary.

    Args:
        matters: what a failure does to a comparison.
        fix: what to change in the head.
    """

    def made(examine: Examination) -> Check:
        summary = (examine.__doc__ or "").strip()
        return Check(examine.__name__, summary, examine, matters, fix)

    return made


def _raised(error: BaseException) -> str:
    text = " ".join(str(error).split()) or "no message"
    frames = traceback.extract_tb(error.__traceback__)
    # The line of the head's own code, not the one inside torch.
    own = [frame for frame in frames if not frame.filename.startswith(_TORCH)] or frames
    return f"{type(error).__name__} at {Path(own[-1].filename).name}:{own[-1].lineno}: {text}"
