"""A run as a value: a head, a seed, and everything it is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qabench.base.arrays import Bools
from qabench.benchmarks.settings import Benchmark
from qabench.data.examples import ExampleSet, order_fingerprint
from qabench.plugins.discovery import InstalledHead
from qabench.reports.report import DataFacts, PluginFacts
from qabench.runs.provenance import versions
from qabench.training.backbone import TokenizerFacts
from qabench.training.batches import WindowDataset
from qabench.training.fine_tuning import TrainingSetup
from qabench.training.hardware import Hardware
from qabench.windows.cutting import Windows

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one ``qabench run`` does: every plugin with every seed on one benchmark.

    Attributes:
        force: whether to overwrite what these runs made before.
        accept_versions: whether to use and resume runs of other versions of qabench, torch and
            transformers.
        allow_overlap: whether to score the very questions that are trained on.
    """

    benchmark: Benchmark
    plugins: Sequence[str]
    seeds: Sequence[int]
    runs_dir: Path
    force: bool = False
    accept_versions: bool = False
    allow_overlap: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Training or dev data as it is used.

    Attributes:
        read: all that was read.
        used: the subset that is used; ``read`` itself without a limit.
        windows: of the subset.
    """

    read: ExampleSet
    used: ExampleSet
    windows: Windows

    def dataset(self) -> WindowDataset:
        """The windows, as training and prediction take them."""
        return WindowDataset(self.windows, self.used.examples)

    def facts(self, scored: int | None) -> DataFacts:
        """What the report says of it; ``scored`` is the number of questions with a score."""
        return DataFacts(
            source=self.read.source,
            available=len(self.read),
            questions=len(self.used),
            answerable=self.used.answerable,
            scored=scored,
            skipped=len(self.read.skipped),
            fingerprint=self.used.fingerprint,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A run to make in ``folder``.

    Attributes:
        options: the head's, with defaults filled in.
        source_sha256: of the head's plugin.
        tune: (dev questions,) true for the half on which null threshold and epoch are chosen.
        encoder_sha256: of the encoder's weights before training.
    """

    benchmark: Benchmark
    head: InstalledHead
    options: Mapping[str, Any]
    source_sha256: str
    seed: int
    train: Side
    dev: Side
    tune: Bools
    tokenizer: TokenizerFacts
    encoder_sha256: str
    hardware: Hardware
    folder: Path

    @property
    def learning_rate(self) -> float:
        """The head's peak learning rate: the benchmark's, else the plugin's, else the encoder's."""
        training = self.benchmark.training
        own = training.head_learning_rate or self.head.spec.learning_rate
        return own or training.learning_rate

    def setup(self) -> TrainingSetup:
        """What training needs to know of it."""
        training = self.benchmark.training
        return TrainingSetup(training, self.learning_rate, self.hardware, self.seed, versions())

    def plugin(self) -> PluginFacts:
        """What the report says of the head."""
        return PluginFacts(
            name=self.head.name,
            distribution=self.head.distribution,
            version=self.head.version,
            options=self.options,
            learning_rate=self.learning_rate,
            source_sha256=self.source_sha256,
        )

    def identity(self) -> dict[str, Any]:
        """What must be the same for a run directory to be used or resumed."""
        return {
            "benchmark": self.benchmark.as_dict(),
            "plugin": asdict(self.plugin()),
            "seed": self.seed,
            "data": {
                "train": self.train.used.fingerprint,
                "train_order": order_fingerprint(self.train.used.examples),
                "dev": self.dev.used.fingerprint,
            },
            "backbone": {
                "weights_sha256": self.encoder_sha256,
                "tokenizer_sha256": self.tokenizer.fingerprint,
            },
            "versions": versions(),
        }
