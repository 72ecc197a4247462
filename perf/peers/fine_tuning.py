"""run_qa's way to fine-tune: padded windows in random order, the loss over padding too.

By default every window is padded to the full length and batches are random; with dynamic padding
and grouping by length as its best flags. Start and end logits come from one linear layer on the
encoder, and their cross-entropies run over all positions of the batch, padding among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import AutoModelForQuestionAnswering, DataCollatorWithPadding
from transformers.data.data_collator import default_data_collator

Batch = dict[str, torch.Tensor]


def load_model(folder: str) -> Any:
    """Encoder and a fresh linear layer, in float32."""
    return AutoModelForQuestionAnswering.from_pretrained(folder, dtype=torch.float32)


def padded_batches(features: Dataset, order: Sequence[list[int]]) -> Iterator[Batch]:
    """Batches of features that are padded already."""
    return iter(DataLoader(features, batch_sampler=order, collate_fn=default_data_collator))


def grouped_batches(
    features: Dataset, order: Sequence[list[int]], tokenizer: Any
) -> Iterator[Batch]:
    """Batches padded to their longest."""
    collator = DataCollatorWithPadding(tokenizer)
    return iter(DataLoader(features, batch_sampler=order, collate_fn=collator))


def train(model: Any, batches: Iterator[Batch]) -> list[float]:
    """Forward and backward of every batch; the losses."""
    losses = []
    for batch in batches:
        model.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        losses.append(float(loss.detach()))
    return losses


def logits(model: Any, batches: Iterator[Batch]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Start and end logits (B, L) of every batch, without gradient."""
    found = []
    with torch.inference_mode():
        for batch in batches:
            output = model(**batch)
            found.append((output.start_logits, output.end_logits))
    return found
