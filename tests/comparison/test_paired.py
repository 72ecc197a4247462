"""Two systems on the same questions: better, equal, or undecided."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qabench.comparison.paired import (
    Outcome,
    SystemScores,
    compare_all,
    compare_with,
    interval_of_mean,
)
from qabench.comparison.units import Fixed, Units


def system(scores, name="A", seeds=None):
    rows = np.atleast_2d(np.asarray(scores, np.float64))
    return SystemScores(name, rows, tuple(range(len(rows))) if seeds is None else seeds)


def each(questions):
    return Units("questions", np.arange(questions))


def compare(a, b, units=None, **options):
    (found,) = compare_all([a, b], units or each(a.scores.shape[1]), **options)
    return found


def half(comparison):
    return (comparison.interval[1] - comparison.interval[0]) / 2


def random_pair(questions, random, gain=0.0, seeds=1):
    """Scores of two systems that agree on most questions; A better by ``gain`` on average."""
    right = random.random(questions) < 0.6
    runs = []
    for extra in (gain, 0.0):
        changed = random.random((seeds, questions)) < 0.2
        redrawn = random.random((seeds, questions)) < 0.5 + extra / 0.2
        runs.append(np.where(changed, redrawn, right).astype(np.float64))
    return system(runs[0]), system(runs[1], "B")


def test_two_runs_are_compared_by_the_paired_t_test():
    random = np.random.default_rng(5)
    a, b = random.random(100), random.random(100)
    found = compare(system(a), system(b, "B"))
    expected = scipy.stats.ttest_rel(a, b)
    assert found.difference == pytest.approx((a - b).mean())
    assert found.standard_error == pytest.approx(scipy.stats.sem(a - b))
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-3)
    interval = expected.confidence_interval()
    assert found.interval == pytest.approx((interval.low, interval.high), rel=1e-3)
    assert found.about == "runs"


def test_articles_count_as_often_as_there_are_of_them():
    random = np.random.default_rng(8)
    codes = np.arange(400) // 20
    shift = random.normal(0, 0.2, 20)[codes]
    a, b = system(np.full(400, 0.5)), system(0.5 + shift + random.normal(0, 0.02, 400), "B")
    apart, together = compare(a, b), compare(a, b, Units("articles", codes))
    assert (apart.sample.units, together.sample.units) == (400, 20)
    assert together.standard_error > 3 * apart.standard_error


def test_seeds_that_matter_widen_the_interval():
    random = np.random.default_rng(7)
    level = np.array([[0.0], [0.1], [0.2]])
    noise = random.random((2, 1, 300)) * 0.2
    steady = compare(system(0.5 + noise[0] + 0 * level), system(0.5 + noise[1] + 0 * level, "B"))
    shaky = compare(system(0.5 + noise[0] + level), system(0.5 + noise[1] - level, "B"))
    assert half(shaky) > 10 * half(steady)


def test_what_a_seed_does_to_both_systems_cancels_in_part():
    random = np.random.default_rng(7)
    level = np.linspace(0, 0.2, 8)[:, None]
    noise = random.random((2, 1, 300)) * 0.2
    scores = [0.5 + one + level for one in noise]
    paired = compare(system(scores[0]), system(scores[1], "B"))
    apart = compare(system(scores[0]), system(scores[1], "B", seeds=tuple(range(10, 18))))
    assert (paired.common_seeds, apart.common_seeds) == (8, 0)
    assert paired.difference == apart.difference
    assert half(paired) < half(apart) / 2


def test_other_systems_tell_how_much_seeds_matter():
    random = np.random.default_rng(3)
    made = []
    for name in "ABCDEF":
        shift = random.normal(0, 0.002, (2, 1))
        scores = (random.random((2, 500)) < 0.6 + shift).astype(float)
        made.append(system(scores, name))
    widths = [half(compare(made[0], made[1]))]
    (of_six, *_) = compare_all(made, each(500))
    widths.append((of_six.own_interval[1] - of_six.own_interval[0]) / 2)
    assert widths[1] < widths[0]


def test_one_seed_on_either_side_makes_it_a_comparison_of_runs():
    a, b = random_pair(300, np.random.default_rng(1), seeds=3)
    single = SystemScores("B", b.scores[:1], (0,))
    assert compare(a, b).about == "heads"
    found = compare(a, single)
    assert (found.about, found.seeds_a, found.seeds_b) == ("runs", 3, 1)
    assert found.needed_seeds is None


levels = st.sampled_from([0.0, 0.25, 0.5, 1.0])


@st.composite
def several(draw):
    """Two to four systems of one to three seeds on up to twelve questions."""
    questions = draw(st.integers(1, 12))
    rows = st.integers(1, 3).flatmap(
        lambda seeds: arrays(np.float64, (seeds, questions), elements=levels)
    )
    scores = draw(st.lists(rows, min_size=2, max_size=4))
    codes = draw(st.lists(st.integers(0, 3), min_size=questions, max_size=questions))
    kinds = np.unique(codes, return_inverse=True)[1]
    units = draw(st.sampled_from([each(questions), Units("articles", kinds)]))
    return [system(one, str(place)) for place, one in enumerate(scores)], units


@given(several(), st.sampled_from([0.05, 0.2]), st.sampled_from([0.01, 0.2]))
def test_better_is_said_exactly_where_the_interval_leaves_zero_out(made, alpha, margin):
    systems, units = made
    for one in compare_all(systems, units, alpha=alpha, margin=margin):
        low, high = one.interval
        assert one.decided == (low > 0 or high < 0)
        if one.outcome is not Outcome.IDENTICAL:
            assert one.decided == (one.adjusted_p_value <= alpha)
        assert (one.outcome is Outcome.BETTER) == (low > 0)
        assert -1 <= low <= one.difference <= high <= 1
        assert 0 <= one.p_value <= 1
        assert 0 <= one.adjusted_p_value <= 1
        assert one.detectable is None or one.detectable >= half(one) - 1e-12
        if one.outcome is Outcome.EQUAL:
            assert abs(one.difference) < margin


@given(several())
def test_swapping_two_systems_negates_the_result(made):
    (a, b, *_), units = made
    assume(a.name != b.name)
    there, back = compare(a, b, units), compare(b, a, units)
    assert back == there.mirrored()
    assert there.interval == (-back.interval[1], -back.interval[0])


@given(several(), st.randoms(use_true_random=False))
def test_the_order_of_the_questions_changes_nothing(made, shuffle):
    systems, units = made
    order = list(range(len(units.codes)))
    shuffle.shuffle(order)
    moved = [system(one.scores[:, order], one.name) for one in systems]
    shuffled = dataclasses.replace(units, codes=units.codes[order])
    for one, other in zip(compare_all(systems, units), compare_all(moved, shuffled), strict=True):
        assert other.difference == pytest.approx(one.difference)
        assert other.interval == pytest.approx(one.interval, abs=1e-7)
        assert other.adjusted_p_value == pytest.approx(one.adjusted_p_value, abs=1e-7)


def test_identical_runs_have_no_difference_at_all():
    scores = np.random.default_rng(0).random((2, 30))
    turned = system(scores[::-1], "B", seeds=(1, 0))
    found = compare(system(scores), turned)
    assert found.outcome is Outcome.IDENTICAL
    assert (found.difference, found.detectable) == (0, None)


def test_runs_whose_means_over_seeds_agree_are_not_identical():
    found = compare(system([[0, 1], [1, 0]]), system([[1, 0], [0, 1]], "B"))
    assert found.outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("questions", [1, 2, 5])
def test_a_handful_of_questions_proves_nothing(questions):
    found = compare(system(np.ones(questions)), system(np.zeros(questions), "B"))
    assert found.outcome is Outcome.UNDECIDED
    assert found.p_value == 2 * 0.5**questions
    low, high = found.interval
    assert low <= 0
    assert high == 1


def test_six_questions_that_all_agree_are_the_fewest_that_can_show_a_difference():
    assert compare(system(np.ones(6)), system(np.zeros(6), "B")).outcome is Outcome.BETTER


@pytest.mark.parametrize(("questions", "outcome"), [(290, Outcome.UNDECIDED), (310, Outcome.EQUAL)])
def test_few_questions_without_any_difference_are_no_equality(questions, outcome):
    # Seeds differ, so that the runs are not identical.
    scores = np.zeros((2, questions))
    scores[0, 0] = scores[1, 1] = 1
    found = compare(system(scores), system(scores, "B", seeds=(5, 6)), margin=0.02)
    assert found.difference == 0
    same = compare(system(scores[:1]), system(scores[:1] + 0, "B", seeds=(4,)), margin=0.01)
    assert same.outcome is Outcome.IDENTICAL
    tiny = scores[:1].copy()
    tiny[0, 2] = 1e-4
    near = compare(system(scores[:1]), system(tiny, "B"), margin=0.01)
    assert near.outcome is outcome


def test_the_margin_decides_what_is_equal():
    a, b = random_pair(3000, np.random.default_rng(4), seeds=3)
    found = compare(a, b, margin=0.05)
    assert found.outcome is Outcome.EQUAL
    assert compare(a, b, margin=0.001).outcome is Outcome.UNDECIDED


def test_a_result_of_few_articles_says_so():
    units = Units("contexts", np.arange(20), Fixed("articles", 3))
    found = compare(system(np.ones(20)), system(np.zeros(20), "B"), units)
    assert found.sample.fixed == "these 3 articles"


def test_all_pairs_hold_together_and_a_baselines_pairs_need_less():
    random = np.random.default_rng(10)
    made = [system(random.random((3, 200)), name) for name in "ABCD"]
    every = compare_all(made, each(200))
    assert [(one.a, one.b) for one in every[:3]] == [("A", "B"), ("A", "C"), ("A", "D")]
    assert {(one.family, one.correction) for one in every} == {(6, "Tukey")}
    against = compare_with(made[0], made[1:], each(200))
    assert [(one.a, one.b) for one in against] == [("B", "A"), ("C", "A"), ("D", "A")]
    assert {(one.family, one.correction) for one in against} == {(3, "Dunnett")}
    for one, other in zip(every, against, strict=False):
        assert one.own_interval == pytest.approx(other.mirrored().own_interval)
        assert half(other) < half(one)


def test_forty_heads_of_five_seeds_are_compared():
    random = np.random.default_rng(10)
    made = [system(random.random((5, 60)), f"head {n}") for n in range(40)]
    assert len(compare_all(made, Units("articles", np.arange(60) // 5))) == 780


def test_one_system_is_compared_with_nothing():
    assert compare_all([system([0, 1])], each(2)) == ()


def test_the_interval_of_a_mean_is_students_where_seeds_do_not_matter():
    scores = np.random.default_rng(0).random(50)
    found = interval_of_mean(system(scores), each(50))
    expected = scipy.stats.ttest_1samp(scores, 0).confidence_interval()
    assert found == pytest.approx((expected.low, expected.high), rel=1e-3)
    level = np.array([[0.0], [0.1], [0.2]])
    low, high = interval_of_mean(system(scores + level), each(50))
    assert high - low > 2 * (found[1] - found[0])


def test_scores_on_other_questions_are_refused():
    with pytest.raises(ValueError, match="same questions"):
        compare_all([system([0, 1]), system([0, 1, 1])], each(2))


@pytest.mark.parametrize(
    ("scores", "seeds", "problem"),
    [
        ([0.5, np.inf], (0,), "finite"),
        ([0.5, np.nan], (0,), "finite"),
        ([[0.5], [0.5]], (1, 1), "seeds"),
        ([[0.5], [0.5]], (1, 2, 3), "seeds"),
        ([], (0,), "questions"),
    ],
)
def test_scores_that_make_no_sense_are_refused(scores, seeds, problem):
    with pytest.raises(ValueError, match=problem):
        system(scores, seeds=seeds)


def test_a_slice_of_the_scores_keeps_its_seeds():
    part = system([[0, 1, 0.5], [1, 0, 0]], seeds=(4, 2)).only(np.array([True, False, True]))
    assert part.scores.tolist() == [[0, 0.5], [1, 0]]
    assert part.seeds == (4, 2)


def test_an_interval_is_never_narrower_than_questions_without_any_difference_allow():
    scores = np.zeros((2, 100))
    scores[0, 0] = scores[1, 1] = 1
    found = compare(system(scores), system(scores[::-1], "B", seeds=(5, 6)))
    assert found.difference == 0
    assert found.interval == pytest.approx((-np.log(20) / 100, np.log(20) / 100))


@pytest.mark.parametrize("seeds", [2, 3, 6])
def test_the_interval_of_a_mean_over_seeds_that_matter_is_students(seeds):
    level = np.linspace(0, 0.03, seeds)[:, None]
    scores = 0.5 + level + np.zeros((seeds, 4000))
    low, high = interval_of_mean(system(scores), each(4000))
    expected = scipy.stats.t.ppf(0.975, seeds - 1) * scipy.stats.sem(level[:, 0])
    assert (high - low) / 2 == pytest.approx(expected, rel=0.05)
