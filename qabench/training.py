"""Fine-tuning and prediction on ``transformers.Trainer``.

The Trainer brings devices, mixed precision, gradient accumulation, ``torchrun`` and ``accelerate
launch``, checkpoints and loggers. What is our own: length-grouped batches made from windows, two
learning rates, predictions reduced to the k best spans on the device, and numbers that go wrong
loudly.
"""

from __future__ import annotations

import json
import math
import platform
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, Sampler
from transformers import (
    EvalPrediction,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.trainer_pt_utils import get_length_grouped_indices

from qabench.answers import WindowSpans
from qabench.benchmark import TrainingSettings
from qabench.errors import RunError
from qabench.model import QAModel, collate
from qabench.windows import Windows

CHECKPOINTS = "checkpoints"
_SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}
# Scores of one evaluation in percent, by name; computed by the harness, never by a plugin.
Scorer = Callable[[WindowSpans], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Hardware:
    """Where a run computes; ``precision`` is of the encoder's autocast, heads are float32."""

    device: str
    name: str
    precision: str
    threads: int

    def __str__(self) -> str:
        threads = f", {self.threads} thread{'s' * (self.threads != 1)}"
        return f"{self.device} ({self.name}), {self.precision}{threads * (self.device == 'cpu')}"


def pick_hardware(settings: TrainingSettings) -> Hardware:
    """Choose device and precision, and set torch's threads if the benchmark names a number."""
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    accelerator = torch.accelerator.current_accelerator() if settings.device == "auto" else None
    if accelerator is None or not torch.accelerator.is_available():
        device, name, best = "cpu", platform.machine(), "fp32"
    elif accelerator.type == "cuda":
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        device, name, best = "cuda", torch.cuda.get_device_name(), "bf16" if bf16 else "fp16"
    else:
        device, name, best = accelerator.type, accelerator.type, "fp32"
    precision = best if settings.precision == "auto" else settings.precision
    if device == "cpu" and precision == "fp16":
        raise RunError("fp16 does not train on a CPU; set training.precision to bf16 or fp32.")
    return Hardware(device, name, precision, torch.get_num_threads())


class WindowDataset(Dataset[tuple[Windows, int]]):
    """Window indices; the arrays are gathered when a batch is made."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> tuple[Windows, int]:
        return self.windows, index


def collate_items(items: Sequence[tuple[Windows, int]]) -> dict[str, Tensor]:
    """A batch from items of one :class:`WindowDataset`."""
    return collate(items[0][0], [index for _, index in items])


class LengthGroupedOrder(Sampler[int]):
    """Windows of like length together, batches in random order, new in every epoch.

    The order depends on the seed and the epoch alone, so that a resumed run sees the same one.
    """

    def __init__(self, windows: Windows, batch_size: int, seed: int) -> None:
        self.lengths = windows.total_lengths().tolist()
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.lengths)

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader before each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order: list[int] = get_length_grouped_indices(
            self.lengths, self.batch_size, generator=generator
        )
        return iter(order)


class LongestFirst(Sampler[int]):
    """Windows by falling length: little padding, and too little memory shows at once."""

    def __init__(self, windows: Windows) -> None:
        self.order = np.argsort(-windows.total_lengths(), kind="stable").tolist()

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[int]:
        return iter(self.order)


class FineTuner(Trainer):
    """The Trainer for a :class:`QAModel` and windows."""

    head_learning_rate: float

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        dataset: Any = self.train_dataset if train_dataset is None else train_dataset
        group = self.args.train_batch_size * self.args.gradient_accumulation_steps
        return LengthGroupedOrder(dataset.windows, group, self.args.seed)

    def _get_eval_sampler(self, eval_dataset: Any) -> Sampler[int]:
        return LongestFirst(eval_dataset.windows)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW with the head's own learning rate, no decay on biases and norms."""
        if self.optimizer is None:
            trained: Any = self.model
            kind, options = self.get_optimizer_cls_and_kwargs(self.args, trained)
            decayed = set(self.get_decay_parameter_names(trained))
            groups = self._parameter_groups(trained, decayed)
            self.optimizer = kind(groups, **options)
        return self.optimizer

    def _parameter_groups(self, model: nn.Module, decayed: set[str]) -> list[dict[str, Any]]:
        named = [(name, one) for name, one in model.named_parameters() if one.requires_grad]
        groups = []
        for in_head, rate in ((False, self.args.learning_rate), (True, self.head_learning_rate)):
            for decay in (True, False):
                chosen = [
                    parameter
                    for name, parameter in named
                    if name.startswith("head.") == in_head and (name in decayed) == decay
                ]
                weight_decay = self.args.weight_decay if decay else 0.0
                groups.append({"params": chosen, "lr": rate, "weight_decay": weight_decay})
        return [group for group in groups if group["params"]]

    def prediction_step(
        self, model: nn.Module, inputs: dict[str, Any], *_: Any, **__: Any
    ) -> tuple[Tensor, Any, Tensor]:
        """Reduce a batch to its best spans on the device; the logits are let go."""
        batch = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            output = model(**batch)
        # Positions need no 64 bits, and these are kept for every window.
        places = tuple(output[name].int() for name in ("window", "start", "end"))
        kept = (*places, output["score"], output["null_score"])
        return output["loss"].mean(), kept, places[0]

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Log, and stop where the loss is no number any more."""
        for name in ("loss", "eval_loss"):
            if not math.isfinite(logs.get(name, 0.0)):
                raise RunError(
                    f"{name} is {logs[name]} at step {self.state.global_step} (seed "
                    f"{self.args.seed}): training diverged; lower training.learning_rate or "
                    f"training.head_learning_rate, or set training.precision to fp32."
                )
        super().log(logs, *args, **kwargs)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of ``training_log.jsonl``; what was not measured at that point is ``None``, and so
    is a gradient norm that overflowed.

    Losses are means since the last line of their kind, over windows; scores in percent.
    """

    step: int
    epoch: float
    train_loss: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None
    validation_loss: float | None = None
    exact: float | None = None
    f1: float | None = None


def log_lines(history: Sequence[dict[str, Any]]) -> list[LogLine]:
    """The Trainer's history, its summary of the whole run left out."""
    return [
        LogLine(
            step=entry["step"],
            epoch=entry.get("epoch", 0.0),
            train_loss=entry.get("loss"),
            learning_rate=entry.get("learning_rate"),
            gradient_norm=_finite(entry.get("grad_norm")),
            validation_loss=entry.get("eval_loss"),
            exact=entry.get("eval_exact"),
            f1=entry.get("eval_f1"),
        )
        for entry in history
        if "loss" in entry or "eval_loss" in entry
    ]


def _finite(value: float | None) -> float | None:
    """fp16 training overflows at times and skips that step; its loss is checked elsewhere."""
    return value if value is not None and math.isfinite(value) else None


class _LogFile(TrainerCallback):
    """Appends to the log as training goes; a resumed run first rewrites what it had."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _write(self, mode: str, history: Sequence[dict[str, Any]]) -> None:
        with self.path.open(mode, encoding="utf-8") as file:
            for line in log_lines(history):
                file.write(json.dumps(asdict(line)) + "\n")

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.is_world_process_zero:
            self._write("w", state.log_history)

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.is_world_process_zero and state.log_history:
            self._write("a", state.log_history[-1:])


class _Progress(ProgressCallback):
    """A progress bar with ETA, and one short line for each log entry."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        for line in log_lines(state.log_history[-1:]):
            shown = {name: value for name, value in asdict(line).items() if value is not None}
            text = "  ".join(
                f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                for name, value in shown.items()
            )
            if self.training_bar is not None:
                self.training_bar.write(text)


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What training was: its log, its steps, and its seconds in this process."""

    log: tuple[LogLine, ...]
    steps: int
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """Everything that decides a fine-tuning but the model and the data."""

    settings: TrainingSettings
    head_learning_rate: float
    hardware: Hardware
    seed: int


def fine_tuner(
    model: QAModel,
    train: Windows,
    dev: Windows,
    recipe: Recipe,
    scorer: Scorer,
    folder: Path,
) -> FineTuner:
    """A trainer that writes ``training_log.jsonl`` and checkpoints under ``folder``."""

    def scores(prediction: EvalPrediction) -> dict[str, float]:
        return scorer(_as_spans(prediction.predictions))

    log = _LogFile(folder / "training_log.jsonl")
    tuner = FineTuner(
        model=model,
        args=_arguments(recipe, folder / CHECKPOINTS),
        data_collator=collate_items,
        train_dataset=WindowDataset(train),
        eval_dataset=WindowDataset(dev),
        compute_metrics=scores,
        callbacks=[log],
    )
    tuner.head_learning_rate = recipe.head_learning_rate
    tuner.remove_callback(ProgressCallback)
    tuner.add_callback(_Progress)
    return tuner


def train(tuner: FineTuner, checkpoint: Path | None) -> TrainingOutcome:
    """Fine-tune, from a checkpoint if there is one.

    Raises:
        RunError: the loss became infinite or not a number.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*pin_memory.*")
        result = tuner.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    return TrainingOutcome(
        log=tuple(log_lines(tuner.state.log_history)),
        steps=tuner.state.global_step,
        seconds=float(result.metrics["train_runtime"]),
    )


def predict(tuner: FineTuner, windows: Windows) -> WindowSpans:
    """The best spans of every window."""
    return _as_spans(tuner.predict(WindowDataset(windows)).predictions)


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint of an interrupted run: one whose state file was written."""
    found = [
        path
        for path in (folder / CHECKPOINTS).glob("checkpoint-*")
        if (path / "trainer_state.json").is_file()
    ]
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _as_spans(predictions: Any) -> WindowSpans:
    window, start, end, score, null_score = predictions
    return WindowSpans(window, start, end, score, null_score)


def _arguments(recipe: Recipe, folder: Path) -> TrainingArguments:
    settings = recipe.settings
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.eval_batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation_steps,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_steps=settings.warmup_fraction,
        lr_scheduler_type=_SCHEDULES[settings.schedule],
        max_grad_norm=settings.max_gradient_norm,
        logging_steps=settings.logging_steps,
        logging_nan_inf_filter=False,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=recipe.hardware.device == "cpu",
        bf16=recipe.hardware.precision == "bf16",
        fp16=recipe.hardware.precision == "fp16",
        dataloader_pin_memory=recipe.hardware.device == "cuda",
        # Without these names the Trainer looks for "labels" and computes no validation loss.
        label_names=["start", "end"],
        remove_unused_columns=False,
        report_to=[],
        # Else it follows the log level, which is raised to keep the Trainer quiet.
        disable_tqdm=False,
    )


def parameter_count(module: nn.Module) -> int:
    """Trainable numbers in a module."""
    return sum(one.numel() for one in module.parameters() if one.requires_grad)
