"""Spans are counted in UTF-16 units, and each distinct one is kept once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qabench.data.examples import GoldAnswer, QAExample
from qabench.views.page.spans import Contexts, Spans

LETTERS = st.sampled_from(["a", "é", "東", "\uffff", "😀", "\U0010ffff", "\u200d", " "])


def example(context: str, *golds: GoldAnswer) -> QAExample:
    return QAExample("q", "what ?", context, golds)


@given(st.lists(st.lists(LETTERS, min_size=1).map("".join), min_size=1))
def test_places_are_counted_as_javascript_counts_them(texts):
    contexts = Contexts.of([example(text) for text in texts])
    every = [(place, at) for place, text in enumerate(texts) for at in range(len(text) + 1)]
    question, place = np.array(every).T
    assert contexts.units(question, place).tolist() == [
        len(texts[question][:at].encode("utf-16-le")) // 2 for question, at in every
    ]


def test_a_context_of_several_questions_is_kept_once():
    contexts = Contexts.of([example(text) for text in ("one", "😀 two", "one")])
    assert contexts.texts == ("one", "😀 two")
    assert contexts.of_question.tolist() == [0, 1, 0]


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), max_size=40))
def test_each_distinct_span_is_kept_once_and_found_again(rows):
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    spans, place = Spans.distinct(*columns)
    kept = np.stack([spans.question, spans.start, spans.end])
    assert list(zip(*kept.tolist(), strict=True)) == sorted(set(rows))
    assert kept[:, place].tolist() == columns.tolist()


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), max_size=40))
def test_the_spans_of_a_question_stand_together(rows):
    spans, _ = Spans.distinct(*np.array(rows, np.int64).reshape(-1, 3).T)
    first = spans.first(5)
    assert len(first) == 6
    for question in range(5):
        own = slice(first[question], first[question + 1])
        found = list(zip(spans.start[own].tolist(), spans.end[own].tolist(), strict=True))
        assert found == sorted({row[1:] for row in rows if row[0] == question})
