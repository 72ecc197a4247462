"""Span search and context alignment against full enumeration."""

from __future__ import annotations

import itertools
import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qabench.heads import WindowBatch, align_context, best_of_band, top_spans


def batch(contexts: list[tuple[int, int]], length: int) -> WindowBatch:
    at = torch.arange(length)
    mask = torch.stack([(at >= first) & (at < first + count) for first, count in contexts])
    return WindowBatch(torch.ones_like(mask), mask)


CONTEXTS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 8)), min_size=1, max_size=3)


@given(
    CONTEXTS,
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(0, 10**6),
    st.booleans(),
    st.sampled_from([torch.float32, torch.float64]),
    st.sampled_from([0.0, 0.3, 1.0]),
)
@settings(max_examples=300, deadline=None)
def test_the_k_best_are_those_of_a_full_enumeration(
    contexts, k, longest, seed, one_token, dtype, impossible
):
    torch.manual_seed(seed)
    length = 13
    # Few values, so that there are ties; some positions may be ruled out by the head itself.
    start, end, alone = torch.randint(-5, 5, (3, len(contexts), length)).to(dtype)
    start[torch.rand(start.shape) < impossible] = -math.inf
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
        possible = sorted((one for one in score.values() if one > -math.inf), reverse=True)
        assert len(legal) == min(k, len(possible)) == len(set(legal))
        assert [score[span] for span in legal] == possible[:k]
    assert found.score.dtype == found.null_score.dtype == torch.float32
    assert found.start.dtype == found.end.dtype == torch.int64


def test_spans_that_differ_only_in_float64_are_told_apart():
    start, end = torch.zeros(2, 1, 6, dtype=torch.float64)
    start[0, 4] = 1e-12
    found = top_spans(start, end, batch([(1, 5)], 6), torch.zeros(1), 1, 1)
    assert (int(found.start), int(found.end)) == (4, 4)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 20), st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_the_k_best_of_a_band_are_its_highest_scores(rows, longest, k, seed):
    torch.manual_seed(seed)
    band = torch.randn(2, rows, longest)
    band[torch.rand(band.shape) < 0.3] = -math.inf
    first = torch.stack([torch.randperm(9)[:rows] for _ in band])
    found = best_of_band(band, first, torch.zeros(2), k)
    assert found.score.shape == found.start.shape == found.end.shape == (2, k)
    for window in range(2):
        score = {
            (begin, begin + more): float(band[window, row, more])
            for row, begin in enumerate(first[window].tolist())
            for more in range(longest)
            if band[window, row, more] > -math.inf
        }
        best = sorted(score, key=lambda span: -score[span])[:k]
        spans = list(zip(found.start[window].tolist(), found.end[window].tolist(), strict=True))
        assert spans[: len(best)] == best
        assert found.score[window, : len(best)].tolist() == [score[span] for span in best]
        assert torch.isneginf(found.score[window, len(best) :]).all()


@given(CONTEXTS)
@settings(max_examples=50, deadline=None)
def test_aligned_contexts_begin_at_zero_under_a_prefix_mask(contexts):
    values = torch.arange(len(contexts) * 13 * 2).reshape(len(contexts), 13, 2)
    aligned, mask, offset = align_context(values, batch(contexts, 13))
    for row, (first, count) in enumerate(contexts):
        assert int(offset[row]) == first
        assert mask[row].tolist() == [True] * count + [False] * (13 - count)
        assert torch.equal(aligned[row, :count], values[row, first : first + count])
