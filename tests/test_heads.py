"""Span search and context alignment against full enumeration."""

from __future__ import annotations

import itertools
import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qabench.heads import WindowBatch, align_context, top_spans


def batch(contexts: list[tuple[int, int]], length: int) -> WindowBatch:
    at = torch.arange(length)
    mask = torch.stack([(at >= first) & (at < first + count) for first, count in contexts])
    return WindowBatch(torch.ones_like(mask), mask)


CONTEXTS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 8)), min_size=1, max_size=3)


@given(CONTEXTS, st.integers(1, 12), st.integers(1, 9), st.integers(0, 10**6), st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_k_best_are_those_of_a_full_enumeration(contexts, k, longest, seed, one_token):
    torch.manual_seed(seed)
    length = 13
    start, end, alone = torch.randint(-5, 5, (3, len(contexts), length)).float()
    windows = batch(contexts, length)
    null = torch.randn(len(contexts))
    found = top_spans(start, end, windows, null, k, longest, alone if one_token else None)
    assert found.score.shape == found.start.shape == found.end.shape == (len(contexts), k)
    assert torch.equal(found.null_score, null)
    for row, (first, count) in enumerate(contexts):
        score = {
            (i, j): float(alone[row, i] if one_token and i == j else start[row, i] + end[row, j])
            for i, j in itertools.combinations_with_replacement(range(first, first + count), 2)
            if j - i < longest
        }
        spans = list(zip(found.start[row].tolist(), found.end[row].tolist(), strict=True))
        legal = [span for span, s in zip(spans, found.score[row], strict=True) if s > -math.inf]
        assert len(legal) == min(k, len(score)) == len(set(legal))
        assert [score[span] for span in legal] == sorted(score.values(), reverse=True)[:k]


@given(CONTEXTS)
@settings(max_examples=50, deadline=None)
def test_aligned_contexts_begin_at_zero_under_a_prefix_mask(contexts):
    values = torch.arange(len(contexts) * 13 * 2).reshape(len(contexts), 13, 2)
    aligned, mask, offset = align_context(values, batch(contexts, 13))
    for row, (first, count) in enumerate(contexts):
        assert int(offset[row]) == first
        assert mask[row].tolist() == [True] * count + [False] * (13 - count)
        assert torch.equal(aligned[row, :count], values[row, first : first + count])
