"""Windows in batches: their order in training and prediction, and the padding that it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.utils.data import Dataset, Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices

from qabench.data.examples import QAExample
from qabench.training.model import collate
from qabench.windows.cutting import Windows


class WindowDataset(Dataset[tuple[Windows, int]]):
    """Window indices; token ids are looked up when a batch is made.

    Args:
        windows: all windows.
        examples: what they were cut from.
    """

    def __init__(self, windows: Windows, examples: Sequence[QAExample]) -> None:
        self.windows = windows
        self.examples = examples

    def question_ids(self, indices: ArrayLike) -> list[str]:
        """The id of each window's question."""
        chosen = self.windows.example[np.asarray(indices, np.int64)]
        return [self.examples[index].id for index in chosen.tolist()]

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> tuple[Windows, int]:
        return self.windows, index


def collate_items(items: Sequence[tuple[Windows, int]]) -> dict[str, Tensor]:
    """A batch from items of one :class:`WindowDataset`."""
    return collate(items[0][0], [index for _, index in items])


def collate_unlabelled(items: Sequence[tuple[Windows, int]]) -> dict[str, Tensor]:
    """As :func:`collate_items`, without golds: all that a prediction needs."""
    batch = collate_items(items)
    return {name: one for name, one in batch.items() if name not in ("start", "end")}


class LengthGroupedOrder(Sampler[int]):
    """Windows of similar length together, the batches in a random order that each epoch changes.

    The order depends on seed and epoch only, so that a resumed run has the same one.
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
    """Windows by falling length: little padding, and a lack of memory shows in the first batch."""

    def __init__(self, windows: Windows) -> None:
        self.order = np.argsort(-windows.total_lengths(), kind="stable").tolist()

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[int]:
        return iter(self.order)


def padding_share(windows: Windows, order: Sequence[int], batch_size: int) -> float:
    """Padding by all positions, 0 to 1.

    Args:
        windows: all windows.
        order: window indices, from which batches are cut.
        batch_size: windows in a batch.
    """
    lengths = windows.total_lengths()[np.asarray(order, np.int64)].astype(np.int64)
    starts = np.arange(0, len(lengths), batch_size)
    sizes = np.diff(np.append(starts, len(lengths)))
    positions = int((np.maximum.reduceat(lengths, starts) * sizes).sum())
    return 1 - int(lengths.sum()) / positions
