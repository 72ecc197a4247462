"""A saved model predicts again, without the Trainer and without golds."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from qabench.base.terminal import reason
from qabench.errors import ReportError
from qabench.heads import Head
from qabench.training.batches import LongestFirst
from qabench.training.model import QAModel, collate
from qabench.windows.answers import WindowSpans
from qabench.windows.cutting import Windows

_NO_SCORE = float("-inf")


def load_head(head: Head, path: Path) -> None:
    """Give a head the weights that :func:`qabench.training.model.save_model` wrote.

    Raises:
        ReportError: the file cannot be read, or holds the weights of another head.
    """
    try:
        head.load_state_dict(load_file(path))
    # torch says that names or shapes differ with a RuntimeError.
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ReportError(
            f"{path} does not hold the weights of this head ({reason(error)}); run again."
        ) from error


def predict(
    model: QAModel, windows: Windows, batch_size: int, device: str, precision: str
) -> WindowSpans:
    """The best spans of every window, from batches as the run made them.

    Args:
        model: is put on the device and into eval mode.
        windows: their golds are not used.
        batch_size: windows of a batch.
        device: of torch.
        precision: of the encoder: fp32, bf16 or fp16.
    """
    model.to(device).eval()
    order = list(LongestFirst(windows))
    parts = []
    with torch.no_grad(), _autocast(device, precision):
        for place in range(0, len(order), batch_size):
            batch = collate(windows, order[place : place + batch_size])
            asked = {name: one.to(device) for name, one in batch.items() if name not in _GOLDS}
            found = model(**asked)
            parts.append(
                {
                    name: one.float().cpu().numpy()
                    if one.is_floating_point()
                    else one.cpu().numpy()
                    for name, one in found.items()
                }
            )
    return WindowSpans(
        window=_joined(parts, "window"),
        start=_joined(parts, "start"),
        end=_joined(parts, "end"),
        score=_joined(parts, "score", _NO_SCORE),
        null_score=_joined(parts, "null_score"),
    )


_GOLDS = ("start", "end")
_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def _autocast(device: str, precision: str) -> AbstractContextManager[Any]:
    kind = _TYPES.get(precision)
    return nullcontext() if kind is None else torch.autocast(device, kind)


def _joined(parts: list[dict[str, Any]], name: str, filler: float = 0) -> Any:
    """All rows of an array, as wide as the widest."""
    arrays = [part[name] for part in parts]
    if arrays[0].ndim == 2:
        width = max(one.shape[1] for one in arrays)
        arrays = [
            np.pad(one, ((0, 0), (0, width - one.shape[1])), constant_values=filler)
            for one in arrays
        ]
    return np.concatenate(arrays)
