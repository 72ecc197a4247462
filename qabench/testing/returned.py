"""What a head returned, against the contract: for the kit, and before a training begins."""

from __future__ import annotations

import torch
from torch import Tensor

from qabench.heads import SpanScores


def loss_problem(loss: object) -> str | None:
    """What is wrong with a loss, as the end of a sentence about it."""
    if not isinstance(loss, Tensor):
        return f"is a {type(loss).__name__}, not a tensor"
    if loss.shape:
        return f"has shape {tuple(loss.shape)}, not ()"
    if not loss.is_floating_point():
        return f"is {loss.dtype}, not a float"
    return None if torch.isfinite(loss) else f"is {float(loss.detach())}"


def form_problem(spans: object, rows: int, n_best: int) -> str | None:
    """What is wrong with types, shapes and numbers of the spans of so many windows."""
    if not isinstance(spans, SpanScores):
        return f"spans returned a {type(spans).__name__}, not SpanScores"
    expected = {
        "start": ((rows, n_best), torch.int64),
        "end": ((rows, n_best), torch.int64),
        "score": ((rows, n_best), torch.float32),
        "null_score": ((rows,), torch.float32),
    }
    for name, form in expected.items():
        value = getattr(spans, name)
        if not isinstance(value, Tensor):
            return f"{name} is a {type(value).__name__}, not a tensor"
        if (tuple(value.shape), value.dtype) != form:
            return f"{name} with n_best={n_best} is {tuple(value.shape)} {value.dtype}, not {form}"
    if not torch.isfinite(spans.null_score).all():
        return "null_score has entries that are NaN or infinite"
    if (spans.score.isnan() | spans.score.isposinf()).any():
        return "score has entries that are NaN or inf"
    return None


def legality_problem(spans: SpanScores, context_mask: Tensor, longest: int) -> str | None:
    """What is wrong with the first scored span that is not a legal answer.

    Args:
        spans: of the right form.
        context_mask: (B, L) bool, as the head got it.
        longest: legal span, in tokens.
    """
    first = context_mask.int().argmax(1, keepdim=True)
    last = first + context_mask.sum(1, keepdim=True) - 1
    start, end, scored = spans.start, spans.end, spans.score > float("-inf")
    outside = scored & ~((first <= start) & (start <= end) & (end <= last))
    for row, column in outside.nonzero()[:1].tolist():
        return (
            f"span {int(start[row, column])}..{int(end[row, column])} is not in the context "
            f"{int(first[row])}..{int(last[row])}"
        )
    for row, column in (scored & (end - start >= longest)).nonzero()[:1].tolist():
        return (
            f"span {int(start[row, column])}..{int(end[row, column])} is longer than {longest} "
            f"tokens"
        )
    return None
