"""The contract between qabench and its plugins (pluggy project ``qabench``).

A plugin is an installed distribution with an entry point in the group ``qabench`` that names a
module (or object) with hook implementations:

.. code-block:: toml

    [project.entry-points.qabench]
    my_head = "my_head"

.. code-block:: python

    import qabench

    def build(hidden_size, options):
        from my_head.head import MyHead          # torch is imported only when a run needs it
        return MyHead(hidden_size)

    @qabench.hookimpl
    def qabench_heads():
        return [qabench.HeadSpec(name="my_head", summary="What it does", build=build)]

A plugin may implement any of the hooks; one is enough. It may state the version of the hooks that
it was written for; a qabench with other hooks then refuses it:

.. code-block:: python

    QABENCH_HOOKSPEC = (1, 0)

Only a failing ``qabench_heads`` makes a plugin unusable. A failure of any other hook is a warning
that names plugin and hook, and no run is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from qabench.data.examples import QAExample
    from qabench.heads import Head
    from qabench.reports.report import Report

PROJECT = "qabench"
HOOKSPEC_VERSION = (1, 0)
"""Major and minor version of these hooks: the minor one rises when something is added, the major
one when a plugin may have to change."""

VERSION_ATTRIBUTE = "QABENCH_HOOKSPEC"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """A head that a plugin offers.

    Attributes:
        name: what ``qabench run --plugin`` selects; letters, digits, ``_`` and ``-``.
        summary: one line for ``qabench plugins``.
        build: takes the encoder's hidden size and the validated head options with defaults filled
            in; returns the head, freshly initialised from torch's seeded generator.
        options: JSON Schema of each option by name, with its ``default``, for example
            ``{"dropout": {"type": "number", "minimum": 0, "default": 0.1}}``.
        learning_rate: of the head, if the benchmark sets none (``training.head_learning_rate``);
            ``None`` means the encoder's.
    """

    name: str
    summary: str
    build: Callable[[int, Mapping[str, Any]], Head]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    learning_rate: float | None = None


@dataclass(frozen=True, slots=True)
class SliceSpec:
    """A way to group questions by kind; each kind becomes a slice.

    Attributes:
        group: what the kinds are about, such as ``question length``; letters, digits, spaces, ``_``
            and ``-``. It must not be a group of qabench itself.
        kind: returns the kind of a question, such as ``up to 8 words``, or ``None`` if it has none.
            It sees no predictions, so that every head is scored on the same slices.
    """

    group: str
    kind: Callable[[QAExample], str | None]


@dataclass(frozen=True, slots=True)
class ScoredQuestion:
    """One question, and what a run answered.

    Attributes:
        example: the question with its context and gold answers.
        answer: the final answer, "" if the run abstains.
        best_answer: the best span, even if the run abstains; "" if there is none.
        null_odds: evidence that there is no answer; ``None`` for imported predictions without it.
        exact, f1: official scores of the final answer, 0 to 1.
    """

    example: QAExample
    answer: str
    best_answer: str
    null_odds: float | None
    exact: float
    f1: float


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """A number for the report of each run.

    Attributes:
        name: letters, digits, ``_`` and ``-``; the report adds the distribution's name.
        summary: one line on what it measures, and its unit.
        compute: returns a finite number from all scored questions, at least one, in the order of
            the data. It must depend on nothing else: ``qabench verify`` computes it again.
    """

    name: str
    summary: str
    compute: Callable[[Sequence[ScoredQuestion]], float]


@hookspec
def qabench_heads() -> Iterable[HeadSpec]:
    """Return the heads this plugin offers.

    Called by every command that looks for plugins. Keep it fast: import torch inside ``build``,
    not at the top of the module.

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def qabench_benchmarks() -> Iterable[Path]:
    """Return the benchmark files that come with this plugin.

    ``qabench benchmarks`` lists them, and ``--benchmark`` takes the file's name without
    ``.toml``. Relative paths in a file are relative to its folder, so data may be beside it.

    .. code-block:: python

        @qabench.hookimpl
        def qabench_benchmarks():
            return sorted((Path(__file__).parent / "benchmarks").glob("*.toml"))

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def qabench_slices() -> Iterable[SliceSpec]:
    """Return kinds of questions to score separately, in addition to those of qabench.

    They appear wherever qabench's own do: in ``qabench compare``, in figures and on the page.

    .. code-block:: python

        def negation(example):
            return "negated" if " not " in example.question else "plain"

        @qabench.hookimpl
        def qabench_slices():
            return [qabench.SliceSpec(group="negation", kind=negation)]

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def qabench_metrics() -> Iterable[MetricSpec]:
    """Return numbers for every report, in addition to the official scores.

    They are in report.json under ``metrics`` as ``distribution/name``, and ``qabench verify``
    computes them again if the plugin is installed. A metric that fails is left out, and the
    report's warnings say so.

    .. code-block:: python

        def words(questions):
            return sum(len(one.answer.split()) for one in questions) / len(questions)

        @qabench.hookimpl
        def qabench_metrics():
            return [qabench.MetricSpec("answer_words", "mean words of an answer", words)]

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def qabench_run_finished(report: Report, folder: Path) -> None:
    """Do something with a run that has just finished, such as sending a message.

    Called once for each plugin in the main process, when all files of the run are on disk. Not
    called for a run that was already finished, nor for imported predictions.

    .. code-block:: python

        @qabench.hookimpl
        def qabench_run_finished(report, folder):
            print(f"{folder}: EM {report.scores.official['exact']:.2f}")

    Args:
        report: the content of ``report.json``.
        folder: the run directory.

    .. versionadded:: 0.1
    """
    raise NotImplementedError
