"""The biaffine span head: start and end are scored together, and all short spans compete.

The product of start and end is that of Dozat & Manning (2017, section 3.2) with a matrix of low
rank; one softmax over spans is that of Lee et al. (2016, RaSoR).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from qabench.heads import Head, LabelledBatch, SpanScores, WindowBatch, best_of_band
from qabench_biaffine.band import band_product


class BiaffineHead(Head):
    """One distribution over no answer and the context's spans of at most ``max_span`` tokens."""

    def __init__(
        self, hidden_size: int, width: int = 64, max_span: int = 30, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.max_span = max_span
        self.scale = 1 / math.sqrt(width)
        self.dropout = nn.Dropout(dropout)
        self.borders = nn.Linear(hidden_size, 2)
        self.null = nn.Linear(hidden_size, 1)
        self.first = nn.Linear(hidden_size, width, bias=False)
        self.last = nn.Linear(hidden_size, width, bias=False)
        for layer in (self.borders, self.null, self.first, self.last):
            nn.init.normal_(layer.weight, std=0.02)
        for bias in (self.borders.bias, self.null.bias):
            nn.init.zeros_(bias)

    def loss(self, states: Tensor, batch: LabelledBatch) -> Tensor:
        """Negative log-likelihood of the gold span or of no answer, mean over the windows.

        A gold longer than ``max_span`` competes with the whole band and with no answer.
        """
        states = self.dropout(states)
        band = self._band(states, batch, self.max_span)
        longest, steps = band.shape[2], batch.end - batch.start
        too_long = steps >= longest
        long_gold = self._scores(states, batch.start, batch.end).masked_fill(~too_long, -math.inf)
        scores = torch.cat(
            [self._null_score(states), band.flatten(1), long_gold.unsqueeze(1)], dim=1
        )
        gold = (1 + batch.start * longest + steps).masked_fill(too_long, scores.shape[1] - 1)
        return nn.functional.cross_entropy(scores, gold.masked_fill(batch.start == 0, 0))

    def spans(
        self, states: Tensor, batch: WindowBatch, n_best: int, max_answer_tokens: int
    ) -> SpanScores:
        """Exact k-best spans; none is longer than ``max_span``."""
        states = self.dropout(states)
        band = self._band(states, batch, min(self.max_span, max_answer_tokens))
        first = torch.arange(band.shape[1], device=band.device).expand(band.shape[:2])
        return best_of_band(band, first, self._null_score(states).squeeze(1), n_best)

    def _null_score(self, states: Tensor) -> Tensor:
        """(B, 1) scores of no answer, from the [CLS] state."""
        score: Tensor = self.null(states[:, 0])
        return score

    def _band(self, states: Tensor, batch: WindowBatch, longest: int) -> Tensor:
        """(B, L, W) scores of the spans of w + 1 tokens that begin at each position; ``-inf`` where
        a span is not inside the context. W is ``longest``, or L if that is less.
        """
        width = min(longest, states.shape[1])
        outside = ~batch.context_mask.unsqueeze(2)
        start, end = self.borders(states).masked_fill(outside, -math.inf).unbind(2)
        end = nn.functional.pad(end, (0, width - 1), value=-math.inf).unfold(1, width, 1)
        product = band_product(self.first(states), self.last(states), width)
        band: Tensor = start.unsqueeze(2) + end + product * self.scale
        return band

    def _scores(self, states: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """(B,) score of one span of each window, of any length."""
        window = torch.arange(len(states), device=states.device)
        x, y = states[window, start], states[window, end]
        product = (self.first(x) * self.last(y)).sum(1)
        score: Tensor = self.borders(x)[:, 0] + self.borders(y)[:, 1] + product * self.scale
        return score
