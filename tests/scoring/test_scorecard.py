"""A report's scores: one family for each entry, all from the results by question."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support.made_up import QUESTIONS, results

from qabench.base.packaged import schema
from qabench.data.examples import ExampleSet
from qabench.reports.report import ReportScores
from qabench.scoring.scorecard import FAMILIES, doubts, report_scores


def test_every_family_is_a_field_of_the_report_and_in_its_schema():
    fields = [field.name for field in dataclasses.fields(ReportScores)]
    names = [one.name for one in FAMILIES]
    assert sorted([*names, "null_threshold", "abstained"]) == sorted(fields)
    assert list(schema("report")["properties"]["scores"]["properties"]) == fields


def test_the_threshold_is_chosen_on_the_tune_half_and_scored_on_the_other():
    found = results(np.ones(QUESTIONS, bool))
    # Right at every threshold from -1 to 1 on the tune half, from 3 to 5 on the other.
    odds = np.where(found.tune, found.null_odds, found.null_odds + 4)
    scores = report_scores(dataclasses.replace(found, null_odds=odds), 4.0)
    assert scores.tuned["null_threshold"] == 0
    assert scores.tuned["tune_questions"] == found.tune.sum()
    assert scores.tuned["official"]["total"] == (~found.tune).sum()
    assert scores.tuned["official"]["HasAns_exact"] == 0
    assert scores.tuned["official"]["NoAns_exact"] == 100
    assert scores.official["NoAns_exact"] < 100


@pytest.mark.parametrize("half", [True, False])
def test_without_two_halves_no_threshold_is_tuned(half):
    found = results(np.arange(QUESTIONS) % 2 == 0)
    tune = np.full(QUESTIONS, half)
    assert report_scores(dataclasses.replace(found, tune=tune), 0.0).tuned is None


def test_without_null_odds_no_threshold_is_tuned():
    found = results(np.arange(QUESTIONS) % 2 == 0)
    assert report_scores(dataclasses.replace(found, null_odds=None), 0.0).tuned is None


def test_an_empty_answer_counts_as_abstained_whatever_the_null_odds():
    found = results(np.ones(QUESTIONS, bool))
    abstained = int((found.null_odds > 0).sum())
    assert report_scores(found, 0.0).abstained == abstained
    first = int(np.flatnonzero(found.null_odds < 0)[0])
    answers = [*found.answers]
    answers[first] = ""
    changed = dataclasses.replace(found, answers=tuple(answers))
    assert report_scores(changed, 0.0).abstained == abstained + 1


def test_the_test_half_has_its_own_lines_that_need_no_head():
    found = results(np.ones(QUESTIONS, bool))
    tuned = report_scores(found, 0.0).tuned
    assert tuned["halves"] == "articles"
    without = 100 * float((~found.has_answer[~found.tune]).mean())
    assert tuned["always_null"]["exact"] == pytest.approx(without)
    assert tuned["random_span"]["total"] == (~found.tune).sum()
    assert not any(key.startswith("best_") for key in tuned["official"])


def test_the_null_threshold_decides_the_official_scores():
    found = results(np.ones(QUESTIONS, bool))
    odds = np.where(found.has_answer, 0.3, 0.6)
    changed = dataclasses.replace(found, null_odds=odds)
    exact = [report_scores(changed, threshold).official["exact"] for threshold in (0.2, 0.5, 1.0)]
    share = 100 * float(found.has_answer.mean())
    assert exact == pytest.approx([100 - share, 100, share])


def test_a_head_below_always_null_on_the_test_half_is_doubted():
    found = results(np.ones(QUESTIONS, bool))
    data = ExampleSet(found.examples, "made up", ())
    scores = report_scores(found, 0.0)
    assert doubts(scores, data) == []
    low = {**scores.tuned, "official": {**scores.tuned["official"], "exact": 0.0}}
    (doubt,) = doubts(dataclasses.replace(scores, tuned=low), data)
    assert doubt.startswith("test EM 0.00 is not above always answering nothing in the same half (")
