"""A linear-chain CRF head that ranks single spans exactly.

The score of a span is its tagging's score minus that of the all-O tagging, which is also the
difference of their log-probabilities, whatever else the CRF admits; the null score is therefore 0,
and n-best lists, null odds and thresholds mean the same as for a start/end head.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torchcrf import CRF

from qabench.heads import Head, LabelledBatch, SpanScores, WindowBatch, align_context, top_spans
from spanbert_crf import single_span, tagging
from spanbert_crf.chain import B, I, O, chain, span_terms

Objective = Literal["span", "bio"]
FORBIDDEN = -100.0
_LOSS = {
    "span": single_span.negative_log_likelihood,
    "bio": tagging.negative_log_likelihood,
}


class CRFHead(Head):
    """O/B/I tagger with a CRF over the context tokens only."""

    def __init__(
        self, hidden_size: int, objective: Objective = "span", dropout: float = 0.0
    ) -> None:
        """``objective``: what a gold tagging competes with in training: every O/B/I tagging
        (``bio``), or only those of one span or none (``span``).
        """
        super().__init__()
        self.negative_log_likelihood = _LOSS[objective]
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(hidden_size, 3)
        self.crf = CRF(3, batch_first=True)
        nn.init.normal_(self.project.weight, std=0.02)
        _INITIALISE[objective](self)

    def start_even(self) -> None:
        """Start with all spans and no answer equally likely, as a start/end head does."""
        nn.init.zeros_(self.project.bias)
        for parameter in self.crf.parameters():
            nn.init.zeros_(parameter)

    def start_outside(self) -> None:
        """Start close to the data: nearly all O, spans of several tokens, no I without B."""
        with torch.no_grad():
            self.project.bias.copy_(torch.tensor([3.0, -3.0, 0.0]))
            self.crf.transitions[O, I] = FORBIDDEN
            self.crf.start_transitions[I] = FORBIDDEN
            self.crf.transitions[B, I] += 1.0
            self.crf.transitions[I, I] += 2.0

    def emissions(self, states: Tensor, batch: WindowBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Tag scores (B, C, 3) of the context, its prefix mask (B, C), and its offset (B,)."""
        return align_context(self.project(self.dropout(states)), batch)

    def loss(self, states: Tensor, batch: LabelledBatch) -> Tensor:
        """Negative log-likelihood of the gold tagging, mean over the windows."""
        emissions, mask, offset = self.emissions(states, batch)
        missing = batch.start == 0
        start = (batch.start - offset).masked_fill(missing, -1)
        end = (batch.end - offset).masked_fill(missing, -1)
        return self.negative_log_likelihood(emissions, mask, self.crf, start, end).mean()

    def spans(
        self, states: Tensor, batch: WindowBatch, n_best: int, max_answer_tokens: int
    ) -> SpanScores:
        """Exact k-best single spans by their log-odds against the all-O tagging."""
        emissions, mask, offset = self.emissions(states, batch)
        terms = span_terms(chain(emissions, mask, self.crf))
        found = top_spans(
            terms.first,
            terms.last,
            WindowBatch(attention_mask=mask, context_mask=mask),
            torch.zeros(len(mask), device=mask.device),
            n_best,
            max_answer_tokens,
            one_token=terms.alone,
        )
        shift = offset.unsqueeze(1)
        return SpanScores(found.start + shift, found.end + shift, found.score, found.null_score)


_INITIALISE = {"span": CRFHead.start_even, "bio": CRFHead.start_outside}
