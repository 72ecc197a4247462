"""Merging window spans into answers, against the slow obvious way."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support import reference_answers

from qabench.benchmarks.settings import AnswerSettings, BackboneSettings, WindowSettings
from qabench.data.examples import QAExample
from qabench.heads import WindowBatch, top_spans
from qabench.training.backbone import load_tokenizer
from qabench.windows.answers import Answers, WindowSpans, are_possible, merge_windows
from qabench.windows.cutting import make_windows

RULES = AnswerSettings(n_best=3, max_answer_tokens=5, null_threshold=0.0)


@pytest.fixture(scope="module")
def world(encoder_folder):
    tokenizer = load_tokenizer(BackboneSettings(str(encoder_folder)))
    contexts = ["Anna lives in Paris . " * 6, "Rome .", "\x07"]
    examples = [QAExample(f"q{i}", "Where ?", text, ()) for i, text in enumerate(contexts)]
    limits = WindowSettings(max_length=20, overlap=4, max_question_tokens=4)
    return examples, make_windows(examples, tokenizer.encoder, tokenizer.template, limits)


def spans_of(windows, draw_score, k=4) -> WindowSpans:
    """The best k of every window's spans under made-up scores."""
    rows = []
    for window in range(len(windows)):
        first = int(windows.context_position()[window])
        last = first + int(windows.length[window]) - 1
        legal = [(i, j) for i in range(first, last + 1) for j in range(i, min(last, i + 4) + 1)]
        scored = sorted(((draw_score(window, span), span) for span in legal), reverse=True)[:k]
        scored += [(-math.inf, (0, 0))] * (k - len(scored))
        rows.append(scored)
    return WindowSpans(
        window=np.arange(len(windows)),
        start=np.array([[span[0] for _, span in row] for row in rows]),
        end=np.array([[span[1] for _, span in row] for row in rows]),
        score=np.array([[score for score, _ in row] for row in rows], np.float32),
        null_score=np.array([draw_score(w, None) for w in range(len(windows))], np.float32),
    )


def by_question(answers: Answers) -> list[SimpleNamespace]:
    """All that a run writes of each question."""
    texts, spans = answers.text_by_id(), answers.best.text_by_id()
    odds, lists = answers.best.null_odds_by_id(), answers.n_best_by_id()
    assert answers.abstains.tolist() == [not text for text in texts.values()]
    return [
        SimpleNamespace(
            text=texts[id],
            best_span=spans[id],
            null_odds=odds[id],
            n_best=[SimpleNamespace(**one) for one in lists[id]],
        )
        for id in texts
    ]


@given(st.randoms(use_true_random=False), st.integers(-2, 2))
@settings(max_examples=60, deadline=None)
def test_answers_equal_the_slow_obvious_merge(world, random, threshold):
    examples, windows = world
    # Few distinct values, so that ties happen.
    table: dict = {}
    spans = spans_of(windows, lambda *key: table.setdefault(key, random.randint(-4, 4)))
    rules = AnswerSettings(3, 5, float(threshold))
    merged = by_question(merge_windows(examples, windows, spans, rules))
    assert len(merged) == len(examples)
    for index, answer in enumerate(merged):
        context = examples[index].context
        own = [w for w in range(len(windows)) if windows.example[w] == index]
        best: dict[tuple[int, int], float] = {}
        for w in own:
            for k in range(spans.score.shape[1]):
                if math.isfinite(spans.score[w, k]):
                    a, b = windows.code_points(
                        np.array([w]), spans.start[w, k : k + 1], spans.end[w, k : k + 1]
                    )
                    key = (int(a[0]), int(b[0]))
                    best[key] = max(best.get(key, -math.inf), float(spans.score[w, k]))
        ranked = sorted(best, key=lambda span: (-best[span], span))[:3]
        if not ranked:
            assert (answer.text, answer.best_span, answer.null_odds) == ("", "", 0.0)
            continue
        null = min(float(spans.null_score[w]) for w in own)
        assert answer.null_odds == null - best[ranked[0]]
        assert answer.best_span == context[slice(*ranked[0])]
        assert answer.text == ("" if answer.null_odds > threshold else answer.best_span)
        listed = [one for one in answer.n_best if one.text]
        assert [(one.start, one.end) for one in listed] == ranked
        assert [one.score for one in listed] == [best[span] for span in ranked]
        assert all(one.text == context[one.start : one.end] for one in listed)
        assert sum(one.probability for one in answer.n_best) == pytest.approx(1)
        assert [one.text for one in answer.n_best].count("") == 1
        assert [one.score for one in answer.n_best] == sorted(
            (one.score for one in answer.n_best), reverse=True
        )


def test_the_order_of_the_windows_does_not_matter(world):
    examples, windows = world
    spans = spans_of(windows, lambda *key: hash(key) % 7)
    turned = WindowSpans(
        spans.window[::-1],
        spans.start[::-1],
        spans.end[::-1],
        spans.score[::-1],
        spans.null_score[::-1],
    )
    one, other = (merge_windows(examples, windows, each, RULES) for each in (spans, turned))
    assert by_question(one) == by_question(other)


