"""The CRF whose only legal taggings are all O and those of one span.

Its partition function has a closed form over :class:`~spanbert_crf.chain.SpanTerms`, so that the
loss and its gradients are exact and cost O(C) work without a loop over tokens:

    Z = 1 + sum_i exp(alone_i) + sum_j exp(last_j) sum_{i < j} exp(first_i)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torchcrf import CRF

from spanbert_crf.chain import (
    Chain,
    SpanTerms,
    derivatives,
    parameters,
    relative,
    span_terms,
)


def negative_log_likelihood(
    emissions: Tensor, mask: Tensor, crf: CRF, start: Tensor, end: Tensor
) -> Tensor:
    """(B,) minus the log-probability of one tagging per window, in float64.

    Args:
        emissions: (B, C, 3) tag scores of the context tokens, any float dtype.
        mask: (B, C) bool, a prefix of each row.
        crf: holds the start, transition and end scores.
        start: (B,) int64, first token of the span; -1 for all O.
        end: (B,) int64, last token of the span; -1 for all O.
    """
    value: Tensor = _NegativeLogLikelihood.apply(  # type: ignore[no-untyped-call]
        emissions, *parameters(crf), mask, start, end
    )
    return value


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """The most probable tagging of each window.

    Attributes:
        score: (B,) relative to all O; 0 where all O is the best.
        start: (B,) int64, first token of the span; -1 for all O.
        end: (B,) int64, last token; -1 for all O.
    """

    score: Tensor
    start: Tensor
    end: Tensor


def best(chain: Chain) -> Best:
    """The most probable legal tagging, spans of any length, as Viterbi would find it."""
    with torch.no_grad():
        terms = span_terms(chain)
        first, place = terms.first.cummax(1)
        long, end = (terms.last + _shifted(first)).max(1)
        short, alone = terms.alone.max(1)
        start = place.gather(1, (end - 1).clamp_min(0).unsqueeze(1)).squeeze(1)
        single = short >= long
        score = torch.where(single, short, long)
        null = score <= 0
        return Best(
            score=score.clamp_min(0),
            start=torch.where(single, alone, start).masked_fill(null, -1),
            end=torch.where(single, alone, end).masked_fill(null, -1),
        )


def _before(terms: SpanTerms) -> Tensor:
    """(B, C) logarithm of the summed ``exp(first)`` of the tokens before each."""
    return _shifted(terms.first.logcumsumexp(1))


def _shifted(values: Tensor) -> Tensor:
    return torch.nn.functional.pad(values[:, :-1], (1, 0), value=float("-inf"))


def _log_partition(terms: SpanTerms, before: Tensor) -> Tensor:
    long = terms.last + before
    null = torch.zeros_like(long[:, :1])
    return torch.cat([null, terms.alone, long], 1).logsumexp(1)


def _weights(terms: SpanTerms, before: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, C) each: probabilities of a span of several tokens to begin here, to end here, and of the
    span of this one token. They are the derivatives of the log-partition by the three terms.
    """
    behind = _shifted(terms.last.flip(1).logcumsumexp(1)).flip(1)
    level = value.unsqueeze(1)
    first = (terms.first + behind - level).exp()
    last = (terms.last + before - level).exp()
    return first, last, (terms.alone - level).exp()


class _NegativeLogLikelihood(torch.autograd.Function):
    """The derivative by each score is its expected count less its count in the gold tagging."""

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        start: Tensor,
        transitions: Tensor,
        end: Tensor,
        mask: Tensor,
        gold_start: Tensor,
        gold_end: Tensor,
    ) -> Tensor:
        terms = span_terms(relative(emissions, mask, start, transitions, end))
        before = _before(terms)
        value = _log_partition(terms, before)
        at_start = gold_start.clamp_min(0).unsqueeze(1)
        at_end = gold_end.clamp_min(0).unsqueeze(1)
        alone = ((gold_start == gold_end) & (gold_start >= 0)).unsqueeze(1)
        many = (gold_end > gold_start).unsqueeze(1)
        if any(ctx.needs_input_grad):
            first, last, single = _weights(terms, before, value)
            first.scatter_add_(1, at_start, -many.to(first.dtype))
            last.scatter_add_(1, at_end, -many.to(first.dtype))
            single.scatter_add_(1, at_start, -alone.to(first.dtype))
            ctx.save_for_backward(first, last, single, mask)
            ctx.dtypes = emissions.dtype, start.dtype
        gold = terms.first.gather(1, at_start) + terms.last.gather(1, at_end)
        gold = torch.where(many, gold, torch.zeros_like(gold))
        gold = torch.where(alone, terms.alone.gather(1, at_start), gold)
        return value - gold.squeeze(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        *excess, mask = ctx.saved_tensors
        weight = gradient.unsqueeze(1)
        by_terms = SpanTerms(*(counts * weight for counts in excess))
        emissions, *scores = derivatives(by_terms, mask)
        tokens, parameters = ctx.dtypes
        return emissions.to(tokens), *(one.to(parameters) for one in scores), None, None, None
