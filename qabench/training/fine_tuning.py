"""Fine-tuning and prediction on ``transformers.Trainer``.

The Trainer brings devices, mixed precision, gradient accumulation, ``torchrun`` and ``accelerate
launch``, checkpoints and loggers. What is our own: length-grouped batches made from windows, two
learning rates, predictions reduced to the k best spans on the device, and numbers that go wrong
loudly.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Sampler
from transformers import EvalPrediction, ProgressCallback, Trainer, TrainingArguments

from qabench.base.files import writing
from qabench.base.terminal import reason
from qabench.benchmarks.settings import TrainingSettings
from qabench.errors import QABenchError, RunError
from qabench.training import checkpoints
from qabench.training.batches import (
    LengthGroupedOrder,
    LongestFirst,
    WindowDataset,
    collate_items,
    padding_share,
)
from qabench.training.checkpoints import Seconds
from qabench.training.divergence import RecentLosses, check_mean, check_scores
from qabench.training.hardware import Hardware
from qabench.training.log import LogFile, LogLine, Progress, log_lines
from qabench.training.model import QAModel
from qabench.windows.answers import WindowSpans

# The scorer's name for the EM of the tune half of dev, by which the best epoch is chosen.
TUNE_EXACT = "tune_exact"
_SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}
# Scores of one evaluation in percent, by name; computed by the harness, never by a plugin.
Scorer = Callable[[WindowSpans], dict[str, float]]


class FineTuner(Trainer):
    """The Trainer for a :class:`QAModel` and windows."""

    head_learning_rate: float
    # The run directory.
    run: Path
    losses: RecentLosses
    # Whether this process took a step.
    moved: bool
    spent: Seconds
    # When this process's training began.
    began: float

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> Any:
        """The batches of the next step, and the time that they made the step wait."""
        began = time.perf_counter()
        batches = super().get_batch_samples(*args, **kwargs)
        self.spent.loader += time.perf_counter() - began
        return batches

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Validate, timed."""
        began = time.perf_counter()
        metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        self.spent.evaluation += time.perf_counter() - began
        return metrics

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

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """As the Trainer does, but the checkpoint appears whole or not at all."""
        place = checkpoints.of_step(self.run, self.state.global_step)
        with writing(place, checkpoints.drafts(self.run)):
            super()._save_checkpoint(*args, **kwargs)
            # Each process writes the state of its own random numbers.
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                training = self.spent.training + time.perf_counter() - self.began
                spent = replace(self.spent, training=training)
                state = self.state
                checkpoints.keep(self.run, state.global_step, state.best_global_step, spent)
            self.accelerator.wait_for_everyone()

    def training_step(self, model: nn.Module, inputs: dict[str, Any], *args: Any) -> Tensor:
        """A forward and a backward pass, remembered until the next line of the log."""
        self.moved = True
        loss: Tensor = super().training_step(model, inputs, *args)
        self.losses.add(self.state.global_step + 1, inputs["window"], loss)
        return loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Log, and stop where the loss is no number any more."""
        data: Any = self.train_dataset
        self.losses.check(data, self.args.seed)
        # Other processes have losses too.
        for name in ("loss", "eval_loss"):
            check_mean(name, logs.get(name, 0.0), self.state.global_step, self.args.seed)
        super().log(logs, *args, **kwargs)

    def spans(self, predictions: Any, data: WindowDataset) -> WindowSpans:
        """What :meth:`prediction_step` kept of all batches, as numbers that can be ranked.

        Raises:
            RunError: they cannot.
        """
        window, start, end, score, null_score = predictions
        found = WindowSpans(window, start, end, score, null_score)
        check_scores(found, data, self.state.global_step, self.args.seed)
        return found


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What training was.

    Attributes:
        log: its losses and validation scores.
        steps: optimizer steps.
        seconds: wall time, validations included; of a resumed run all that was not repeated.
        evaluation_seconds: wall time of the validations.
        loader_seconds: wall time in which steps waited for their batches.
        padding_share: padding by all positions of the training batches, 0 to 1.
    """

    log: tuple[LogLine, ...]
    steps: int
    seconds: float
    evaluation_seconds: float
    loader_seconds: float
    padding_share: float


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """Everything that decides a fine-tuning but the model and the data."""

    settings: TrainingSettings
    head_learning_rate: float
    hardware: Hardware
    seed: int


