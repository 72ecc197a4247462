"""Systems are compared question by question, and what comes out is said in words."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from support.made_up import QUESTIONS, write_run

from qabench.comparison.contests import gather, opponents
from qabench.comparison.differences import Question, differences
from qabench.comparison.side_by_side import side_by_side
from qabench.comparison.verdicts import conclusions
from qabench.errors import ReportError
from qabench.reports import report_file
from qabench.reports.unfinished import Unfinished
from qabench.scoring import outcomes
from qabench.scoring.scores import Score
from qabench.views.compare_text import render


@pytest.fixture
def runs(tmp_path) -> Path:
    """``good`` is right on 100 questions, ``bad`` on 60 of them; two seeds that differ a little."""
    for seed in (0, 1):
        good = np.arange(QUESTIONS) < 100 + seed
        bad = (np.arange(QUESTIONS) % 2 == 0) | (np.arange(QUESTIONS) < seed)
        write_run(tmp_path, "good", seed, good)
        write_run(tmp_path, "bad", seed, bad)
    return tmp_path


def said(contest, **asked):
    return conclusions(differences(contest, Question(**asked)))


def test_the_better_system_is_named_with_its_lead_and_interval(runs):
    (contest,) = gather([runs])
    words = said(contest)
    assert words[0].startswith("EM: good is better than bad by ")
    assert "  95 % interval over 40 articles and all seeds." in words


def test_a_system_and_its_copy_are_the_same(tmp_path):
    right = np.arange(QUESTIONS) % 3 == 0
    for name in ("one", "two"):
        write_run(tmp_path, name, 0, right)
    (contest,) = gather([tmp_path])
    assert said(contest)[0] == "EM: one and two have the same EM on every question."


def test_few_flips_decide_nothing(tmp_path):
    right = np.arange(QUESTIONS) < 60
    write_run(tmp_path, "one", 0, right)
    right = right.copy()
    right[[3, 70, 90, 110, 30, 33, 36]] ^= True
    write_run(tmp_path, "two", 0, right)
    (contest,) = gather([tmp_path])
    words = said(contest)
    assert words[0].startswith("EM: undecided between this run of ")
    assert any("holds for these trained models only" in line for line in words)


def test_only_the_baseline_is_compared_with(runs):
    write_run(runs, "third", 0, np.arange(QUESTIONS) < 90)
    (contest,) = gather([runs])
    words = said(contest, baseline="bad")
    pairs = [line for line in words if line.startswith("EM:")]
    assert len(pairs) == 2
    assert all("bad" in line for line in pairs)
    assert any("hold together for 2 pairs (Dunnett)" in line for line in words)


def test_systems_of_other_budgets_are_compared_only_where_one_asks_for_it(runs):
    folder = write_run(runs, "longer", 0, np.ones(QUESTIONS, bool))
    report = report_file.read(folder / report_file.FILE_NAME)
    budget = dataclasses.replace(report.budget, epochs=9)
    report_file.write(dataclasses.replace(report, budget=budget), folder)
    (contest,) = gather([runs])
    assert not any("longer" in line for line in said(contest))
    assert any("longer" in line for line in said(contest, unequal_budgets=True))


def test_without_results_by_question_nothing_is_compared(runs):
    (runs / "bad" / "seed-0" / outcomes.FILE_NAME).unlink()
    (contest,) = gather([runs])
    (line,) = said(contest)
    assert line.startswith("! not compared: ")
    assert "questions.parquet cannot be read" in line


def test_two_places_are_two_systems_of_one_contest(runs):
    contest, good, bad = opponents(runs / "good", runs / "bad" / "seed-0")
    assert (good.label, good.seeds) == ("good", (0, 1))
    assert (bad.label, bad.seeds) == ("bad", (0,))
    assert len(contest.systems) == 2


def test_a_place_with_several_systems_is_no_opponent(runs):
    with pytest.raises(ReportError, match="holds runs of 2 systems"):
        opponents(runs, runs / "good")


def test_systems_on_other_questions_are_no_opponents(runs):
    other = write_run(runs / "other", "third", 0, np.ones(QUESTIONS, bool), data="1" * 64)
    with pytest.raises(ReportError, match="not one contest but 2"):
        opponents(runs / "good", other)


def test_side_by_side_counts_what_it_says(runs):
    _, good, bad = opponents(runs / "good", runs / "bad")
    found = side_by_side(good, bad)
    em = found.overall[0]
    assert em.a == pytest.approx(100 * (100 + 101) / 2 / QUESTIONS)
    assert em.b == pytest.approx(100 * 60 / QUESTIONS)
    assert em.comparison.difference == pytest.approx((em.a - em.b) / 100)
    assert em.comparison.sample.units == 40
    for seed, test in found.by_seed:
        right = [system.records[seed].final(Score.EM) for system in (good, bad)]
        assert test.only_a == int((right[0] > right[1]).sum())
        assert test.only_b == int((right[0] < right[1]).sum())
    assert sum(a for _, a, _ in found.faults) == pytest.approx(100 - em.a)
    flips = np.abs(good.final(Score.EM).mean(0) - bad.final(Score.EM).mean(0))
    assert len(found.flips) == int((flips > 0).sum())
    assert all(abs(one.a - one.b) > 0 for one in found.flips)


def test_slices_of_all_questions_are_left_out(runs):
    _, good, bad = opponents(runs / "good", runs / "bad")
    names = {one.name for one in side_by_side(good, bad).by_slice}
    # Every context has five words, and not every question has an answer.
    assert not any(name.startswith("context length") for name in names)
    assert {"question word: who", "question word: when", "answer length: 1 word"} <= names


def test_a_flip_shows_the_answers_of_the_lowest_seeds(tmp_path):
    right = np.arange(QUESTIONS) < 60
    for name, seeds in (("steady", {0: right, 1: right}), ("shaky", {3: right, 7: ~right})):
        for seed, answered in seeds.items():
            write_run(tmp_path, name, seed, answered)
    _, steady, shaky = opponents(tmp_path / "steady", tmp_path / "shaky")
    flips = side_by_side(steady, shaky).flips
    assert {flip.b for flip in flips} == {0.5}
    # Seed 3, not seed 7, answers what the others do.
    assert [one.answer_b for one in flips] == [one.answer_a for one in flips]
    assert {flip.answer_a for flip in flips} == {"Anna", ""}


def test_the_text_shows_questions_without_their_escape_sequences(runs):
    contest, good, bad = opponents(runs / "good", runs / "bad")
    text = render(side_by_side(good, bad), contest, slices=3, flips=60)
    assert "EM: good is better than bad" in text
    assert "exact McNemar test, p < 0.001" in text
    assert "[Anna] came in May" in text
    assert "When did" in text
    assert "\x1b" not in text


def test_the_text_in_markdown_is_no_markup(runs):
    contest, good, bad = opponents(runs / "good", runs / "bad")
    evil = dataclasses.replace(good, label="<b> @someone | *")
    text = render(side_by_side(evil, bad), contest, slices=3, flips=2, format="github")
    assert "<b>" not in text
    assert "@someone" not in text
    assert r"\<b\> @&#8203;someone \| \*" in text
    assert r"…\[" in text or r"\[Anna\]" in text


def test_the_text_names_a_seed_that_is_left_out(runs):
    contest, good, bad = opponents(runs / "good", runs / "bad")
    missing = Unfinished(Path("seed-1"), contest.benchmark, "good", 1, "", "The loss is nan")
    text = render(
        side_by_side(good, bad), dataclasses.replace(contest, unfinished=(missing,)), 0, 0
    )
    assert "! good seed 1: left out, because it diverged: The loss is nan (seed-1)" in text


def test_mirrored_places_give_mirrored_differences(runs):
    _, good, bad = opponents(runs / "good", runs / "bad")
    there, back = side_by_side(good, bad), side_by_side(bad, good)
    for one, other in zip(there.overall, back.overall, strict=True):
        assert one.comparison.difference == -other.comparison.difference
        assert one.comparison.interval == tuple(-end for end in other.comparison.interval[::-1])


def test_the_margin_reaches_every_measure_and_slice(runs):
    _, good, bad = opponents(runs / "good", runs / "bad")
    found = side_by_side(good, bad, margin=7.0)
    every = [one for measured in found.differences.measured for one in measured.comparisons]
    every += [one.comparison for one in (*found.overall, *found.by_slice)]
    assert {one.margin for one in every} == {0.07}
