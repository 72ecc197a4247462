"""Thresholds: a sweep equals trying them one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabench.scoring.thresholds import precision_recall, risk_coverage, sweep

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


def at(curve, threshold):
    """The mean score that a sweep has at a threshold."""
    return curve.scores[np.flatnonzero(curve.edges <= threshold)[-1]]


@given(questions(), st.floats(-4, 5))
def test_a_sweep_is_the_slow_loop_at_every_threshold(data, threshold):
    curve = sweep(*data)
    for one in (threshold, *data[0], -math.inf, math.inf):
        assert at(curve, one) == pytest.approx(slow_mean(*data, one))
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
        pytest.param([0, 5, 6, 7], [1, 0, 1, 0], [1, 0, 1, 0], 2.5, id="the widest, not the last"),
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
    assert slow_mean(*data, sweep(*data).best()) == 1


def test_float32_odds_are_swept_as_the_numbers_they_are():
    data = np.array([0.1, 0.2], np.float32), np.array([1.0, 0.0]), np.array([True, False])
    assert at(sweep(*data), float(np.float32(0.1))) == 1


@pytest.mark.parametrize(
    ("null_odds", "scores", "problem"),
    [
        ([], [], "not empty"),
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
    true_pos, cur_p, cur_r = 0.0, 1.0, 0.0
    precisions, recalls = [], []
    for i, qid in enumerate(order):
        if has_answer[qid]:
            true_pos += scores[qid]
        cur_p = true_pos / float(i + 1)
        cur_r = true_pos / float(sum(has_answer))
        if i == len(order) - 1 or null_odds[qid] != null_odds[order[i + 1]]:
            precisions.append(cur_p)
            recalls.append(cur_r)
    return precisions, recalls


@given(questions().filter(lambda data: data[2].any()))
def test_precision_and_recall_are_the_official_ones(data):
    curve = precision_recall(*data)
    precisions, recalls = official_precision_recall(*data)
    assert curve.precision == pytest.approx(precisions)
    assert curve.recall == pytest.approx(recalls)


def test_without_an_answerable_question_there_is_no_recall():
    with pytest.raises(ValueError, match="no recall"):
        precision_recall(np.zeros(2), np.zeros(2), np.zeros(2, bool))


@given(questions())
def test_risk_is_what_answered_questions_lose(data):
    null_odds, scores, _ = data
    curve = risk_coverage(*data)
    thresholds = sorted(set(null_odds))
    for threshold, coverage, risk in zip(thresholds, curve.coverage, curve.risk, strict=True):
        answered = null_odds <= threshold
        assert coverage == pytest.approx(answered.mean())
        assert risk == pytest.approx(1 - scores[answered].mean())
