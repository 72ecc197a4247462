"""A linear-chain CRF head that ranks single spans exactly.

The CRF (Lafferty et al. 2001; parameters and training loss by pytorch-crf) assigns a score to
every O/B/I tagging of the context. An answer span is the tagging ``O … O B I … I O … O``, no answer
is all O. The score of a span is its tagging's score minus that of the all-O tagging, which is also
the difference of their log-probabilities; the null score is therefore 0, and n-best lists, null
odds and thresholds mean the same as for a start/end head.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchcrf import CRF

from qabench.heads import (
    Head,
    LabelledBatch,
    SpanScores,
    WindowBatch,
    align_context,
    top_spans,
)

O, B, I = 0, 1, 2  # noqa: E741 - the tags' names in the field
FORBIDDEN = -100.0


@dataclass(frozen=True, slots=True, eq=False)
class SpanTerms:
    """Scores of single spans relative to all O, (B, C) float64 each.

    The span of tokens i < j scores ``first[i] + last[j]``, the span of token i ``alone[i]``.
    """

    first: Tensor
    last: Tensor
    alone: Tensor


def span_terms(emissions: Tensor, mask: Tensor, crf: CRF) -> SpanTerms:
    """Split the score of every single-span tagging into a term of its first and of its last token.

    With U the running sum of ``e_I - e_O + T_II - T_OO``, the tokens between i and j contribute
    ``U[j] - U[i]``; all else belongs to one end. float64, since the two running sums cancel.

    Args:
        emissions: (B, C, 3) tag scores of the context tokens.
        mask: (B, C) bool, a prefix of each row.
        crf: gives the start, transition and end scores.
    """
    # Apple's GPUs have no float64.
    precise = torch.float32 if emissions.device.type == "mps" else torch.float64
    scores = emissions.to(precise)
    start, transitions, end = (
        parameter.to(precise)
        for parameter in (crf.start_transitions, crf.transitions, crf.end_transitions)
    )
    stay = transitions[O, O]
    position = torch.arange(mask.shape[1], device=mask.device)
    is_last = position == mask.sum(1, keepdim=True) - 1
    begin = scores[..., B] - scores[..., O]
    begin = begin + torch.where(position == 0, start[B] - start[O], transitions[O, B] - stay)
    inside = scores[..., I] - scores[..., O] + transitions[I, I] - stay
    running = (inside * mask).cumsum(1)
    leave_i = torch.where(is_last, end[I] - end[O], transitions[I, O] - stay)
    leave_b = torch.where(is_last, end[B] - end[O], transitions[B, O] - stay)
    return SpanTerms(
        first=begin + transitions[B, I] - transitions[I, I] - running,
        last=running + leave_i,
        alone=begin + leave_b,
    )


class CRFHead(Head):
    """O/B/I tagger with a CRF over the context tokens only."""

    def __init__(self, hidden_size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(hidden_size, 3)
        self.crf = CRF(3, batch_first=True)
        self._initialise()

    def _initialise(self) -> None:
        """Begin near what the data is: nearly all O, spans of several tokens, no I without B."""
        nn.init.normal_(self.project.weight, std=0.02)
        with torch.no_grad():
            self.project.bias.copy_(torch.tensor([3.0, -3.0, 0.0]))
            self.crf.transitions[O, I] = FORBIDDEN
            self.crf.start_transitions[I] = FORBIDDEN
            self.crf.transitions[B, I] += 1.0
            self.crf.transitions[I, I] += 2.0

    def emissions(self, states: Tensor, batch: WindowBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Tag scores (B, C, 3) of the context, its prefix mask (B, C), and its offset (B,).

        Scores are relative to tag O. That changes no probability, and keeps the partition
        function of a confident model from drowning in float32 rounding.
        """
        scores = self.project(self.dropout(states)).float()
        return align_context(scores - scores[..., O : O + 1], batch)

    def loss(self, states: Tensor, batch: LabelledBatch) -> Tensor:
        """Negative log-likelihood of the gold tagging, mean over the windows."""
        emissions, mask, offset = self.emissions(states, batch)
        position = torch.arange(mask.shape[1], device=mask.device) + offset.unsqueeze(1)
        start, end = batch.start.unsqueeze(1), batch.end.unsqueeze(1)
        has_answer = start > 0
        tags = torch.where(has_answer & (position > start) & (position <= end), I, O)
        tags = torch.where(has_answer & (position == start), B, tags)
        likelihood: Tensor = self.crf(emissions, tags, mask=mask, reduction="mean")
        return -likelihood

    def spans(
        self, states: Tensor, batch: WindowBatch, n_best: int, max_answer_tokens: int
    ) -> SpanScores:
        """Exact k-best single spans by their log-odds against the all-O tagging."""
        emissions, mask, offset = self.emissions(states, batch)
        terms = span_terms(emissions, mask, self.crf)
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
