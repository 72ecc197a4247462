"""Comparisons of two systems: against enumeration, scipy, and simulations of known truth."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qabench.comparison.resampling import resampled_means, sampling_variance, seed_variance
from qabench.comparison.statistics import (
    SystemScores,
    compare,
    compare_all,
    holm,
    mcnemar,
    mcnemar_by_seed,
    smallest_detectable_difference,
)
from qabench.data.halves import article_codes


def system(scores, name="A", seeds=None):
    rows = np.atleast_2d(np.asarray(scores, np.float64))
    return SystemScores(name, rows, tuple(range(len(rows))) if seeds is None else seeds)


def facts(comparison):
    """What a comparison found, without the names."""
    return comparison.difference, comparison.interval, comparison.p_value


# --- McNemar


def run_with(both, only_a, only_b, neither):
    a = [1] * (both + only_a) + [0] * (only_b + neither)
    b = [1] * both + [0] * only_a + [1] * only_b + [0] * neither
    return a, b


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (0, 1), (1, 5), (9, 3), (20, 20), (0, 40)])
def test_mcnemar_is_the_binomial_test_of_the_discordant_questions(only_a, only_b):
    test = mcnemar(*run_with(7, only_a, only_b, 4))
    assert (test.only_a, test.only_b) == (only_a, only_b)
    trials = only_a + only_b
    expected = scipy.stats.binomtest(only_a, trials).pvalue if trials else 1.0
    assert test.p_value == pytest.approx(expected, rel=1e-9)


def test_mcnemar_of_six_against_none_is_two_in_sixty_four():
    assert mcnemar([1] * 6, [0] * 6).p_value == 2 / 64


def test_mcnemar_is_exact_for_as_many_questions_as_a_dev_set_has():
    test = mcnemar(*run_with(5000, 950, 800, 5123))
    assert test.p_value == pytest.approx(scipy.stats.binomtest(950, 1750).pvalue, rel=1e-9)


@pytest.mark.parametrize(
    ("a", "b"), [([1, 0.5], [0, 1]), ([1, 0], [1]), ([1, np.nan], [0, 1])], ids=str
)
def test_mcnemar_takes_only_pairs_of_zeros_and_ones(a, b):
    with pytest.raises(ValueError, match="zeros and ones"):
        mcnemar(a, b)


def test_mcnemar_by_seed_holds_runs_of_the_same_seed_against_each_other():
    a = system([[1, 1, 0], [0, 0, 0]], seeds=(7, 3))
    b = system([[1, 0, 0], [0, 1, 1]], seeds=(3, 8))
    tests = mcnemar_by_seed(a, b)
    assert list(tests) == [3]
    assert (tests[3].only_a, tests[3].only_b) == (0, 1)


# --- Holm


def slow_holm(p_values):
    """The step-down procedure itself: the smallest level at which each would be rejected."""
    tests = len(p_values)
    adjusted = []
    for own in p_values:
        smaller = sorted(p for p in p_values if p <= own)
        adjusted.append(min(1.0, max((tests - rank) * p for rank, p in enumerate(smaller))))
    return adjusted


def test_holm_gives_the_known_values():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_equals_the_step_down_procedure(p_values):
    assert holm(p_values) == pytest.approx(slow_holm(p_values))


# --- resampling


@pytest.mark.parametrize(
    "units", [np.array([0, 1, 2]), np.array([0, 0, 1]), np.array([0, 0, 0])], ids=str
)
def test_resampled_means_have_the_distribution_that_enumeration_gives(units):
    values = np.array([0.0, 0.25, 1.0])
    groups = [values[units == unit] for unit in range(units.max() + 1)]
    exact = [np.concatenate(drawn).mean().round(9) for drawn in product(groups, repeat=len(groups))]
    draws = 20_000
    means = resampled_means(values, units, draws, np.random.default_rng(1)).round(9)
    assert set(means) == set(exact)
    for value in set(exact):
        share = exact.count(value) / len(exact)
        sigma = np.sqrt(share * (1 - share) / draws)
        assert abs((means == value).mean() - share) <= 4 * sigma


def test_resampling_in_many_chunks_is_resampling_in_one(monkeypatch):
    values = np.random.default_rng(0).random(50)
    whole = resampled_means(values, np.arange(50), 300, np.random.default_rng(1))
    monkeypatch.setattr("qabench.comparison.resampling._CHUNK", 64)
    pieces = resampled_means(values, np.arange(50), 300, np.random.default_rng(1))
    np.testing.assert_array_equal(pieces, whole)


def test_sampling_variance_is_the_squared_standard_error_and_knows_clusters():
    values = np.random.default_rng(0).random(40)
    assert sampling_variance(values, np.arange(40)) == pytest.approx(scipy.stats.sem(values) ** 2)
    # Four copies of every question, in one article each, are no more evidence than one of each.
    copied = sampling_variance(np.repeat(values, 4), np.repeat(np.arange(40), 4))
    assert copied == pytest.approx(scipy.stats.sem(values) ** 2)


@pytest.mark.parametrize("articles", [False, True], ids=["questions", "articles"])
def test_seed_variance_is_right_on_average(articles):
    random = np.random.default_rng(2)
    units = np.repeat(np.arange(30), 2) if articles else np.arange(60)
    own, chance, seeds = 0.2, 0.5, 4
    estimates = [
        seed_variance(
            random.normal(0, own, (seeds, 1))
            + random.normal(0, 1, 60)
            + random.normal(0, chance, (seeds, units.max() + 1))[:, units],
            units,
        )
        for _ in range(2000)
    ]
    assert np.mean(estimates) == pytest.approx(own**2 / seeds, rel=0.08)


@pytest.mark.parametrize("questions", [2, 11, 12, 301])
def test_seeds_that_differ_in_one_question_alone_have_no_variance_of_their_own(questions):
    for place in range(questions):
        scores = np.zeros((2, questions))
        scores[0, place] = 0.25
        assert seed_variance(scores, np.arange(questions)) == 0


def test_article_codes_keep_questions_without_an_article_apart():
    codes = article_codes(["x", None, "y", "", "x", None])
    assert codes.tolist() == [0, 1, 2, 3, 0, 4]


# --- compare


def random_pair(questions, random, gain=0.0, seeds=1):
    """Scores of two systems that agree on most questions; A better by ``gain`` on average."""
    right = random.random(questions) < 0.6
    runs = []
    for extra in (gain, 0.0):
        changed = random.random((seeds, questions)) < 0.2
        redrawn = random.random((seeds, questions)) < 0.5 + extra / 0.2
        runs.append(np.where(changed, redrawn, right).astype(np.float64))
    return system(runs[0]), system(runs[1], "B")


def test_the_interval_agrees_with_scipys_paired_bootstrap():
    random = np.random.default_rng(3)
    a, b = random.beta(2, 1, 200), random.beta(2, 2, 200)
    ours = compare(system(a), system(b)).interval
    theirs = scipy.stats.bootstrap(
        (a, b),
        lambda x, y, axis: x.mean(axis) - y.mean(axis),
        paired=True,
        method="percentile",
        n_resamples=10_000,
        rng=np.random.default_rng(4),
    ).confidence_interval
    # Ends of intervals of 10,000 resamples vary by some 0.025 standard errors.
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.1 * scipy.stats.sem(a - b))


def test_one_seed_has_the_standard_error_of_the_paired_t_test():
    random = np.random.default_rng(5)
    a, b = random.random(100), random.random(100)
    comparison = compare(system(a), system(b), resamples=99)
    assert comparison.standard_error == pytest.approx(scipy.stats.sem(a - b))
    assert comparison.difference == pytest.approx((a - b).mean())


def test_seeds_that_both_have_are_paired_whatever_their_order():
    random = np.random.default_rng(6)
    scores = random.random((3, 80))
    a = system(scores, seeds=(1, 2, 3))
    b = system(scores[[2, 0, 1]] * 0.9, "B", seeds=(3, 1, 2))
    paired = compare(a, b, resamples=99)
    assert paired.paired_seeds
    apart = compare(a, system(b.scores, "B", seeds=(4, 5, 6)), resamples=99)
    assert not apart.paired_seeds
    assert paired.difference == pytest.approx(apart.difference)


def test_seeds_that_differ_in_level_widen_the_interval_unless_pairing_takes_that_out():
    random = np.random.default_rng(7)
    level = np.array([[0.0], [0.2], [0.4]])
    base = random.random((1, 300)) * 0.5
    a, b = base + level, base + level + random.random((3, 300)) * 0.01
    paired = compare(system(a), system(b, "B"))
    apart = compare(system(a), system(b, "B", seeds=(7, 8, 9)))
    assert paired.standard_error < 0.01
    assert apart.standard_error == pytest.approx(np.sqrt(2 * 0.04 / 3), rel=0.01)
    assert paired.significant
    assert not apart.significant


def test_whole_articles_are_resampled_together():
    random = np.random.default_rng(8)
    articles = [f"article {number // 20}" for number in range(400)]
    shift = np.repeat(random.normal(0, 0.2, 20), 20)
    a, b = np.full(400, 0.5), (0.5 + shift + random.normal(0, 0.02, 400)).clip(0, 1)
    alone = compare(system(a), system(b))
    together = compare(system(a), system(b), articles=articles)
    assert (alone.units, together.units) == (400, 20)
    assert together.standard_error > 3 * alone.standard_error


def test_the_same_seed_gives_the_same_result_and_another_seed_nearly_the_same():
    a, b = random_pair(300, np.random.default_rng(9), seeds=3)
    first = compare(a, b, seed=1)
    assert facts(compare(a, b, seed=1)) == facts(first)
    other = compare(a, b, seed=2)
    assert other.interval != first.interval
    assert other.interval == pytest.approx(first.interval, abs=0.2 * first.standard_error)


levels = st.sampled_from([0.0, 0.25, 0.5, 1.0])


@st.composite
def pairs(draw):
    questions = draw(st.integers(1, 12))
    rows = st.integers(1, 3).flatmap(
        lambda seeds: arrays(np.float64, (seeds, questions), elements=levels)
    )
    return system(draw(rows)), system(draw(rows), "B")


@given(pairs())
def test_swapping_the_systems_negates_the_result(pair):
    a, b = pair
    assume(a.scores.mean() != b.scores.mean())
    there, back = compare(a, b, resamples=199), compare(b, a, resamples=199)
    assert back == there.mirrored()
    assert there.interval == (-back.interval[1], -back.interval[0])


@given(pairs(), st.randoms(use_true_random=False))
def test_the_order_of_the_questions_changes_nothing(pair, shuffle):
    a, b = pair
    assume(abs(a.scores.mean() - b.scores.mean()) > 1e-9)
    order = list(range(a.scores.shape[1]))
    shuffle.shuffle(order)
    moved = compare(system(a.scores[:, order]), system(b.scores[:, order]), resamples=199)
    kept = compare(a, b, resamples=199)
    assert moved.interval == pytest.approx(kept.interval)
    assert (moved.difference, moved.p_value) == pytest.approx((kept.difference, kept.p_value))


@given(pairs(), st.sampled_from([0.05, 0.1, 0.2]))
def test_the_interval_leaves_zero_out_just_where_the_p_value_is_significant(pair, alpha):
    comparison = compare(*pair, resamples=199, alpha=alpha)
    low, high = comparison.interval
    assert (low > 0 or high < 0) == (comparison.p_value <= alpha)
    assert 0 < comparison.p_value <= 1
    assert -1 <= low <= high <= 1


def test_identical_runs_have_no_difference_at_all():
    scores = np.random.default_rng(0).random((2, 30))
    comparison = compare(system(scores), system(scores, "B"))
    assert comparison.identical
    assert facts(comparison) == (0, (0, 0), 1)
    assert comparison.smallest_detectable is None


def test_runs_whose_means_over_seeds_agree_are_not_identical():
    comparison = compare(system([[0, 1], [1, 0]]), system([[1, 0], [0, 1]], "B"))
    assert not comparison.identical
    assert comparison.p_value == 1


@pytest.mark.parametrize("questions", [1, 2, 5])
def test_a_handful_of_questions_proves_nothing(questions):
    comparison = compare(system(np.ones(questions)), system(np.zeros(questions)))
    assert not comparison.testable
    assert comparison.p_value == 2 * 0.5**questions
    assert comparison.interval == (0, 1)


def test_six_questions_that_all_agree_are_the_fewest_that_can_show_a_difference():
    assert compare(system(np.ones(6)), system(np.zeros(6))).significant


def test_one_article_cannot_show_a_difference_however_many_questions_it_has():
    a, b = system(np.ones(50)), system(np.zeros(50))
    assert compare(a, b, articles=["x"] * 50).p_value == 1


def test_scores_on_other_questions_or_too_few_resamples_are_refused():
    with pytest.raises(ValueError, match="same questions"):
        compare(system([0, 1]), system([0, 1, 1]))
    with pytest.raises(ValueError, match="same questions"):
        compare(system([0, 1]), system([0, 1]), articles=["x"])
    with pytest.raises(ValueError, match=r"38 resamples cannot reach alpha 0\.05"):
        compare(system([0, 1]), system([0, 1]), resamples=38)
    with pytest.raises(ValueError, match="over 3 pairs"):
        compare_all([system([0, 1])] * 3, resamples=100)


@pytest.mark.parametrize(
    ("scores", "seeds", "problem"),
    [
        ([0.5, 1.1], (0,), "from 0 to 1"),
        ([0.5, np.nan], (0,), "from 0 to 1"),
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
    assert part.by_seed().tolist() == [[1, 0], [0, 0.5]]


def test_all_pairs_are_corrected_together():
    random = np.random.default_rng(10)
    a, b = random_pair(400, random, gain=0.04)
    c, _ = random_pair(400, random)
    compared = compare_all([a, b, system(c.scores, "C")])
    assert [(one.a, one.b) for one in compared] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert {one.pairs for one in compared} == {3}
    adjusted = tuple(one.adjusted_p_value for one in compared)
    assert adjusted == holm([one.p_value for one in compared])
    assert compared[0].p_value == compare(a, b).p_value


# --- the smallest detectable difference


@pytest.mark.parametrize(("alpha", "power"), [(0.05, 0.8), (0.01, 0.9), (0.1, 0.5)])
def test_the_smallest_detectable_difference_is_found_with_the_given_probability(alpha, power):
    difference = smallest_detectable_difference(2.0, alpha, power)
    z = scipy.stats.norm(loc=difference / 2.0)
    critical = scipy.stats.norm.isf(alpha / 2)
    assert z.sf(critical) + z.cdf(-critical) == pytest.approx(power, abs=1e-3)


# --- simulations of known truth


def rejections(simulate, comparisons):
    return sum(simulate(seed) for seed in range(comparisons)) / comparisons


def within(share, nominal, trials, sigmas=3.3):
    """Whether chance alone would give such a share in so many trials."""
    return abs(share - nominal) <= sigmas * np.sqrt(nominal * (1 - nominal) / trials)


def test_equal_systems_are_called_different_about_one_time_in_twenty():
    def significant(seed):
        a, b = random_pair(300, np.random.default_rng([11, seed]))
        return compare(a, b, resamples=399, seed=seed).significant

    assert within(rejections(significant, 800), 0.05, 800)


def test_a_true_difference_of_the_detectable_size_is_found_four_times_in_five():
    random = np.random.default_rng(12)
    a, b = random_pair(400, random)
    gain = compare(a, b, resamples=99).smallest_detectable

    def significant(seed):
        a, b = random_pair(400, np.random.default_rng([13, seed]), gain=gain)
        return compare(a, b, resamples=399, seed=seed).significant

    assert rejections(significant, 400) == pytest.approx(0.8, abs=0.1)


def seeds_that_matter(random, seeds, own, chance, difference=0.05, questions=200):
    """Two systems whose runs differ by their seed (``own``) and by chance on questions."""
    level = 0.5 + random.normal(0, 0.1, questions)
    runs = [
        level
        + shift
        + random.normal(0, own, (seeds, 1))
        + random.normal(0, chance, (seeds, questions))
        for shift in (difference, 0.0)
    ]
    return [np.clip(run, 0, 1) for run in runs]


@pytest.mark.parametrize("paired", [True, False], ids=["paired", "independent"])
@pytest.mark.parametrize(
    ("own", "chance"), [(0.0, 0.1), (0.03, 0.05), (0.005, 0.1)], ids=["chance", "seeds", "both"]
)
def test_intervals_over_three_seeds_hold_the_true_difference(own, chance, paired):
    def held(seed):
        a, b = seeds_that_matter(np.random.default_rng([14, seed]), 3, own, chance)
        seeds = (0, 1, 2) if paired else (3, 4, 5)
        low, high = compare(
            system(a), system(b, "B", seeds=seeds), resamples=399, seed=seed
        ).interval
        return low <= 0.05 <= high

    share = rejections(held, 300)
    # Independent seeds have more than two degrees of freedom together: rather too wide.
    assert within(share, 0.95, 300) or 0.95 < share < 0.995
