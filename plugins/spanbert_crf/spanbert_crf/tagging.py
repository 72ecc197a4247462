"""The partition function of the CRF over all O/B/I taggings, in O(C) work, no loop over tokens.

Every token is a 3 x 3 matrix, ``exp(transition + emission)``, and the partition function is the
product of all matrices between the start and the end vector. Matrices are multiplied pairwise up a
tree (Särkkä & García-Fernández 2021); then the vectors of everything left and right of each matrix
come down the same tree and give the expected counts, which are the derivatives.

Weights are not logarithms: float64 holds differences of 700 nats between the tags of a token, and
each level of the tree is scaled by its largest entry.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torchcrf import CRF

from spanbert_crf.chain import Chain, chain, span_score


def negative_log_likelihood(
    emissions: Tensor, mask: Tensor, crf: CRF, start: Tensor, end: Tensor
) -> Tensor:
    """(B,) minus the log-probability of one single-span tagging per window, in float64.

    The arguments are those of :func:`spanbert_crf.single_span.negative_log_likelihood`.
    """
    scores = chain(emissions, mask, crf)
    return log_partition(scores) - span_score(scores, start, end)


def log_partition(chain: Chain) -> Tensor:
    """(B,) logarithm of the summed weights of all taggings, all O having weight 1."""
    value: Tensor = _LogPartition.apply(  # type: ignore[no-untyped-call]
        chain.emissions, chain.mask, chain.start, chain.transitions, chain.end
    )
    return value


class _LogPartition(torch.autograd.Function):
    """The log-partition; its derivatives are the expected counts of tags and transitions."""

    @staticmethod
    def forward(
        ctx: Any, emissions: Tensor, mask: Tensor, start: Tensor, transitions: Tensor, end: Tensor
    ) -> Tensor:
        matrices, left, log_scale = _leaves(emissions, mask, start, transitions)
        right = (end - end.amax()).exp()[:, None].expand_as(left)
        levels, product, growth = _multiply(matrices)
        whole = left[:, None] * product * right
        total = whole.sum((0, 1))
        if any(ctx.needs_input_grad):
            lefts, rights = _spread(levels, left, right)
            count = matrices.shape[2]
            pairs = lefts[:, None, :count] * matrices * rights[:, :count]
            pairs = pairs / pairs.sum((0, 1))
            ctx.save_for_backward(pairs, (whole / total).sum(0), mask)
        return total.log() + log_scale + growth + end.amax()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        pairs, last, mask = ctx.saved_tensors
        pairs = pairs * gradient
        first = pairs[:, :, 0].sum(1)
        # After a context the matrices are the identity: no transition, no tag.
        counted = pairs[:, :, :-1] * mask[:, 1:].T
        tags = torch.cat([first.unsqueeze(1), counted.sum(0)], 1)
        return (
            tags.permute(2, 1, 0),
            None,
            first.sum(1),
            counted.sum((2, 3)),
            (last * gradient).sum(1),
        )


def _leaves(
    emissions: Tensor, mask: Tensor, start: Tensor, transitions: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The matrices (3, 3, C, B) of tokens 1 to C, the identity where there is none; the vector
    (3, B) of token 0; and the logarithm (B,) of the scale by which both were divided.
    """
    tokens = emissions.permute(2, 1, 0)
    highest = tokens.amax(0)
    weights = (tokens - highest).exp()
    most = transitions.amax()
    matrices = (transitions - most).exp()[:, :, None, None] * weights[:, 1:]
    identity = torch.eye(3, dtype=emissions.dtype, device=emissions.device)[:, :, None, None]
    matrices = torch.where(mask[:, 1:].T, matrices, identity)
    # One more, so that even a context of one token has a matrix.
    matrices = torch.cat([matrices, identity.expand(3, 3, 1, len(mask))], 2)
    left = (start - start.amax()).exp()[:, None] * weights[:, 0]
    scale = (highest * mask.T).sum(0) + most * (mask.sum(1) - 1) + start.amax()
    return matrices, left, scale


Level = tuple[Tensor, Tensor]


def _multiply(matrices: Tensor) -> tuple[list[Level], Tensor, Tensor]:
    """Multiply (3, 3, n, B) along n.

    Returns:
        the left and right factors of each level, leaves first, (3, 3, ceil(n / 2), B) each; the
        product (3, 3, B), scaled; and the logarithm (B,) of its scale.
    """
    levels = []
    growth = torch.zeros_like(matrices[0, 0, 0])
    identity = torch.eye(3, dtype=matrices.dtype, device=matrices.device)[:, :, None, None]
    while matrices.shape[2] > 1:
        if matrices.shape[2] % 2:
            one = identity.expand(3, 3, 1, matrices.shape[3])
            matrices = torch.cat([matrices, one], 2)
        a, b = matrices[:, :, 0::2], matrices[:, :, 1::2]
        levels.append((a, b))
        matrices = a[:, 0, None] * b[0]
        for k in (1, 2):
            matrices.addcmul_(a[:, k, None], b[k])
        scale = matrices.amax((0, 1))
        matrices /= scale
        growth = growth + scale.log().sum(0)
    return levels, matrices[:, :, 0], growth


def _spread(levels: list[Level], left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """For every leaf, (3, n, B) each: the product of everything to its left, and of everything to
    its right, each up to a factor.
    """
    lefts, rights = left.unsqueeze(1), right.unsqueeze(1)
    for a, b in reversed(levels):
        lefts, rights = lefts[:, : a.shape[2]], rights[:, : a.shape[2]]
        after_a = (lefts[:, None] * a).sum(0)
        before_b = (b * rights).sum(1)
        lefts = torch.stack([lefts, after_a / after_a.amax(0)], 2).flatten(1, 2)
        rights = torch.stack([before_b / before_b.amax(0), rights], 2).flatten(1, 2)
    return lefts, rights
