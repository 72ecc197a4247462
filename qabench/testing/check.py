"""A check of a head, and what it says when the head fails it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

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
        mend: what to change in the head.
    """

    broke: str
    matters: str
    mend: str

    def __str__(self) -> str:
        return f"what broke: {self.broke}\nwhy it matters: {self.matters}\nmend: {self.mend}"


class CheckError(AssertionError):
    """A head failed a check; ``failure`` has the three parts."""

    def __init__(self, check: Check, failure: Failure) -> None:
        super().__init__(f"{check}\n{failure}")
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that every head must do, tried on a freshly built head.

    Attributes:
        name: as it stands in test ids and on the command line.
        summary: what must hold, one sentence.
        examine: what broke, or ``None``; a head that raises is broken, too.
        matters: what a failure does to a comparison.
        mend: what to change in the head.
    """

    name: str
    summary: str
    examine: Examination
    matters: str
    mend: str

    def __str__(self) -> str:
        return self.name

    def failure(self, factory: HeadFactory) -> Failure | None:
        """What is wrong with the heads of this factory, if anything.

        Torch's random numbers go on afterwards as if nothing had been drawn.

        Raises:
            PluginError: the head cannot be built.
        """
        with torch.random.fork_rng(devices=[]):
            try:
                broke = self.examine(factory)
            except QABenchError:
                raise
            # The code of a head may raise anything.
            except Exception as error:
                broke = _raised(error)
        return None if broke is None else Failure(broke, self.matters, self.mend)

    def __call__(self, factory: HeadFactory) -> None:
        """Nothing where the head is right.

        Raises:
            CheckError: it is not.
            PluginError: the head cannot be built.
        """
        failure = self.failure(factory)
        if failure is not None:
            raise CheckError(self, failure)


def check(*, matters: str, mend: str) -> Callable[[Examination], Check]:
    """Make a :class:`Check` of a function; its docstring is the summary."""

    def made(examine: Examination) -> Check:
        summary = (examine.__doc__ or "").strip()
        return Check(examine.__name__, summary, examine, matters, mend)

    return made


def _raised(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no message"
    frames = traceback.extract_tb(error.__traceback__)
    # The line of the head's own code, not the one inside torch.
    own = [frame for frame in frames if not frame.filename.startswith(_TORCH)] or frames
    return f"{type(error).__name__} at {Path(own[-1].filename).name}:{own[-1].lineno}: {text}"
