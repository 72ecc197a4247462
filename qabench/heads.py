"""What a plugin author imports: the head interface, its batches, and span search.

A head answers one question: given the encoder states of a window, which spans are best, and how
much better than "no answer here"? A window is ``[CLS] question [SEP] context [SEP]``; position 0
means "no answer in this window", as in run_squad and run_qa.

Shapes: B windows, L positions of the longest window in the batch, H hidden size, K spans.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = [
    "Head",
    "LabelledBatch",
    "SpanScores",
    "WindowBatch",
    "align_context",
    "best_of_band",
    "top_spans",
]


@dataclass(frozen=True, slots=True, eq=False)
class WindowBatch:
    """What a head knows of a batch of windows when it predicts: nothing of the gold answers.

    Attributes:
        attention_mask: (B, L) bool; true at every position that is not padding.
        context_mask: (B, L) bool; true at the tokens that may be in an answer. They are
            contiguous, and every window has at least one.
    """

    attention_mask: Tensor
    context_mask: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class LabelledBatch(WindowBatch):
    """A batch to learn from.

    Attributes:
        start: (B,) int64; position of the answer's first token, 0 for no answer in this window.
        end: (B,) int64; position of the answer's last token, 0 for no answer in this window.
    """

    start: Tensor
    end: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class SpanScores:
    """The best spans of each window and its null score, in one unit per head.

    ``null_score - score`` is the head's evidence that there is no answer rather than that span, so
    that the null threshold means the same for every head.

    Attributes:
        start: (B, K) int64; first position of each span, best span first.
        end: (B, K) int64; last position, ``start <= end``.
        score: (B, K) float32, falling; ``-inf`` where a window has fewer than K legal spans.
        null_score: (B,) float32.
    """

    start: Tensor
    end: Tensor
    score: Tensor
    null_score: Tensor


class Head(nn.Module, ABC):
    """Base class of every head.

    A head is called outside autocast and with float32 states, so it need not care about mixed
    precision.
    """

    @abstractmethod
    def loss(self, states: Tensor, batch: LabelledBatch) -> Tensor:
        """The training loss.

        Args:
            states: (B, L, H) float32, the encoder's last hidden states.
            batch: masks and gold positions.

        Returns:
            A scalar, the mean over the windows.
        """

    @abstractmethod
    def spans(
        self, states: Tensor, batch: WindowBatch, n_best: int, max_answer_tokens: int
    ) -> SpanScores:
        """The best legal spans of every window.

        A legal span is in the context, has start <= end, and is listed once.

        Args:
            states: as in :meth:`loss`.
            batch: masks, without gold positions.
            n_best: K, how many spans to return for each window.
            max_answer_tokens: longest legal span, in tokens.
        """


def top_spans(
    start: Tensor,
    end: Tensor,
    batch: WindowBatch,
    null_score: Tensor,
    n_best: int,
    max_answer_tokens: int,
    one_token: Tensor | None = None,
) -> SpanScores:
    """Exact k-best search over spans that score ``start[i] + end[j]``.

    K best spans begin at the K starts whose best spans score highest: each of these has a span at
    least as good as any span that begins elsewhere. So only K rows of the band
    ``0 <= j - i < max_answer_tokens`` are computed, on the tensors' device and without waiting for
    it. The order of spans with equal scores is not defined.

    Args:
        start: (B, L) float, score of a span's first position.
        end: (B, L) float, score of a span's last position.
        batch: its ``context_mask`` says which positions are legal.
        null_score: (B,) float.
        n_best: K.
        max_answer_tokens: longest span, in tokens.
        one_token: (B, L) float, the score of the span of one token at each position, if that is
            not ``start[i] + end[i]``.
    """
    longest = min(max_answer_tokens, start.shape[1])
    outside, impossible = ~batch.context_mask, float("-inf")
    starts = start.masked_fill(outside, impossible)
    ends = end.masked_fill(outside, impossible)
    alone = starts + ends if one_token is None else one_token.masked_fill(outside, impossible)
    ends = nn.functional.pad(ends, (0, longest - 1), value=impossible)
    best_from = alone
    if longest > 1:
        best_end = nn.functional.max_pool1d(ends[:, 1:], longest - 1, stride=1)
        best_from = torch.maximum(alone, starts + best_end)
    first = best_from.topk(min(n_best, start.shape[1]), dim=1).indices
    window = torch.arange(len(first), device=first.device).unsqueeze(1)
    band = starts[window, first].unsqueeze(2) + ends.unfold(1, longest, 1)[window, first]
    band[..., 0] = alone.gather(1, first)
    return best_of_band(band, first, null_score, n_best)


def best_of_band(band: Tensor, first: Tensor, null_score: Tensor, n_best: int) -> SpanScores:
    """The k best spans of a band of scores, for heads that score each span on its own.

    Args:
        band: (B, R, W) float; at (b, r, w) the score of the span of w + 1 tokens that begins at
            ``first[b, r]``, ``-inf`` where it is not legal.
        first: (B, R) int64, no position twice in one window.
        null_score: (B,) float.
        n_best: K.
    """
    longest = band.shape[2]
    score, index = band.flatten(1).topk(min(n_best, first.shape[1] * longest), dim=1)
    found_first = first.gather(1, index.div(longest, rounding_mode="floor"))
    missing = (0, n_best - score.shape[1])
    return SpanScores(
        start=nn.functional.pad(found_first, missing),
        end=nn.functional.pad(found_first + index % longest, missing),
        score=nn.functional.pad(score, missing, value=float("-inf")).float(),
        null_score=null_score.float(),
    )


def align_context(values: Tensor, batch: WindowBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Move each window's context to position 0, as linear-chain models need.

    Args:
        values: (B, L, F) any dtype.
        batch: its ``context_mask`` says where the context is.

    Returns:
        ``aligned`` (B, C, F), ``mask`` (B, C) bool, a prefix of each row, and ``offset`` (B,)
        int64, the window position of each row's first context token. C = L, so that no shape
        depends on the data and the device need not be waited for.
    """
    mask = batch.context_mask
    length = mask.sum(1, keepdim=True)
    offset = mask.int().argmax(1)
    positions = torch.arange(mask.shape[1], device=mask.device).unsqueeze(0)
    source = (positions + offset.unsqueeze(1)).clamp_max(mask.shape[1] - 1)
    aligned = values.gather(1, source.unsqueeze(2).expand_as(values))
    return aligned, positions < length, offset
