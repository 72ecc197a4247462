"""What a comparison shows, in words that claim no more than it does."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from qabench.comparison.differences import Differences, Measured
from qabench.comparison.measures import FINAL
from qabench.comparison.paired import SystemScores, compare_all
from qabench.comparison.units import Fixed, Units
from qabench.comparison.verdicts import conclusions, detectable, located, sentences, verdict
from qabench.scoring.scores import Score

EACH = Units("questions", np.arange(200))


def system(name: str, right: int, questions: int = 200, seeds: tuple[int, ...] = (0, 1, 2)):
    """Right on the first questions, with every seed but for one question each."""
    rows = np.stack([np.arange(questions) < right + (seed == 1) for seed in seeds])
    return SystemScores(name, rows.astype(float), seeds)


def compare(a, b, units=EACH, **options):
    (found,) = compare_all([a, b], units, **options)
    return found


def of(*comparisons):
    return Measured(FINAL[Score.EM], comparisons)


def test_a_clear_lead_is_said_with_points_interval_and_p():
    words = verdict(compare(system("one", 150), system("two", 100)), "EM")
    assert re.fullmatch(r"one is better than two by 25\.0 EM \(\+1.* … \+3.*, p < 0\.001\)", words)


def test_the_better_one_is_named_first_whichever_was_asked_about():
    words = verdict(compare(system("two", 100), system("one", 150)), "EM")
    assert words.startswith("one is better than two by 25.0 EM")


def test_a_difference_that_chance_would_make_is_undecided_with_what_would_decide_it():
    a, b = system("one", 100), system("two", 103)
    b.scores[:, :3] = 0
    words = verdict(compare(a, b), "F1")
    assert words.startswith("undecided between one and two: −")
    assert re.search(r"; about [\d,]+ questions would likely decide it$", words)


def test_equal_within_the_margin_is_said_with_the_margin():
    words = verdict(compare(system("one", 100), system("two", 103), margin=0.1), "EM")
    assert re.fullmatch(r"one and two are equal within 10 EM \(−.* … \+.*\)", words)


def test_equal_scores_on_every_question_are_called_that():
    words = verdict(compare(system("one", 100), system("two", 100)), "EM")
    assert words == "one and two have the same EM on every question"


def test_runs_are_called_runs():
    one, two = system("one", 150, seeds=(0,)), system("two", 100)
    found = compare(one, two)
    assert verdict(found, "EM").startswith("this run of one is better than these 3 runs of two by")
    turned = dataclasses.replace(found, seeds_a=3, seeds_b=1)
    assert verdict(turned, "EM").startswith("these 3 runs of one are better than this run of two")
    notes = conclusions(Differences((of(found),)))
    assert any("heads need at least 2 seeds each, better 3" in line for line in notes)


def test_results_of_few_articles_are_said_to_be_of_those_only():
    units = Units("contexts", np.arange(200) // 2, Fixed("articles", 3))
    found = compare(system("one", 150), system("two", 100), units)
    assert "is better than two on these 3 articles by" in verdict(found, "EM")
    notes = conclusions(Differences((of(found),)))
    assert any("results are of these 3 articles only" in line for line in notes)


def test_pairs_are_said_to_hold_together():
    systems = [system("one", 150), system("two", 100), system("three", 50)]
    lines = conclusions(Differences((of(*compare_all(systems, EACH)),)))
    assert any("hold together for 3 pairs (Tukey)" in line for line in lines)


def test_unequal_numbers_of_seeds_are_warned_of():
    found = compare(system("one", 150), system("two", 100, seeds=(0, 1)))
    lines = conclusions(Differences((of(found),)))
    assert any("unequal numbers of seeds" in line for line in lines)


def test_of_many_pairs_those_of_the_best_are_said_and_the_rest_counted():
    systems = [system(f"head {place}", 100 + place) for place in range(8)]
    lines = list(sentences(of(*compare_all(systems, EACH))))
    assert len(lines) == 11
    assert all("head 0" in line for line in lines[:7])
    assert lines[-1].startswith("EM: 18 more pairs, ")


def test_the_smallest_detectable_difference_is_a_range_over_several_pairs():
    systems = [system("one", 150), system("two", 100), system("three", 90)]
    pairs = compare_all(systems, EACH)
    ends = sorted(100 * pair.detectable for pair in pairs)
    assert detectable(of(*pairs)) == (
        f"the smallest difference that such a sample would likely show is {ends[0]:.1f} to "
        f"{ends[-1]:.1f} EM"
    )
    assert " to " not in detectable(of(*pairs[:1]))
    assert detectable(of(compare(systems[0], system("copy", 150)))) is None


def test_a_comparison_that_cannot_be_made_says_why():
    assert conclusions(Differences(problem="a file is gone.")) == (
        "! not compared: a file is gone.",
    )


def test_where_a_difference_lies_needs_questions_without_answer():
    pair = compare(system("one", 150), system("two", 100))
    assert located(Differences((of(pair),))) == ((), ())


@pytest.mark.parametrize("low", [0.0001, 0.00004, 0.02])
def test_an_interval_that_leaves_zero_out_is_printed_so(low):
    found = compare(system("one", 150), system("two", 100))
    near = dataclasses.replace(found, interval=(low, 0.05))
    printed = re.search(r"\((\S+) … ", verdict(near, "EM"))[1]
    assert float(printed) > 0
