"""What a comparison shows, in words that claim no more than it does."""

from __future__ import annotations

import numpy as np
import pytest

from qabench.comparison.statistics import SystemScores, compare, compare_all
from qabench.comparison.verdicts import detectable, verdict


def system(name: str, right: int, questions: int = 200, seeds: tuple[int, ...] = (0, 1, 2)):
    """Right on the first questions, with every seed."""
    row = (np.arange(questions) < right).astype(float)
    return SystemScores(name, np.stack([row] * len(seeds)), seeds)


def test_a_clear_lead_is_said_with_points_interval_and_p():
    words = verdict(compare(system("one", 150), system("two", 100)), "EM")
    assert words.outcome == "better"
    assert words.text.startswith("one is better than two by 25.0 EM (95 % interval +")
    assert words.text.endswith("p < 0.001)")
    assert words.notes == ()


def test_the_better_one_is_named_first_whichever_was_asked_about():
    words = verdict(compare(system("two", 100), system("one", 150)), "EM")
    assert words.outcome == "worse"
    assert words.text.startswith("one is better than two by 25.0 EM")


def test_a_difference_that_chance_would_make_is_no_evidence_and_not_sameness():
    a, b = system("one", 100), system("two", 103)
    b.scores[:, :3] = 0
    words = verdict(compare(a, b), "F1")
    assert words.outcome == "no evidence"
    assert words.text.startswith("no evidence of a difference between one and two: 95 % interval −")


def test_equal_scores_on_every_question_are_called_that():
    words = verdict(compare(system("one", 100), system("two", 100)), "EM")
    assert (words.outcome, words.text) == (
        "identical",
        "one and two have the same EM on every question",
    )


def test_a_handful_of_differing_questions_is_too_few():
    words = verdict(compare(system("one", 100), system("two", 102)), "EM")
    assert words.outcome == "too few"
    assert "differs on 2 of 200 questions" in words.text


def test_a_single_seed_is_said_to_measure_no_variation_over_seeds():
    one = system("one", 150, seeds=(0,))
    (note,) = verdict(compare(one, system("two", 100)), "EM").notes
    assert note.startswith("one: one seed")


def test_few_articles_are_named():
    articles = [f"article {number // 20}" for number in range(200)]
    words = verdict(compare(system("one", 150), system("two", 100), articles=articles), "EM")
    assert any("only 10 articles" in note for note in words.notes)


def test_several_pairs_are_said_to_be_corrected_for():
    systems = [system("one", 150), system("two", 100), system("three", 50)]
    for pair in compare_all(systems):
        assert "after Holm over 3 pairs" in verdict(pair, "EM").text


def test_the_smallest_detectable_difference_is_a_range_over_several_pairs():
    systems = [system("one", 150), system("two", 100), system("three", 90)]
    pairs = compare_all(systems)
    ends = sorted(100 * pair.smallest_detectable for pair in pairs)
    assert detectable(pairs, "EM") == (
        f"the smallest difference that such a sample would likely show is {ends[0]:.1f} to "
        f"{ends[-1]:.1f} EM"
    )
    assert " to " not in detectable(pairs[:1], "EM")
    assert detectable([compare(systems[0], systems[0])], "EM") is None


@pytest.mark.parametrize("metric", ["EM", "F1"])
def test_the_metric_is_named(metric):
    assert f"25.0 {metric} (" in verdict(compare(system("a", 150), system("b", 100)), metric).text