def test_spans_of_a_search_are_possible(world):
    _, windows = world
    spans = spans_of(windows, lambda *key: hash(key) % 7)
    assert are_possible(spans, windows)
    assert are_possible(replace(spans, window=spans.window.astype(np.int16)), windows)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", 1),
        ("window", -1),
        ("window", 99),
        ("start", -1),
        ("start", 0),
        ("end", 0),
        ("end", 10_000),
        ("score", math.nan),
        ("score", math.inf),
        ("null_score", math.nan),
        ("null_score", math.inf),
    ],
)
def test_spans_out_of_place_are_impossible(world, name, value):
    _, windows = world
    spans = spans_of(windows, lambda *key: hash(key) % 7)
    changed = getattr(spans, name).copy()
    changed[(0,) * changed.ndim] = value
    assert not are_possible(replace(spans, **{name: changed}), windows)


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one[:-1],
        lambda one: one[..., None],
        lambda one: one[..., :0],
        lambda one: one.astype(str),
        lambda one: one.astype(np.complex64),
        lambda one: np.array(one.flat[0]),
    ],
)
@pytest.mark.parametrize("name", ["window", "start", "end", "score", "null_score"])
def test_spans_of_another_shape_or_type_are_impossible(world, name, change):
    _, windows = world
    spans = spans_of(windows, lambda *key: hash(key) % 7)
    changed = replace(spans, **{name: change(getattr(spans, name))})
    assert not are_possible(changed, windows)


def test_null_odds_equal_to_the_threshold_keep_the_answer(world):
    examples, windows = world
    spans = spans_of(windows, lambda window, span: 1)
    assert by_question(merge_windows(examples, windows, spans, RULES))[1].text != ""


def test_never_the_literal_text_empty(world):
    examples, windows = world
    spans = spans_of(windows, lambda window, span: 0 if span else 5)
    for answer in by_question(merge_windows(examples, windows, spans, RULES)):
        assert answer.text == ""
        assert "empty" not in {one.text for one in answer.n_best}


def logits_of(windows, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers, so that sums are exact; spread wide enough that spans rarely tie."""
    draw = np.random.default_rng(seed)
    shape = len(windows), int(windows.total_lengths().max())
    start, end = draw.integers(-(10**5), 10**5, (2, *shape)).astype(np.float32)
    return start, end


def searched(windows, start, end, n_best: int) -> WindowSpans:
    """The spans that :func:`top_spans` finds."""
    position, at = windows.context_position()[:, None], np.arange(start.shape[1])
    mask = torch.from_numpy((at >= position) & (at < position + windows.length[:, None]))
    null = torch.from_numpy(start[:, 0] + end[:, 0])
    found = top_spans(
        torch.from_numpy(start), torch.from_numpy(end), WindowBatch(mask, mask), null, n_best, 5
    )
    arrays = (one.numpy() for one in (found.start, found.end, found.score, found.null_score))
    return WindowSpans(np.arange(len(windows)), *arrays)


def places_of(windows, window: int, length: int) -> list:
    """Code points of each position of a window; None outside the context."""
    first, count = int(windows.context_position()[window]), int(windows.length[window])
    inside = np.arange(first, first + count)
    starts, ends = windows.code_points(np.full(count, window), inside, inside)
    spans = list(zip(starts.tolist(), ends.tolist(), strict=True))
    return [None] * first + spans + [None] * (length - first - count)


@given(st.integers(0, 10**6), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_the_best_answer_is_never_worse_than_run_qas_and_the_same_where_it_finds_the_best(
    world, seed, n_best
):
    examples, windows = world
    start, end = logits_of(windows, seed)
    merged = merge_windows(
        examples, windows, searched(windows, start, end, n_best), AnswerSettings(n_best, 5, 0.0)
    )
    for index, answer in enumerate(by_question(merged)):
        own = [w for w in range(len(windows)) if windows.example[w] == index]
        if not own:
            continue
        rows = [
            (start[w].tolist(), end[w].tolist(), places_of(windows, w, start.shape[1])) for w in own
        ]
        theirs = reference_answers.found(rows, n_best, 5)
        exact = reference_answers.found(rows, start.shape[1], 5)
        listed = [((one.start, one.end), one.score) for one in answer.n_best if one.text]
        assert listed == exact.spans[:n_best]
        assert answer.null_odds == exact.null_score - exact.spans[0][1]
        if theirs.spans and theirs.spans[0][1] == exact.spans[0][1]:
            assert answer.best_span == examples[index].context[slice(*theirs.spans[0][0])]
        assert all(score <= mine[1] for (_, score), mine in zip(theirs.spans, listed, strict=False))


def test_a_zero_and_a_negative_zero_tie(world):
    examples, windows = world
    spans = spans_of(windows, lambda *key: 0)
    draw = np.random.default_rng(0).random(spans.score.shape) < 0.5
    mixed = np.where(draw & (spans.score == 0), np.float32(-0.0), spans.score)
    other = WindowSpans(spans.window, spans.start, spans.end, mixed, spans.null_score)
    one, two = (merge_windows(examples, windows, each, RULES) for each in (spans, other))
    assert by_question(one) == by_question(two)


def test_without_any_legal_span_every_question_is_answered_with_nothing(world):
    examples, windows = world
    spans = spans_of(windows, lambda *key: -math.inf)
    for answer in by_question(merge_windows(examples, windows, spans, RULES)):
        assert (answer.text, answer.best_span, answer.null_odds) == ("", "", 0.0)
        assert [one.text for one in answer.n_best] == [""]
        assert answer.n_best[0].probability == 1
