"""The start/end head (Devlin et al. 2019, section 4.3; Joshi et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from qabench.heads import Head, LabelledBatch, SpanScores, WindowBatch, top_spans


class LinearHead(Head):
    """Independent start and end distributions over the context tokens and position 0.

    A span scores the sum of its start and end logits, the null answer the sum at position 0.
    Question and padding positions are left out of both distributions.
    """

    def __init__(self, hidden_size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(hidden_size, 2)
        nn.init.normal_(self.project.weight, std=0.02)
        nn.init.zeros_(self.project.bias)

    def logits(self, states: Tensor, batch: WindowBatch) -> tuple[Tensor, Tensor]:
        """Start and end logits, (B, L) each; ``-inf`` where no answer may begin or end."""
        legal = batch.context_mask.clone()
        legal[:, 0] = True
        logits: Tensor = self.project(self.dropout(states))
        start, end = logits.masked_fill(~legal.unsqueeze(2), float("-inf")).unbind(2)
        return start, end

    def loss(self, states: Tensor, batch: LabelledBatch) -> Tensor:
        """Mean of the start and the end cross-entropy."""
        start, end = self.logits(states, batch)
        cross_entropy = nn.functional.cross_entropy
        return (cross_entropy(start, batch.start) + cross_entropy(end, batch.end)) / 2

    def spans(
        self, states: Tensor, batch: WindowBatch, n_best: int, max_answer_tokens: int
    ) -> SpanScores:
        """Exact k-best spans by the sum of start and end logits."""
        start, end = self.logits(states, batch)
        null_score = torch.add(start[:, 0], end[:, 0])
        return top_spans(start, end, batch, null_score, n_best, max_answer_tokens)
