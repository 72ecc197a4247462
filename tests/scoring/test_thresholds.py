"""Thresholds: a sweep equals trying them one by one; halves are by article and stable."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabench.data.halves import tune_test_split
from qabench.errors import DataError
from qabench.scoring.thresholds import held_out, precision_recall, risk_coverage, scores_at, sweep

# Few distinct null odds, so that ties are common.
odds = st.sampled_from([-2.0, -0.5, 0.0, 0.5, 3.25])


@st.composite
def questions(draw):
    """(null odds, score if answered, has answer); an unanswerable one answered scores 0, or 1
    where the answer is empty.
    """
    rows = draw(
        st.lists(
            st.tuples(odds, st.booleans(), st.sampled_from([0.0, 0.4, 1.0])), min_size=1, max_size=9
        )
    )
    has_answer = np.array([has for _, has, _ in rows])
    scores = np.array([score if has else float(score == 1) for _, has, score in rows])
    return np.array([one for one, _, _ in rows]), scores, has_answer


def slow_mean(null_odds, scores, has_answer, threshold):
    total = 0.0
    for one, score, has in zip(null_odds, scores, has_answer, strict=True):
        total += float(not has) if one > threshold else score
    return total / len(scores)


@given(questions(), st.floats(-4, 5))
def test_a_sweep_is_the_slow_loop_at_every_threshold(data, threshold):
    curve = sweep(*data)
    for one in (threshold, *data[0], -math.inf, math.inf):
        assert curve.at(one) == pytest.approx(slow_mean(*data, one))
        assert scores_at(*data, one).mean() == pytest.approx(slow_mean(*data, one))
    assert curve.edges.tolist() == [-math.inf, *sorted(set(data[0]))]


@given(questions(), st.floats(-4, 5))
def test_the_best_threshold_is_never_below_a_fixed_one_on_the_questions_it_was_tuned_on(
    data, fixed
):
    best = sweep(*data).best()
    assert math.isfinite(best)
    assert slow_mean(*data, best) >= slow_mean(*data, fixed) - 1e-9
    assert slow_mean(*data, best) >= slow_mean(*data, 0.0) - 1e-9


def test_questions_with_equal_odds_switch_together():
    # Passing ties one by one, the official script reports a best score of 100 here.
    assert (
        sweep(np.array([0.5, 0.5]), np.array([1.0, 0.0]), np.array([True, False])).scores.max()
        == 0.5
    )


@pytest.mark.parametrize(
    ("null_odds", "scores", "has_answer", "threshold"),
    [
        pytest.param([-1, 3], [1, 0], [1, 0], 1.0, id="middle of the stretch"),
        pytest.param([0, 1, 2, 5], [1, 0, 1, 0], [1, 0, 1, 0], 3.5, id="the widest of several"),
        pytest.param([0, 1, 2, 3], [1, 1, 0, 0], [1, 1, 0, 0], 1.5, id="only one is best"),
        pytest.param([0, 1, 2, 3], [1, 0, 1, 1], [1, 0, 0, 0], 0.5, id="of equally wide, lowest"),
        pytest.param([0, 1, 2], [1, 0, 0], [1, 1, 0], 1.0, id="steps of a stretch are joined"),
        pytest.param([4, 7], [1, 1], [1, 1], 7.0, id="answering everything is best"),
        pytest.param([4, 7], [0, 0], [0, 0], np.nextafter(4, -1), id="nulling everything is best"),
    ],
)
def test_the_best_threshold_is_the_middle_of_the_widest_stretch(
    null_odds, scores, has_answer, threshold
):
    curve = sweep(np.array(null_odds, float), np.array(scores, float), np.array(has_answer, bool))
    assert curve.best() == threshold


def test_neighbouring_floats_have_no_middle_but_a_best_threshold():
    low = 1.0
    high = np.nextafter(low, 2)
    data = np.array([low, high]), np.array([1.0, 0.0]), np.array([True, False])
    assert scores_at(*data, sweep(*data).best()).mean() == 1


def test_float32_odds_are_swept_as_the_numbers_they_are():
    data = np.array([0.1, 0.2], np.float32), np.array([1.0, 0.0]), np.array([True, False])
    assert sweep(*data).at(float(np.float32(0.1))) == 1


@pytest.mark.parametrize(
    ("null_odds", "scores", "problem"),
    [
        ([], [], "not none"),
        ([1.0], [1.0, 0.0], "same questions"),
        ([np.nan, 1.0], [1.0, 0.0], "finite"),
        ([np.inf, 1.0], [1.0, 0.0], "finite"),
    ],
)
def test_odds_that_cannot_be_swept_are_refused(null_odds, scores, problem):
    with pytest.raises(ValueError, match=problem):
        sweep(np.array(null_odds), np.array(scores), np.ones(len(scores), bool))


# --- curves


def official_precision_recall(null_odds, scores, has_answer):
    """make_precision_recall_eval of evaluate-v2.0.py, in its words."""
    order = sorted(range(len(scores)), key=lambda one: null_odds[one])
    true_pos, cur_p, cur_r, avg_prec = 0.0, 1.0, 0.0, 0.0
    precisions, recalls = [], []
    for i, qid in enumerate(order):
        if has_answer[qid]:
            true_pos += scores[qid]
        cur_p = true_pos / float(i + 1)
        cur_r = true_pos / float(sum(has_answer))
        if i == len(order) - 1 or null_odds[qid] != null_odds[order[i + 1]]:
            avg_prec += cur_p * (cur_r - (recalls[-1] if recalls else 0.0))
            precisions.append(cur_p)
            recalls.append(cur_r)
    return precisions, recalls, avg_prec


@given(questions().filter(lambda data: data[2].any()))
def test_precision_and_recall_are_the_official_ones(data):
    curve = precision_recall(*data)
    precisions, recalls, average = official_precision_recall(*data)
    assert curve.precision == pytest.approx(precisions)
    assert curve.recall == pytest.approx(recalls)
    assert curve.average_precision == pytest.approx(average)


def test_without_an_answerable_question_there_is_no_recall():
    with pytest.raises(ValueError, match="no recall"):
        precision_recall(np.zeros(2), np.zeros(2), np.zeros(2, bool))


@given(questions())
def test_risk_is_what_answered_questions_lose(data):
    null_odds, scores, _ = data
    curve = risk_coverage(*data)
    assert curve.thresholds.tolist() == sorted(set(null_odds))
    for threshold, coverage, risk in zip(curve.thresholds, curve.coverage, curve.risk, strict=True):
        answered = null_odds <= threshold
        assert coverage == pytest.approx(answered.mean())
        assert risk == pytest.approx(1 - scores[answered].mean())


def test_the_area_is_the_mean_risk_over_coverage():
    curve = risk_coverage(np.array([0.0, 1, 2, 3]), np.array([1.0, 1, 0, 0]), np.ones(4, bool))
    assert curve.risk == pytest.approx([0, 0, 1 / 3, 1 / 2])
    assert curve.area == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)


# --- tune and test


def test_the_test_half_has_no_say_in_the_threshold():
    null_odds = np.array([-1.0, 1.0, 2.0, 3.0])
    scores, has_answer = np.array([1.0, 0, 1, 0]), np.array([True, False, True, False])
    tune = np.array([True, True, False, False])
    found = held_out(null_odds, scores, has_answer, tune)
    assert found.threshold == 0
    assert (found.tune_score, found.test_score, found.best_test_score) == (1, 0.5, 1)


titles = st.lists(st.sampled_from(["a", "b", "c", "d", "e", None, ""]), min_size=2, max_size=40)


@given(titles, st.integers(0, 5))
def test_an_article_is_in_one_half_and_the_halves_are_about_equal(articles, seed):
    named = [title for title in articles if title]
    assume_two = len(set(named)) + len(articles) - len(named)
    if assume_two < 2:
        with pytest.raises(DataError, match="one article"):
            tune_test_split(articles, seed)
        return
    tune = tune_test_split(articles, seed)
    for title in set(named):
        assert (
            len({bool(half) for half, one in zip(tune, articles, strict=True) if one == title}) == 1
        )
    biggest = max([named.count(title) for title in named], default=1)
    assert abs(int(tune.sum()) - int((~tune).sum())) <= max(biggest, 1)
    assert tune.any()
    assert not tune.all()


@given(st.permutations(["a", "a", "b", "c", "c", "c", "d", "e"]))
def test_the_split_does_not_depend_on_the_order_of_the_questions(articles):
    in_tune = {
        title for title, half in zip(articles, tune_test_split(articles, 3), strict=True) if half
    }
    ordered = ["a", "a", "b", "c", "c", "c", "d", "e"]
    assert in_tune == {
        title for title, half in zip(ordered, tune_test_split(ordered, 3), strict=True) if half
    }


def test_the_split_is_the_same_everywhere_and_another_for_another_seed():
    articles = [f"Article {number}" for number in range(12)]
    assert (
        "".join("01"[half] for half in tune_test_split(articles, 0).astype(int)) == "011001110001"
    )
    assert (
        "".join("01"[half] for half in tune_test_split(articles, 1).astype(int)) == "010100011110"
    )
