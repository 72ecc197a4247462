"""The training log: one line for each loss, on screen and in ``training_log.jsonl``."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from transformers import ProgressCallback, TrainerCallback

from qabench.base.files import write_text, writing


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of ``training_log.jsonl``.

    What was not measured at that point is ``None``, and so is a gradient norm that overflowed.
    Losses are means over the windows since the last line of their kind; scores are in percent.
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
    """The Trainer's history as lines, without its summary of the whole run."""
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
    """fp16 gradients overflow at times; that step is then skipped. Losses are checked elsewhere."""
    return value if value is not None and math.isfinite(value) else None


class LogFile(TrainerCallback):
    """Appends each line to the log; a resumed run first writes the lines before its checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Write what was logged up to the checkpoint that the training resumes from."""
        if state.is_world_process_zero:
            write_text(self.path, _as_text(state.log_history))

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Append the line."""
        if state.is_world_process_zero and state.log_history:
            with writing(self.path), self.path.open("a", encoding="utf-8") as file:
                file.write(_as_text(state.log_history[-1:]))

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Log the losses so far: a checkpoint does not keep losses that wait for the next line."""
        control.should_log = True

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Write the whole log, so that it outlasts a power failure."""
        self.on_train_begin(args, state, control)


def _as_text(history: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(asdict(line)) + "\n" for line in log_lines(history))


class Progress(ProgressCallback):
    """A progress bar with the time left, and one short line for each log entry, on stderr."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Write the line above the bar."""
        for line in log_lines(state.log_history[-1:]):
            shown = {name: value for name, value in asdict(line).items() if value is not None}
            text = "  ".join(
                f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                for name, value in shown.items()
            )
            if self.training_bar is not None:
                self.training_bar.write(text, file=sys.stderr)
