"""One run as a value: a head, a seed, and all that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qabench.backbone import TokenizerFacts
from qabench.benchmark import Benchmark
from qabench.examples import ExampleSet, QAExample, fingerprint
from qabench.plugins import InstalledHead
from qabench.reports import DataFacts
from qabench.training import Hardware
from qabench.windows import Windows


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Training or dev data as it is used.

    Attributes:
        read: all that was read.
        examples: the subset that is used.
        windows: of that subset.
    """

    read: ExampleSet
    examples: tuple[QAExample, ...]
    windows: Windows

    def facts(self, scored: int | None) -> DataFacts:
        """What the report says of it; ``scored`` is the number of questions with a score."""
        return DataFacts(
            source=self.read.source,
            available=len(self.read),
            questions=len(self.examples),
            answerable=sum(one.is_answerable for one in self.examples),
            scored=scored,
            skipped=len(self.read.skipped),
            fingerprint=fingerprint(self.examples),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A run to be made in ``folder``; ``options`` are the head's, defaults filled in."""

    benchmark: Benchmark
    head: InstalledHead
    options: Mapping[str, Any]
    seed: int
    train: Side
    dev: Side
    tokenizer: TokenizerFacts
    hardware: Hardware
    folder: Path

    @property
    def learning_rate(self) -> float:
        """The head's peak learning rate: the benchmark's, else the plugin's, else the encoder's."""
        training = self.benchmark.training
        own = training.head_learning_rate or self.head.spec.learning_rate
        return own or training.learning_rate

    def identity(self) -> dict[str, Any]:
        """What must be the same for a run directory to be gone on with."""
        return {
            "benchmark": self.benchmark.as_dict(),
            "plugin": {
                "name": self.head.name,
                "distribution": self.head.distribution,
                "version": self.head.version,
                "options": dict(self.options),
                "learning_rate": self.learning_rate,
            },
            "seed": self.seed,
            "data": {
                "train": fingerprint(self.train.examples),
                "dev": fingerprint(self.dev.examples),
            },
            "tokenizer": self.tokenizer.fingerprint,
        }
