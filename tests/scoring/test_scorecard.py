"""A report's scores: one family for each entry, all from the results by question."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support.made_up import QUESTIONS, results

from qabench.base.packaged import schema
from qabench.reports.report import ReportScores
from qabench.scoring.scorecard import FAMILIES, report_scores


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
