"""What both objectives of the CRF share: tag scores of a chain, and the scores of single spans.

A linear-chain CRF (Lafferty, McCallum & Pereira 2001) gives every O/B/I tagging of the context a
score. Here all scores are relative to the all-O tagging, which then scores 0; that changes no
probability. An answer span is the tagging ``O … O B I … I O … O``, no answer is all O.

Shapes: B windows, C tokens of the longest context, contexts begin at 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchcrf import CRF

O, B, I = 0, 1, 2  # noqa: E741 - the tags' names in the field


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Scores relative to all O, float64 (float32 on devices that have no float64).

    Confident models need the precision: the negative log-likelihood of a tagging is the small
    difference of two sums over the whole context.

    Attributes:
        emissions: (B, C, 3), 0 for O.
        mask: (B, C) bool, a prefix of each row, at least one token.
        start: (3,), 0 for O.
        transitions: (3, 3), from row to column, 0 from O to O.
        end: (3,), 0 for O.
    """

    emissions: Tensor
    mask: Tensor
    start: Tensor
    transitions: Tensor
    end: Tensor


def chain(emissions: Tensor, mask: Tensor, crf: CRF) -> Chain:
    """Scores of tags and transitions, relative to all O.

    Args:
        emissions: (B, C, 3) tag scores of the context tokens, any float dtype.
        mask: (B, C) bool, a prefix of each row.
        crf: holds the start, transition and end scores.
    """
    # Apple's GPUs have no float64.
    precise = torch.float32 if emissions.device.type == "mps" else torch.float64
    scores = emissions.to(precise)
    start, transitions, end = (
        parameter.to(precise)
        for parameter in (crf.start_transitions, crf.transitions, crf.end_transitions)
    )
    return Chain(
        emissions=scores - scores[..., O : O + 1],
        mask=mask,
        start=start - start[O],
        transitions=transitions - transitions[O, O],
        end=end - end[O],
    )


@dataclass(frozen=True, slots=True, eq=False)
class SpanTerms:
    """Scores of single spans, (B, C) each, ``-inf`` outside the context.

    The span of tokens i < j scores ``first[i] + last[j]``, the span of token i ``alone[i]``.
    """

    first: Tensor
    last: Tensor
    alone: Tensor


def span_terms(chain: Chain) -> SpanTerms:
    """Split the score of every single-span tagging into a term of its first and of its last token.

    With U the running sum of ``e_I + T_II``, the tokens between i and j contribute ``U[j] - U[i]``;
    all else belongs to one end.
    """
    emissions, transitions = chain.emissions, chain.transitions
    outside = ~chain.mask
    position = torch.arange(chain.mask.shape[1], device=chain.mask.device)
    is_last = position == chain.mask.sum(1, keepdim=True) - 1
    begin = emissions[..., B] + torch.where(position == 0, chain.start[B], transitions[O, B])
    inside = (emissions[..., I] + transitions[I, I]).masked_fill(outside, 0.0)
    running = inside.cumsum(1)
    leave_b = torch.where(is_last, chain.end[B], transitions[B, O])
    leave_i = torch.where(is_last, chain.end[I], transitions[I, O])
    impossible = float("-inf")
    first = begin + transitions[B, I] - transitions[I, I] - running
    return SpanTerms(
        first=first.masked_fill(outside, impossible),
        last=(running + leave_i).masked_fill(outside, impossible),
        alone=(begin + leave_b).masked_fill(outside, impossible),
    )


def span_score(chain: Chain, start: Tensor, end: Tensor) -> Tensor:
    """Scores (B,) of one tagging per window, added up token by token.

    Args:
        chain: the scores.
        start: (B,) int64, first token of the span; -1 for all O.
        end: (B,) int64, last token of the span; -1 for all O.
    """
    position = torch.arange(chain.mask.shape[1], device=chain.mask.device)
    first = position == start.unsqueeze(1)
    inside = (position > start.unsqueeze(1)) & (position <= end.unsqueeze(1))
    tokens = (chain.emissions[..., B] * first + chain.emissions[..., I] * inside).sum(1)
    length = chain.mask.sum(1)
    many, steps = end > start, end - start
    transitions = chain.transitions
    into = torch.where(start == 0, chain.start[B], transitions[O, B])
    within = many * (transitions[B, I] + (steps - 1) * transitions[I, I])
    tags = torch.where(many, I, B)
    out = torch.where(end == length - 1, chain.end[tags], transitions[tags, O])
    return torch.where(start >= 0, tokens + into + within + out, torch.zeros_like(tokens))
