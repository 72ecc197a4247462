"""Fine-tuning and prediction on ``transformers.Trainer``.

The Trainer brings devices, mixed precision, gradient accumulation, ``torchrun`` and ``accelerate
launch``, checkpoints and loggers. Our own are length-grouped batches made from windows, two
learning rates, predictions reduced to the k best spans on the device, and errors for losses and
scores that are not finite.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Sampler
from transformers import EvalPrediction, ProgressCallback, Trainer, TrainingArguments

from qabench.base.files import writing
from qabench.base.terminal import reason
from qabench.benchmarks.settings import TrainingSettings
from qabench.errors import PluginError, QABenchError, RunError
from qabench.reports.report import Segment
from qabench.training import checkpoints
from qabench.training.batches import (
    LengthGroupedOrder,
    LongestFirst,
    WindowDataset,
    collate_items,
    collate_unlabelled,
    padding_share,
)
from qabench.training.divergence import RecentLosses, check_mean, check_scores
from qabench.training.hardware import Hardware
from qabench.training.log import LogFile, LogLine, Progress, log_lines
from qabench.training.model import QAModel
from qabench.training.stopwatch import Seconds, Stopwatch
from qabench.windows.answers import WindowSpans, are_possible

# The scorer's name for the EM of the tune half of dev, by which the best epoch is chosen.
TUNE_EXACT = "tune_exact"
_SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}
# Scores of one evaluation in percent, by name; computed by the harness, never by a plugin.
Scorer = Callable[[WindowSpans], dict[str, float]]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSetup:
    """Everything that decides a fine-tuning besides the model and the data.

    ``versions`` are those of qabench, torch and transformers, by distribution.
    """

    settings: TrainingSettings
    head_learning_rate: float
    hardware: Hardware
    seed: int
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What a training came to.

    Attributes:
        log: its losses and validation scores.
        steps: optimizer steps.
        seconds: wall time, validations included.
        padding_share: padding by all positions of the training batches, 0 to 1.
        segments: the steps by the versions that made them, in order.
    """

    log: tuple[LogLine, ...]
    steps: int
    seconds: Seconds
    padding_share: float
    segments: tuple[Segment, ...]


