"""What a sample can show, and how much more of it would decide."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabench.comparison.families import Family
from qabench.comparison.planning import Pair, Rules, needed_questions, needed_seeds

RULES = Rules(Family("pairs", 2), margin=0.01, alpha=0.05)
PAIR = Pair(
    difference=0.03,
    differing=100,
    sampling=1e-4,
    chance=5e-5,
    own=1e-4,
    seeds_a=3,
    seeds_b=3,
    questions=1000,
    freedom=39,
)

variances = st.floats(0, 1e-2)
pairs = st.builds(
    Pair,
    difference=st.floats(0, 0.2),
    differing=st.integers(0, 100),
    sampling=variances,
    chance=variances,
    own=variances,
    seeds_a=st.integers(1, 6),
    seeds_b=st.integers(1, 6),
    questions=st.integers(10, 10_000),
    freedom=st.floats(1, 1000),
)


@given(pairs, st.floats(0, 0.3))
def test_what_is_detectable_is_never_less_than_half_the_interval(pair, half):
    found = pair.detectable(half)
    assert found is None or found >= half


def test_two_seeds_do_not_tell_what_is_detectable_but_runs_do():
    assert dataclasses.replace(PAIR, seeds_b=2).detectable(0.03) is None
    assert dataclasses.replace(PAIR, seeds_b=1, own=0.0).detectable(0.03) is not None


def test_nothing_is_detectable_where_nothing_varies():
    assert dataclasses.replace(PAIR, sampling=0.0, own=0.0).detectable(0.0) is None


def test_more_seeds_leave_only_the_variance_over_questions():
    many = PAIR.with_seeds(30)
    assert many.own == pytest.approx(PAIR.own / 10)
    assert many.sampling == pytest.approx(5e-5 + 5e-5 / 10)
    # Unequal numbers count with their harmonic mean.
    unequal = dataclasses.replace(PAIR, seeds_a=2, seeds_b=6)
    assert unequal.with_seeds(3) == dataclasses.replace(unequal, seeds_a=3, seeds_b=3)


def test_the_seeds_that_are_needed_are_the_fewest_that_would_decide():
    seeds = needed_seeds(PAIR, RULES)
    assert PAIR.with_seeds(seeds).likely_decided(RULES)
    assert not PAIR.with_seeds(seeds - 1).likely_decided(RULES)


def test_no_number_of_seeds_decides_what_few_questions_leave_open():
    pair = dataclasses.replace(PAIR, sampling=1e-3)
    assert needed_seeds(pair, RULES) is None
    assert needed_questions(dataclasses.replace(pair, own=0.0), RULES) > 5 * pair.questions
    assert needed_seeds(dataclasses.replace(PAIR, seeds_a=1), RULES) is None


def test_questions_that_are_needed_have_two_digits():
    pair = dataclasses.replace(PAIR, own=0.0)
    needed = needed_questions(pair, RULES)
    assert needed % 10 ** (len(str(needed)) - 2) == 0
    assert pair.with_questions(needed / pair.questions).likely_decided(RULES)


def test_no_difference_is_decided_as_equal_by_enough_questions():
    pair = dataclasses.replace(PAIR, difference=0.0, own=0.0)
    assert needed_questions(pair, RULES) is not None
    half_way = dataclasses.replace(pair, difference=RULES.margin)
    assert needed_questions(half_way, RULES) > needed_questions(pair, RULES)


@given(pairs)
def test_plans_of_any_pair_are_whole_numbers_beyond_what_there_is(pair):
    seeds = needed_seeds(pair, RULES)
    assert seeds is None or seeds > max(pair.seeds_a, pair.seeds_b)
    questions = needed_questions(pair, RULES)
    assert questions is None or questions >= pair.questions
