"""The CRF whose only legal taggings are all O and those of one span.

Its partition function has a closed form over :class:`~spanbert_crf.chain.SpanTerms`, so that null
probability, marginals and the k best spans are exact and cost O(C) work without a loop over tokens:

    Z = 1 + sum_i exp(alone_i) + sum_j exp(last_j) sum_{i < j} exp(first_i)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from spanbert_crf.chain import Chain, SpanTerms, span_terms


@dataclass(frozen=True, slots=True, eq=False)
class Marginals:
    """Probabilities under the single-span CRF.

    Attributes:
        null: (B,) of no answer.
        start: (B, C) of each token to be the span's first.
        end: (B, C) of each token to be the span's last.
    """

    null: Tensor
    start: Tensor
    end: Tensor


def log_partition(chain: Chain) -> Tensor:
    """(B,) logarithm of the summed weights of all legal taggings, all O having weight 1.

    It is also minus the log-probability of no answer.
    """
    terms = span_terms(chain)
    value: Tensor = _LogPartition.apply(  # type: ignore[no-untyped-call]
        terms.first, terms.last, terms.alone
    )
    return value


def marginals(chain: Chain) -> Marginals:
    """Exact probabilities of no answer, of every first and of every last token."""
    with torch.no_grad():
        terms = span_terms(chain)
        value = _log_partition(terms)
        first, last, alone = _weights(terms, value)
        return Marginals(null=(-value).exp(), start=first + alone, end=last + alone)


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


def _log_partition(terms: SpanTerms) -> Tensor:
    long = terms.last + _before(terms)
    null = torch.zeros_like(long[:, :1])
    return torch.cat([null, terms.alone, long], 1).logsumexp(1)


def _weights(terms: SpanTerms, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, C) each: probabilities of a span of several tokens to begin here, to end here, and of the
    span of this one token. They are the derivatives of the log-partition by the three terms.
    """
    behind = _shifted(terms.last.flip(1).logcumsumexp(1)).flip(1)
    level = value.unsqueeze(1)
    first = (terms.first + behind - level).exp()
    last = (terms.last + _before(terms) - level).exp()
    return first, last, (terms.alone - level).exp()


class _LogPartition(torch.autograd.Function):
    """The log-partition with its derivatives in closed form, from :func:`_weights`."""

    @staticmethod
    def forward(ctx: Any, first: Tensor, last: Tensor, alone: Tensor) -> Tensor:
        terms = SpanTerms(first, last, alone)
        value = _log_partition(terms)
        if any(ctx.needs_input_grad):
            ctx.save_for_backward(*_weights(terms, value))
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        return tuple(gradient.unsqueeze(1) * weights for weights in ctx.saved_tensors)
