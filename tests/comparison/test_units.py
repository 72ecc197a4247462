"""What a sample of questions is made of, and how much its mean varies."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from qabench.comparison.units import Units, units_of
from qabench.data.examples import QAExample


def questions(titles, contexts):
    return [
        QAExample(str(number), "Who ?", context, (), title)
        for number, (title, context) in enumerate(zip(titles, contexts, strict=True))
    ]


def units(codes):
    return Units("articles", np.asarray(codes))


def test_articles_are_the_units_where_there_are_titles():
    found = units_of(questions(list("aabbccddee"), [str(n) for n in range(10)]))
    assert (found.kind, len(found), found.fixed) == ("articles", 5, None)
    assert found.codes.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_contexts_are_the_units_where_there_are_no_titles():
    found = units_of(questions([""] * 10, list("aabbccddee")))
    assert (found.kind, len(found), found.fixed) == ("contexts", 5, None)


def test_a_question_without_a_title_is_of_its_context():
    found = units_of(questions([*"abcd", "", ""], ["1", "2", "3", "4", "5", "5"]))
    assert found.codes.tolist() == [0, 1, 2, 3, 4, 4]


def test_with_few_articles_their_contexts_are_the_sample_and_the_result_is_of_them_only():
    found = units_of(questions(list("aaaabbbb"), [str(n) for n in range(8)]))
    assert (found.kind, len(found), str(found.fixed)) == ("contexts", 8, "these 2 articles")


def test_with_one_context_its_questions_are_the_sample():
    found = units_of(questions(["a"] * 7, ["1"] * 7))
    assert (found.kind, len(found), str(found.fixed)) == ("questions", 7, "this article")
    untitled = units_of(questions([""] * 7, ["1"] * 7))
    assert str(untitled.fixed) == "this context"


def test_single_questions_have_the_squared_standard_error():
    values = np.random.default_rng(0).random(40)
    each = units(np.arange(40))
    assert each.variance(each.sums(values)) == pytest.approx(scipy.stats.sem(values) ** 2)
    assert each.freedom == 39


def test_copies_of_a_question_are_no_more_evidence_than_one():
    values = np.random.default_rng(0).random(40)
    copied = units(np.repeat(np.arange(40), 4))
    found = copied.variance(copied.sums(np.repeat(values, 4)))
    assert found == pytest.approx(scipy.stats.sem(values) ** 2)


def test_a_single_unit_says_nothing_of_others():
    one = units(np.zeros(5, int))
    assert one.freedom == 0
    assert one.variance(one.sums(np.arange(5.0))) == 0


sizes = st.lists(st.integers(1, 9), min_size=2, max_size=7)


def slow_matrix(counts, spread):
    """CR2's quadratic form and the covariance of the sums, as matrices."""
    counts = np.asarray(counts, float)
    share = counts / counts.sum()
    centre = np.eye(len(counts)) - np.outer(share, np.ones(len(counts)))
    scaled = centre / np.sqrt(1 - share)[:, None]
    return scaled @ np.diag(spread) @ scaled.T


@given(sizes)
def test_degrees_of_freedom_are_those_of_the_quadratic_form(counts):
    found = units(np.repeat(np.arange(len(counts)), counts))
    every = np.asarray(counts, float)
    matrices = [slow_matrix(counts, spread) for spread in (every, every**2)]
    slow = min(np.trace(m) ** 2 / np.trace(m @ m) for m in matrices)
    if np.ptp(every) <= 1:
        slow = len(counts) - 1
    assert found.freedom == pytest.approx(slow)


@given(sizes)
def test_the_variance_is_unbiased_where_units_do_not_differ(counts):
    # Of sums whose variance is their number of questions, the mean's variance is 1 / N.
    matrix = slow_matrix(counts, np.asarray(counts, float))
    assert np.trace(matrix) / sum(counts) ** 2 == pytest.approx(1 / sum(counts))


@given(st.permutations(range(12)))
def test_the_order_of_questions_changes_nothing(order):
    codes = np.array([0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 4, 4])
    values = np.linspace(0, 1, 12) ** 2
    kept, moved = units(codes), units(codes[order])
    np.testing.assert_allclose(moved.sums(values[order]), kept.sums(values))
