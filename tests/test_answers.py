"""Merging window spans into answers, against the slow obvious way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qabench.answers import WindowSpans, merge_windows
from qabench.backbone import load_tokenizer
from qabench.benchmark import AnswerSettings, BackboneSettings, WindowSettings
from qabench.examples import QAExample
from qabench.windows import make_windows

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


@given(st.randoms(use_true_random=False), st.integers(-2, 2))
@settings(max_examples=60, deadline=None)
def test_answers_equal_the_slow_obvious_merge(world, random, threshold):
    examples, windows = world
    # Few distinct values, so that ties happen.
    table: dict = {}
    spans = spans_of(windows, lambda *key: table.setdefault(key, random.randint(-4, 4)))
    rules = AnswerSettings(3, 5, float(threshold))
    for index, answer in enumerate(merge_windows(examples, windows, spans, rules)):
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
    assert merge_windows(examples, windows, spans, RULES) == merge_windows(
        examples, windows, turned, RULES
    )


def test_null_odds_equal_to_the_threshold_keep_the_answer(world):
    examples, windows = world
    spans = spans_of(windows, lambda window, span: 1)
    assert merge_windows(examples, windows, spans, RULES)[1].text != ""


def test_never_the_literal_text_empty(world):
    examples, windows = world
    spans = spans_of(windows, lambda window, span: 0 if span else 5)
    for answer in merge_windows(examples, windows, spans, RULES):
        assert answer.text == ""
        assert "empty" not in {one.text for one in answer.n_best}
