"""Where the questions of a benchmark come from: section ``[data]``, and one table of the sources.

A new source is an entry of ``SOURCES`` and a value of ``data.source`` in the schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from qabench.data.examples import ExampleSet
from qabench.data.hub import read_hub
from qabench.data.readers import read_file


@dataclass(frozen=True, slots=True)
class DataSettings:
    """Section ``[data]``; ``train`` and ``dev`` are absolute paths, or names of splits."""

    source: str
    train: str
    dev: str
    on_bad_record: Literal["fail", "skip"]
    split_seed: int
    repository: str | None = None
    revision: str | None = None
    max_train_questions: int | None = None
    max_dev_questions: int | None = None


@dataclass(frozen=True, slots=True)
class NextBenchmark:
    """What to run after a benchmark whose questions are only an example, and what it needs."""

    name: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of place that questions come from.

    Attributes:
        name: the value of ``data.source``.
        read: reads and audits what ``train`` or ``dev`` names; may raise ``DataError``.
        has_paths: whether ``train`` and ``dev`` are paths, relative to the benchmark file.
        golds_by_people: whether several golds of a question are from several people, so that they
            tell how well people answer.
        next: what to run after it.
    """

    name: str
    read: Callable[[DataSettings, str], ExampleSet]
    has_paths: bool = False
    golds_by_people: bool = True
    next: NextBenchmark | None = None


def _file(data: DataSettings, path: str) -> ExampleSet:
    return read_file(Path(path), data.on_bad_record)


def _hub(data: DataSettings, split: str) -> ExampleSet:
    # The schema demands both of a hub source.
    assert data.repository is not None
    assert data.revision is not None
    return read_hub(data.repository, data.revision, split, data.on_bad_record)


def _generated(data: DataSettings, split: str) -> ExampleSet:
    # The tables that generate are slow to import, and few commands need them.
    from qabench.quickstart.corpus import read_generated

    return read_generated(split, data.on_bad_record)


_SQUAD = NextBenchmark("squad_v2", "SpanBERT on SQuAD v2.0: downloads both, needs a GPU")

SOURCES = {
    one.name: one
    for one in (
        Source("files", _file, has_paths=True),
        Source("hub", _hub),
        Source("generated", _generated, golds_by_people=False, next=_SQUAD),
    )
}


def read(data: DataSettings, place: str) -> ExampleSet:
    """Read and audit a set of questions.

    Args:
        data: where questions come from, and what to do with a bad record.
        place: its ``train`` or ``dev``.

    Raises:
        DataError: it cannot be read, or has a bad record.
    """
    return SOURCES[data.source].read(data, place)


def golds_by_people(settings: Mapping[str, Any]) -> bool:
    """Whether several golds are from several people, by the settings in a report.

    A system that was not run here has no settings of data: its questions are from people.
    """
    name = settings.get("data", {}).get("source")
    return all(one.golds_by_people for one in SOURCES.values() if one.name == name)
