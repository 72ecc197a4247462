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
    return relative(emissions, mask, *parameters(crf))


def parameters(crf: CRF) -> tuple[Tensor, Tensor, Tensor]:
    """The start (3,), transition (3, 3) and end scores (3,)."""
    return crf.start_transitions, crf.transitions, crf.end_transitions


def relative(
    emissions: Tensor, mask: Tensor, start: Tensor, transitions: Tensor, end: Tensor
) -> Chain:
    """As :func:`chain`, from separate start (3,), transition (3, 3) and end scores (3,)."""
    # Apple's GPUs have no float64.
    precise = torch.float32 if emissions.device.type == "mps" else torch.float64
    tokens = emissions.to(precise)
    start, transitions, end = (scores.to(precise) for scores in (start, transitions, end))
    return Chain(
        emissions=tokens - tokens[..., O : O + 1],
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
    everything else belongs to the first or to the last token.
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


def derivatives(by_terms: SpanTerms, mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Derivatives by the scores that a chain was made of, from those by its span terms.

    Every term is a sum of scores minus those of all O at the same places, so this only adds up how
    often each score takes part.

    Args:
        by_terms: derivatives by each term, 0 outside the context.
        mask: (B, C) bool, that of the chain.

    Returns:
        (B, C, 3) by the emissions, (3,) by the start, (3, 3) transition and (3,) end scores.
    """
    first, last, alone = by_terms.first, by_terms.last, by_terms.alone
    begin = first + alone
    # Inside are spans that began before this token and did not end before it.
    inside = torch.nn.functional.pad((first - last).cumsum(1)[:, :-1], (1, 0)) * mask
    emissions = torch.stack([-(begin + inside), begin, inside], 2)
    final = mask & ~torch.nn.functional.pad(mask[:, 1:], (0, 1))
    start_b, end_b, end_i = begin[:, 0].sum(), (alone * final).sum(), (last * final).sum()
    b_i = first.sum()
    o_b, i_i, b_o, i_o = (
        begin.sum() - start_b,
        inside.sum() - b_i,
        alone.sum() - end_b,
        last.sum() - end_i,
    )
    o_o, none = -(o_b + b_i + i_i + b_o + i_o), torch.zeros_like(b_i)
    start = torch.stack([-start_b, start_b, none])
    transitions = torch.stack([o_o, o_b, none, b_o, none, b_i, i_o, none, i_i]).view(3, 3)
    return emissions, start, transitions, torch.stack([-(end_b + end_i), end_b, end_i])


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
