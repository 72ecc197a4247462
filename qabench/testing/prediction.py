"""Checks of the spans that a head returns."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from qabench.heads import Head, SpanScores
from qabench.testing.check import check
from qabench.testing.learning import practised
from qabench.testing.planted import (
    ANY_LENGTH,
    ORDINARY,
    Planted,
    Window,
    evaluated_loss,
    planted,
    predict,
    same,
    scored_spans,
)
from qabench.testing.returned import form_problem, legality_problem
from qabench.testing.subject import HeadFactory

# (n_best, max_answer_tokens)
LIMITS = ((1, 1), (4, 2), (20, 3), (20, ANY_LENGTH))
EXTREME = {
    "a context of one token": Window(context=1, gold=(0, 0)),
    "a context of one token at the window's end": Window(context=1, gold=(0, 0), after=0),
    "a context that fills the window": Window(context=10, gold=(0, 9), before=1, after=0),
    "a context right after the question": Window(context=6, gold=(0, 1), before=3),
    "one token and no answer": Window(context=1, gold=None),
}
USE_TOP_SPANS = "search with qabench.heads.top_spans"


def _limited(factory: HeadFactory) -> list[tuple[str, int, SpanScores]]:
    """The limits in words, the longest answer in tokens, and the spans under these limits."""
    head, batch = practised(factory), planted(ORDINARY)
    return [
        (
            f"with n_best={k} and max_answer_tokens={longest}",
            longest,
            predict(head, batch, k, longest),
        )
        for k, longest in LIMITS
    ]


@check(
    matters="qabench stores spans as columns and compares null_score - score as float32; NaN "
    "cannot be ranked",
    fix="return SpanScores with (B, n_best) int64 start and end and float32 score, -inf where "
    f"there is no further span, and (B,) float32 null_score, or {USE_TOP_SPANS}",
)
def spans_have_their_shapes(factory: HeadFactory) -> str | None:
    """Shapes and dtypes of the spans, whatever n_best; scores are numbers."""
    head, batch = practised(factory), planted(ORDINARY)
    problems = (
        form_problem(predict(head, batch, k, longest), len(ORDINARY), k) for k, longest in LIMITS
    )
    return next(filter(None, problems), None)


@check(
    matters="an answer outside the context has no text, and one that is too long is an unfair "
    "advantage",
    fix=f"mask by context_mask and max_answer_tokens, or {USE_TOP_SPANS}",
)
def spans_are_legal(factory: HeadFactory) -> str | None:
    """Scored spans are in the context, start <= end, and have at most max_answer_tokens tokens."""
    batch = planted(ORDINARY)
    for limits, longest, spans in _limited(factory):
        problem = legality_problem(spans, batch.batch.context_mask, longest)
        if problem:
            return f"{problem} {limits}"
    return None


@check(
    matters="a span that is listed twice takes another's place and doubles its probability",
    fix=f"give every span one score, or {USE_TOP_SPANS}",
)
def spans_are_distinct(factory: HeadFactory) -> str | None:
    """No window has a scored span twice."""
    for limits, _, spans in _limited(factory):
        scored = (spans.score > -math.inf).sum(1).tolist()
        for row, count in enumerate(scored):
            if len(scored_spans(spans, row)) < count:
                return f"window {row} has a span twice {limits}"
    return None


@check(
    matters="the first span of a window is taken as its answer",
    fix=f"sort each window by falling score, or {USE_TOP_SPANS}",
)
def spans_are_sorted(factory: HeadFactory) -> str | None:
    """The best span is first, and scores fall."""
    for limits, _, spans in _limited(factory):
        rising = (spans.score[:, 1:] > spans.score[:, :-1]).nonzero()
        if len(rising):
            row, column = rising[0].tolist()
            return f"window {row} has a higher score at place {column + 1} than before {limits}"
    return None


@check(
    matters="answers would depend on which windows happen to be in one batch",
    fix="ignore what attention_mask masks wherever tokens are compared or pooled, and never mix "
    "windows",
)
def padding_changes_nothing(factory: HeadFactory) -> str | None:
    """A window has the same spans and null score on its own as in a padded batch."""
    head, batch = practised(factory), planted(ORDINARY, padding=3)
    together = predict(head, batch)
    for row in range(len(ORDINARY)):
        single = predict(head, batch.alone(row))
        a, b = scored_spans(together, row), scored_spans(single, 0)
        if a.keys() != b.keys():
            return f"window {row} has {len(a)} spans in a batch, but others ({len(b)}) on its own"
        far = [span for span in a if not _close(a[span], b[span])]
        if far:
            return f"span {far[0]} scores {a[far[0]]:.6g} in a batch, {b[far[0]]:.6g} on its own"
        null_scores = float(together.null_score[row]), float(single.null_score[0])
        if not _close(*null_scores):
            return "the null score is {:.6g} in a batch, {:.6g} on its own".format(*null_scores)
    return None


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-4)


@check(
    matters="a report could not be reproduced, and two runs of one seed would differ",
    fix="draw nothing in eval mode: nn.Dropout, or functional dropout with training=self.training",
)
def evaluation_is_deterministic(factory: HeadFactory) -> str | None:
    """In eval mode the same windows give the same loss and spans, bit for bit."""
    head, batch = practised(factory), planted(ORDINARY)
    if not torch.equal(*(evaluated_loss(head, batch, seed) for seed in (1, 2))):
        return "loss differs from one call to the next"
    if not same(*(predict(head, batch, seed=seed) for seed in (1, 2))):
        return "spans differ from one call to the next"
    return None


@check(
    matters="a head that knows the gold answers when it predicts is not measured at all",
    fix="store nothing of a LabelledBatch, and take nothing but the arguments of spans",
)
def golds_do_not_leak(factory: HeadFactory) -> str | None:
    """Spans depend on no golds: not on those of a loss in eval mode, nor on those of the caller."""
    head, batch = practised(factory), planted(ORDINARY)
    before = predict(head, batch)
    start = torch.tensor([window.before for window in ORDINARY])
    for golds in ((batch.batch.start, batch.batch.end), (start, start), (0 * start, 0 * start)):
        told = batch.with_golds(*golds)
        if not same(before, _predict_beside(*golds, told.tensors(), head, told)):
            return "spans changed with golds that they were not given, but whoever called them has"
        evaluated_loss(head, told)
        if not same(before, predict(head, batch)):
            return "spans changed after loss had seen other golds for these windows in eval mode"
    return None


def _predict_beside(
    start: Tensor, end: Tensor, inputs: Mapping[str, Tensor], head: Head, told: Planted
) -> SpanScores:
    """The spans, asked for where golds lie in variables, as in a training loop."""
    return predict(head, told)


@check(
    matters="loss and spans get the same tensors, so the second reads what the first writes",
    fix="use no operation in place (masked_fill_, +=, indexing on the left) on states and masks",
)
def inputs_stay_untouched(factory: HeadFactory) -> str | None:
    """Neither loss nor spans changes its states, masks or golds."""
    head, batch = practised(factory), planted(ORDINARY, padding=2)
    with torch.no_grad():
        for method in ("loss", "spans"):
            own = batch.copy()
            limits = () if method == "loss" else (20, ANY_LENGTH)
            getattr(head, method)(own.states, own.batch, *limits)
            changed = [
                name
                for name, tensor in batch.tensors().items()
                if not torch.equal(tensor, own.tensors()[name])
            ]
            if changed:
                return f"{method} writes to {', '.join(changed)}"
    return None


@check(
    matters="real data has windows of every shape: the last one of a context may hold one token",
    fix="do not rely on two context tokens, a [SEP] or padding; mask positions, not windows",
)
def extreme_contexts_are_answered(factory: HeadFactory) -> str | None:
    """Contexts of one token, or as long as the window, have a finite loss and a legal best span."""
    head = practised(factory)
    batch = planted(list(EXTREME.values()))
    for row, name in enumerate(EXTREME):
        alone = batch.alone(row)
        problem = _unanswered(head, alone)
        if problem:
            return f"{name}: {problem}"
    problem = _unanswered(head, batch)
    return f"all of these contexts in one batch: {problem}" if problem else None


def _unanswered(head: Head, batch: Planted) -> str | None:
    loss, spans = evaluated_loss(head, batch), predict(head, batch, n_best=1)
    if not torch.isfinite(loss).all():
        return f"the loss is {float(loss.sum())}"
    if not all(scored_spans(spans, row) for row in range(len(spans.start))):
        return "no span has a finite score"
    return legality_problem(spans, batch.batch.context_mask, ANY_LENGTH)