class FineTuner(Trainer):
    """The Trainer of a :class:`QAModel` on windows, for one run.

    Args:
        model: encoder and head.
        train: windows to learn from.
        dev: windows to validate on after each epoch.
        setup: all else that decides the training.
        scorer: scores of the dev windows' spans, for the log and for the best epoch.
        folder: the run directory, which gets ``training_log.jsonl`` and checkpoints.
        checkpoint: that :func:`qabench.training.checkpoints.last` found, to resume from.
    """

    def __init__(
        self,
        model: QAModel,
        train: WindowDataset,
        dev: WindowDataset,
        setup: TrainingSetup,
        scorer: Scorer,
        folder: Path,
        checkpoint: Path | None = None,
    ) -> None:
        super().__init__(
            model=model,
            args=_arguments(setup, checkpoints.drafts(folder)),
            data_collator=collate_items,
            train_dataset=train,
            eval_dataset=dev,
            compute_metrics=self._scores,
            callbacks=[LogFile(folder / "training_log.jsonl")],
        )
        self.remove_callback(ProgressCallback)
        self.add_callback(Progress)
        self._windows = train
        self._dev = dev
        self._head_learning_rate = setup.head_learning_rate
        self._scorer = scorer
        self._folder = folder
        self._checkpoint = checkpoint
        self._losses = RecentLosses()
        self._has_stepped = False
        self._versions = setup.versions
        self._before = () if checkpoint is None else checkpoints.segments_of(checkpoint)
        before = Seconds() if checkpoint is None else checkpoints.seconds_of(checkpoint)
        self._training = Stopwatch(before.training)
        self._evaluation = Stopwatch(before.evaluation)
        self._loader = Stopwatch(before.loader)

    def fine_tune(self) -> TrainingOutcome:
        """Train to the last epoch; where that is done already, only load its checkpoint.

        Raises:
            RunError: loss or scores are NaN or infinite, the disk is full, or the checkpoint
                cannot be loaded.
        """
        checkpoint = self._checkpoint
        with warnings.catch_warnings(), self._training:
            warnings.filterwarnings("ignore", message=".*pin_memory.*")
            with _loading(checkpoint, lambda: not self._has_stepped):
                self.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        if self.state.best_global_step:
            # The Trainer would load it from a path that is wrong once the folder was moved.
            best = checkpoints.of_step(self._folder, self.state.best_global_step)
            with _loading(best, lambda: True):
                self._load_from_checkpoint(str(best))
        return TrainingOutcome(
            log=tuple(log_lines(self.state.log_history)),
            steps=self.state.global_step,
            seconds=self._seconds(),
            padding_share=self._padding_share(),
            segments=self._segments(),
        )

    def predict_spans(self, data: WindowDataset) -> WindowSpans:
        """The best spans of every window.

        Raises:
            DivergedError: a score is NaN or infinite.
            PluginError: the head raised, or returned spans outside of their contexts.
        """
        return self._spans(self.predict(data).predictions, data)

    def _scores(self, prediction: EvalPrediction) -> dict[str, float]:
        return self._scorer(self._spans(prediction.predictions, self._dev))

    def _spans(self, predictions: Any, data: WindowDataset) -> WindowSpans:
        """What :meth:`prediction_step` kept of all batches."""
        window, start, end, score, null_score = predictions
        found = WindowSpans(window, start, end, score, null_score)
        check_scores(found, data, self.state.global_step, self.args.seed)
        if not are_possible(found, data.windows):
            trained: Any = self.model
            raise PluginError(
                f"{trained.owner} returned spans outside their contexts after step "
                f"{self.state.global_step}; qabench check says how to fix it."
            )
        return found

    def _seconds(self) -> Seconds:
        return Seconds(self._training.seconds, self._evaluation.seconds, self._loader.seconds)

    def _segments(self) -> tuple[Segment, ...]:
        return _extended(self._before, self.state.global_step, self._versions)

    def _padding_share(self) -> float:
        """Mean over the epochs, whose order depends on seed and epoch only."""
        order = self._get_train_sampler()
        shares = []
        for epoch in range(int(self.args.num_train_epochs)):
            order.set_epoch(epoch)
            batch_size = self.args.per_device_train_batch_size
            shares.append(padding_share(self._windows.windows, list(order), batch_size))
        return sum(shares) / len(shares)

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> Any:
        """The batches of the next step; measures how long the step waits for them."""
        with self._loader:
            return super().get_batch_samples(*args, **kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Validate, timed."""
        with self._evaluation:
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        return metrics

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedOrder:
        group = self.args.train_batch_size * self.args.gradient_accumulation_steps
        return LengthGroupedOrder(self._windows.windows, group, self.args.seed)

    def _get_eval_sampler(self, eval_dataset: Any) -> Sampler[int]:
        return LongestFirst(eval_dataset.windows)

    def get_test_dataloader(self, test_dataset: Any) -> Any:
        """Windows without golds: no prediction that is scored knows them."""
        labelled, self.data_collator = self.data_collator, collate_unlabelled
        try:
            return super().get_test_dataloader(test_dataset)
        finally:
            self.data_collator = labelled

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
        for in_head, rate in ((False, self.args.learning_rate), (True, self._head_learning_rate)):
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
    ) -> tuple[Tensor | None, Any, Tensor]:
        """Reduce a batch to its best spans on the device; no logits are kept."""
        batch = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            output = model(**batch)
        # Positions need no 64 bits, and these are kept for every window.
        places = tuple(output[name].int() for name in ("window", "start", "end"))
        kept = (*places, output["score"], output["null_score"])
        loss = output["loss"].mean() if "loss" in output else None
        return loss, kept, places[0]

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """As the Trainer does, but the checkpoint appears whole or not at all."""
        folder, state = self._folder, self.state
        place = checkpoints.of_step(folder, state.global_step)
        with writing(place, checkpoints.drafts(folder)):
            super()._save_checkpoint(*args, **kwargs)
            # Each process writes the state of its own random numbers.
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                checkpoints.keep(
                    folder,
                    state.global_step,
                    state.best_global_step,
                    self._seconds(),
                    self._segments(),
                )
            self.accelerator.wait_for_everyone()

    def training_step(self, model: nn.Module, inputs: dict[str, Any], *args: Any) -> Tensor:
        """A forward and a backward pass, remembered until the next line of the log."""
        self._has_stepped = True
        loss: Tensor = super().training_step(model, inputs, *args)
        self._losses.add(self.state.global_step + 1, inputs["window"], loss)
        return loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Log, and stop where a loss is NaN or infinite."""
        self._losses.check(self._windows, self.args.seed)
        # Other processes have losses too.
        for name in ("loss", "eval_loss"):
            check_mean(name, logs.get(name, 0.0), self.state.global_step, self.args.seed)
        super().log(logs, *args, **kwargs)


def _extended(
    before: Sequence[Segment], steps: int, versions: Mapping[str, str]
) -> tuple[Segment, ...]:
    """The segments of a training after so many steps in all, the last of them with ``versions``."""
    same = [one for one in before[-1:] if one.versions == versions]
    kept = before[: len(before) - len(same)]
    return (*kept, Segment(steps - sum(one.steps for one in kept), versions))


@contextmanager
def _loading(checkpoint: Path | None, at_fault: Callable[[], bool]) -> Iterator[None]:
    """Say in one sentence that a checkpoint cannot be loaded, if the error is its fault."""
    try:
        yield
    except (QABenchError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        if checkpoint is None or not at_fault():
            raise
        raise RunError(
            f"{checkpoint} cannot be resumed from ({reason(error)}); run again with --force."
        ) from error


def _arguments(setup: TrainingSetup, folder: Path) -> TrainingArguments:
    settings = setup.settings
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
        metric_for_best_model=f"eval_{TUNE_EXACT}" if settings.keep_epoch == "best" else None,
        greater_is_better=True,
        seed=setup.seed,
        data_seed=setup.seed,
        use_cpu=setup.hardware.device == "cpu",
        bf16=setup.hardware.precision == "bf16",
        fp16=setup.hardware.precision == "fp16",
        torch_compile=settings.compile,
        dataloader_pin_memory=setup.hardware.device == "cuda",
        # Without these names the Trainer looks for "labels" and computes no validation loss.
        label_names=["start", "end"],
        remove_unused_columns=False,
        report_to=[],
        # Else it follows the log level, which is raised to keep the Trainer quiet.
        disable_tqdm=False,
    )
