"""The contents of report.json: what was run, and how it scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class DataFacts:
    """The training or the dev questions as they were used.

    Attributes:
        source: path, ``repository@revision:split`` or ``generated:split``.
        available: questions read, before a subset was drawn.
        questions: questions used: trained on, or to be scored.
        answerable: how many of them have an answer.
        scored: questions with a score; ``None`` for training data.
        skipped: records left out by the audit.
        fingerprint: SHA-256 of the questions used.
    """

    source: str
    available: int
    questions: int
    answerable: int
    scored: int | None
    skipped: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PluginFacts:
    """The head, its distribution, its options with defaults, its learning rate, and its code.

    ``source_sha256`` is that of :func:`qabench.plugins.source.source_hash`; ``None`` for a foreign
    system.
    """

    name: str
    distribution: str
    version: str
    options: Mapping[str, Any]
    learning_rate: float | None
    source_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class BackboneFacts:
    """The encoder before fine-tuning; hashes are sha256."""

    name: str
    revision: str | None
    weights_sha256: str
    tokenizer_sha256: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a training that ran with the same versions.

    Attributes:
        steps: optimizer steps of this part; 0 where training was finished before.
        versions: of qabench, torch and transformers, by distribution.
    """

    steps: int
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Budget:
    """What training cost.

    Attributes:
        epochs: passes over the training windows.
        steps: optimizer steps.
        windows_seen: training windows times epochs.
        tokens_seen: tokens of these windows, without padding.
        trainable_parameters: of encoder and head.
        head_parameters: of the head only.
        resumed: whether training resumed from a checkpoint; seconds of repeated steps do not count.
        train_seconds: wall time of training, with the validation after each epoch.
        predict_seconds: wall time of the final prediction.
        evaluation_seconds: wall time of the validations within ``train_seconds``.
        tokens_per_second: training tokens per second of ``train_seconds`` without
            ``evaluation_seconds``; ``None`` after a resume.
        seconds_per_step: mean wall time of an optimizer step; ``None`` after a resume.
        loader_share: share of training time in which steps waited for their batches, 0 to 1.
        padding_share: share of padding in the positions of the training batches, 0 to 1.
        peak_memory_bytes: largest resident set of the process so far.
        peak_device_memory_bytes: largest allocation of this run on the GPU; ``None`` on a CPU.
        segments: in order; several where ``--accept-versions`` resumed a run of other versions.
    """

    epochs: int
    steps: int
    windows_seen: int
    tokens_seen: int
    trainable_parameters: int
    head_parameters: int
    resumed: bool
    train_seconds: float
    predict_seconds: float
    evaluation_seconds: float
    tokens_per_second: float | None
    seconds_per_step: float | None
    loader_share: float
    padding_share: float
    peak_memory_bytes: int
    peak_device_memory_bytes: int | None
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine and software of the run.

    Attributes:
        python: its version.
        platform: operating system and machine.
        packages: version by distribution.
        device: ``cpu``, ``cuda``, ``mps``, …
        device_name: what the device calls itself.
        precision: of the encoder: ``fp32``, ``bf16`` or ``fp16``; heads compute in fp32.
        threads: of torch on the CPU.
        processes: each trains on batches of ``batch_size`` windows.
        git_commit: of the checkout that qabench is run from, ``-dirty`` if files are changed;
            ``None`` for an installed package.
    """

    python: str
    platform: str
    packages: Mapping[str, str]
    device: str
    device_name: str
    precision: str
    threads: int
    processes: int
    git_commit: str | None


@dataclass(frozen=True, slots=True)
class ReportScores:
    """Scores in percent.

    Attributes:
        official: the keys of the official SQuAD v2.0 script, from ``raw_predictions.json`` and
            ``null_odds.json`` at ``null_threshold``; thresholds of ``best_*`` are tuned on the very
            questions that they score.
        null_threshold: the system abstains where null odds are greater.
        abstained: questions answered with "".
        tuned: a threshold chosen on the tune half, whether halves keep articles or contexts
            together, and the official keys of the other half at this threshold, of always nulls and
            of random spans there; ``None`` without null odds, or if the questions cannot be split.
        always_null: official keys, without ``best_*``, of answering every question with "".
        random_span: the same, of answering every question with a random span.
        human: each gold scored against the others of its question; ``None`` if no question has
            several.
        losses: points of EM lost, by owner; EM and losses add up to 100.
        ceilings: the best EM still possible after each phase; ``None`` for an imported system.
    """

    official: Mapping[str, float]
    null_threshold: float
    abstained: int
    tuned: Mapping[str, Any] | None
    always_null: Mapping[str, float]
    random_span: Mapping[str, float]
    human: Mapping[str, float] | None
    losses: Mapping[str, float]
    ceilings: Mapping[str, float] | None


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """A plugin's metric: its value, what it measures, and the distribution that computes it."""

    value: float
    summary: str
    distribution: str
    version: str


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report; see ``schemas/report.schema.json``.

    A system that was imported, of which only predictions are known, has ``None`` in the fields of
    its training. ``metrics`` are those of plugins, by ``distribution/name``. ``overlap`` counts
    the dev questions whose id, question or context training has too. Older reports lack both.
    """

    format: str
    created: str
    benchmark: str
    settings: Mapping[str, Any]
    seed: int
    train: DataFacts | None
    dev: DataFacts
    plugin: PluginFacts
    backbone: BackboneFacts | None
    windows: Mapping[str, Mapping[str, int]]
    budget: Budget | None
    environment: Environment | None
    training_log: tuple[Mapping[str, Any], ...]
    scores: ReportScores
    weights_sha256: str | None
    files: Mapping[str, str]
    warnings: tuple[str, ...]
    metrics: Mapping[str, MetricFacts] = field(default_factory=dict)
    overlap: Mapping[str, int] | None = None

    def is_training_of(self, other: Report) -> bool:
        """Whether two reports are of one training, whatever seeds they name: the same weights or
        the same losses.
        """
        weights = self.weights_sha256 is not None and self.weights_sha256 == other.weights_sha256
        return weights or (bool(self.training_log) and self.training_log == other.training_log)