def fine_tuner(
    model: QAModel,
    train: WindowDataset,
    dev: WindowDataset,
    recipe: Recipe,
    scorer: Scorer,
    folder: Path,
) -> FineTuner:
    """A trainer that writes ``training_log.jsonl`` and checkpoints under ``folder``."""

    def scores(prediction: EvalPrediction) -> dict[str, float]:
        return scorer(tuner.spans(prediction.predictions, dev))

    log = LogFile(folder / "training_log.jsonl")
    tuner = FineTuner(
        model=model,
        args=_arguments(recipe, checkpoints.drafts(folder)),
        data_collator=collate_items,
        train_dataset=train,
        eval_dataset=dev,
        compute_metrics=scores,
        callbacks=[log],
    )
    tuner.head_learning_rate = recipe.head_learning_rate
    tuner.run = folder
    tuner.losses, tuner.spent, tuner.moved = RecentLosses(), Seconds(), False
    tuner.remove_callback(ProgressCallback)
    tuner.add_callback(Progress)
    return tuner


def train(tuner: FineTuner, checkpoint: Path | None) -> TrainingOutcome:
    """Fine-tune, from a checkpoint if there is one; after the last step, that only loads it.

    Raises:
        RunError: loss or scores became infinite or not a number, the disk is full, or the
            checkpoint is whole but none of this training.
    """
    if checkpoint is not None:
        tuner.spent = checkpoints.seconds_of(checkpoint)
    tuner.began = time.perf_counter()
    with warnings.catch_warnings(), _loading(checkpoint, lambda: not tuner.moved):
        warnings.filterwarnings("ignore", message=".*pin_memory.*")
        result = tuner.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if tuner.state.best_global_step:
        # Not the Trainer's way, which knows the best by a path that moving the folder makes wrong.
        best = checkpoints.of_step(tuner.run, tuner.state.best_global_step)
        with _loading(best, lambda: True):
            tuner._load_from_checkpoint(str(best))
    return TrainingOutcome(
        log=tuple(log_lines(tuner.state.log_history)),
        steps=tuner.state.global_step,
        seconds=tuner.spent.training + float(result.metrics["train_runtime"]),
        evaluation_seconds=tuner.spent.evaluation,
        loader_seconds=tuner.spent.loader,
        padding_share=_padding_share(tuner),
    )


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
            f"{checkpoint} cannot be gone on from ({reason(error)}); run anew with --force."
        ) from error


def _padding_share(tuner: FineTuner) -> float:
    """Mean over the epochs of this recipe, whose order depends on seed and epoch alone."""
    dataset: Any = tuner.train_dataset
    order: Any = tuner._get_train_sampler()
    shares = []
    for epoch in range(int(tuner.args.num_train_epochs)):
        order.set_epoch(epoch)
        batch_size = tuner.args.per_device_train_batch_size
        shares.append(padding_share(dataset.windows, list(order), batch_size))
    return sum(shares) / len(shares)


def predict(tuner: FineTuner, data: WindowDataset) -> WindowSpans:
    """The best spans of every window.

    Raises:
        RunError: scores became infinite or not a number.
    """
    return tuner.spans(tuner.predict(data).predictions, data)


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
        metric_for_best_model=f"eval_{TUNE_EXACT}" if settings.keep_epoch == "best" else None,
        greater_is_better=True,
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=recipe.hardware.device == "cpu",
        bf16=recipe.hardware.precision == "bf16",
        fp16=recipe.hardware.precision == "fp16",
        torch_compile=settings.compile,
        dataloader_pin_memory=recipe.hardware.device == "cuda",
        # Without these names the Trainer looks for "labels" and computes no validation loss.
        label_names=["start", "end"],
        remove_unused_columns=False,
        report_to=[],
        # Else it follows the log level, which is raised to keep the Trainer quiet.
        disable_tqdm=False,
    )
