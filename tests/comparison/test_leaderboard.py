"""Leaderboards never mix data or budgets, average seeds, and show what needs no head."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest
from support.made_up import QUESTIONS, made_up, write_run

from qabench.comparison import leaderboard
from qabench.comparison.contests import gather, of_records
from qabench.comparison.leaderboard import Layout, Table
from qabench.errors import ReportError
from qabench.reports.report import Report
from qabench.scoring.records import Record
from qabench.views.tables import FORMATS, render


def tables(*reports: Report, **layout) -> list[Table]:
    records = [Record(report, Path(f"run-{place}")) for place, report in enumerate(reports)]
    return leaderboard.tables(of_records(records), Layout(**layout))


def labels(table: Table) -> list[str]:
    return [row.label for row in table.rows]


def cell(table: Table, label: str, header: str) -> str:
    (row,) = (row for row in table.rows if row.label == label)
    place = [column.header for column in table.columns].index(header)
    return "–" if row.cells[place] is None else str(row.cells[place])


def test_a_table_ranks_by_em_and_ends_with_the_lines_that_need_no_head():
    (table,) = tables(made_up("one", exact=55.0), made_up("two", exact=60.0))
    assert labels(table) == ["two", "one", "always null", "random span"]
    assert cell(table, "always null", "EM") == "50.00"
    assert cell(table, "random span", "F1") == "5.00"
    assert "4 questions (2 without answer)" in table.title


def test_a_table_can_rank_by_another_column_less_being_better_for_costs():
    slow, quick = made_up("slow", exact=60.0), made_up("quick", exact=55.0)
    quick = dataclasses.replace(quick, budget=dataclasses.replace(quick.budget, train_seconds=1.0))
    (table,) = tables(slow, quick, sort="train_s")
    assert labels(table)[:2] == ["quick", "slow"]


def test_seeds_are_averaged_and_their_spread_is_shown_never_the_best():
    (table,) = tables(made_up(seed=0, exact=50.0), made_up(seed=1, exact=60.0))
    assert table.rows[0].seeds == (0, 1)
    assert cell(table, "one", "EM") == "55.00 ± 7.07"


def test_runs_on_different_data_never_share_a_table():
    first, second = tables(made_up(), made_up(data="1" * 64))
    assert first.title != second.title


def test_runs_of_other_settings_are_other_rows_that_say_in_what_they_differ():
    settings = made_up().settings
    other = made_up(settings={**settings, "training": {"learning_rate": 2e-3, "epochs": 2}})
    (table,) = tables(made_up(), other)
    assert sorted(labels(table)[:2]) == [
        "one (training.learning_rate=0.001)",
        "one (training.learning_rate=0.002)",
    ]


def longer(report: Report) -> Report:
    return dataclasses.replace(report, budget=dataclasses.replace(report.budget, epochs=9))


def test_systems_of_another_budget_are_marked_and_stand_below_however_good():
    fair = [made_up("one", exact=55.0), made_up("two", exact=60.0)]
    (table,) = tables(*fair, longer(made_up("three", exact=90.0)))
    assert labels(table)[:3] == ["two", "one", "≠ three"]
    assert any("another budget" in note for note in table.notes)


def test_unequal_budgets_are_ranked_where_one_asks_for_it_and_the_table_says_so():
    reports = [made_up("one", exact=55.0), longer(made_up("three", exact=90.0))]
    (table,) = tables(*reports, unequal_budgets=True)
    assert labels(table)[:2] == ["three", "one"]
    assert any("not equal" in note for note in table.notes)


def test_a_seed_that_ends_at_the_level_of_no_head_is_flagged_as_diverged():
    runs = [made_up(seed=seed, exact=exact) for seed, exact in enumerate((60.0, 61.0, 50.0))]
    (table,) = tables(*runs)
    assert [note for note in table.notes if "diverged" in note] == [
        "! one seed 2: diverged, EM 50.00 where the other seeds have 60.50"
    ]


def test_a_copy_of_a_run_counts_once_and_another_run_of_the_same_seed_is_refused():
    (table,) = tables(made_up(), made_up())
    assert table.rows[0].seeds == (0,)
    with pytest.raises(ReportError, match=r"seed 0 twice.*run-0 and run-1"):
        tables(made_up(exact=60.0), made_up(exact=61.0))


def foreign(name: str, **changed) -> Report:
    return dataclasses.replace(
        made_up(name, **changed),
        **dict.fromkeys(("train", "backbone", "budget", "environment", "weights_sha256")),
        benchmark="imported",
        settings={},
    )


def test_a_foreign_system_joins_the_contest_on_its_questions_but_not_its_ranking():
    (table,) = tables(made_up("one"), foreign("foreign", exact=99.0))
    assert labels(table)[:2] == ["one", "? foreign"]
    assert cell(table, "? foreign", "train s") == "–"
    assert any(note.startswith("? of unknown budget") for note in table.notes)


def test_two_foreign_systems_are_of_unknown_budget_both():
    (table,) = tables(foreign("one", exact=60.0), foreign("two", exact=70.0))
    assert labels(table)[:2] == ["? two", "? one"]
    assert not any(note.startswith("≠") for note in table.notes)
    (table,) = tables(foreign("one", exact=60.0), foreign("two", exact=70.0), unequal_budgets=True)
    assert labels(table)[:2] == ["two", "one"]


def test_a_foreign_system_by_itself_is_compared_with_nothing_and_has_no_mark():
    (table,) = tables(foreign("one"))
    assert labels(table)[0] == "one"


def tuned(halves="articles") -> dict:
    keys = {"exact": 54.0, "f1": 55.0, "total": 2}
    always = {"exact": 51.0, "f1": 51.0, "total": 2}
    return {
        "null_threshold": 0.5,
        "tune_questions": 2,
        "halves": halves,
        "official": keys,
        "always_null": always,
        "random_span": {**always, "exact": 2.0},
    }


def with_scores(report: Report, **changed) -> Report:
    return dataclasses.replace(report, scores=dataclasses.replace(report.scores, **changed))


def test_lines_that_need_no_head_have_scores_of_the_test_half():
    (table,) = tables(with_scores(made_up(), tuned=tuned()))
    assert cell(table, "one", "test EM†") == "54.00"
    assert cell(table, "always null", "test EM†") == "51.00"
    assert cell(table, "random span", "test EM†") == "2.00"
    assert cell(table, "always null", "EM") == "50.00"


@pytest.mark.parametrize("halves", ["articles", "contexts"])
def test_what_the_halves_are_of_is_said_and_that_their_threshold_was_tuned_on_em(halves):
    (table,) = tables(with_scores(made_up(), tuned=tuned(halves)))
    expected = f"† at the threshold whose EM was best on the other half of the {halves}"
    assert table.notes.count(expected) == 1


def test_null_thresholds_are_shown_where_they_are_not_the_default_or_differ():
    one, two = (with_scores(made_up(name), tuned=tuned()) for name in ("one", "two"))
    (table,) = tables(one, two)
    assert "EM and F1 at null threshold 0 (the default is 1)" in table.notes
    (table,) = tables(one, with_scores(two, null_threshold=1.0))
    assert any("null thresholds differ" in note and "one 0, two 1" in note for note in table.notes)
    usual = [with_scores(report, null_threshold=1.0) for report in (one, two)]
    assert not any("threshold 1" in note or "differ" in note for note in tables(*usual)[0].notes)


def keeping_best(report: Report) -> Report:
    training = {**report.settings["training"], "keep_epoch": "best"}
    return dataclasses.replace(report, settings={**report.settings, "training": training})


def test_a_row_of_the_best_epoch_is_marked_and_of_another_budget():
    (table,) = tables(made_up("one"), made_up("two"), keeping_best(made_up("three", exact=90.0)))
    assert labels(table)[:3] == ["one", "two", "≠ three ‡"]
    assert any(note.startswith("‡ of the epoch that was best") for note in table.notes)


def test_a_score_that_the_data_does_not_have_is_a_dash():
    (table,) = tables(made_up())
    assert {cell(table, label, "NoAns EM") for label in labels(table)} == {"–"}


def test_columns_are_chosen_by_name_and_a_wrong_name_is_told_the_right_ones():
    (table,) = tables(made_up(), columns=("f1", "train_s"))
    assert [column.header for column in table.columns] == ["F1", "train s"]
    with pytest.raises(ReportError, match="no column 'f2'; there are em, f1"):
        tables(made_up(), columns=("f2",))


def test_warnings_of_a_run_stand_under_its_table():
    text = render(tables(made_up(warnings=("it never abstains",))), "plain")
    assert "! one seed 0: it never abstains" in text


def test_html_is_escaped():
    table = tables(made_up("<script>", warnings=("<b>",), benchmark="<i>"))
    text = render(table, "html")
    assert "<script>" not in text
    assert "<b>" not in text
    assert "<i>" not in text


def test_csv_and_json_have_numbers_not_text():
    table = tables(made_up(seed=0, exact=50.0), made_up(seed=1, exact=60.0))
    first = next(csv.DictReader(io.StringIO(render(table, "csv"))))
    assert float(first["em"]) == 55.0
    assert float(first["em_sd"]) == pytest.approx(7.0710678)
    (document,) = json.loads(render(table, "json"))
    assert document["rows"][0]["em"] == {"mean": 55.0, "sd": pytest.approx(7.0710678)}
    assert document["rows"][-1]["train_s"] is None


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_shows_every_system(format):
    text = render(tables(made_up("one"), made_up("two", exact=70.0)), format)
    assert "one" in text
    assert "two" in text


def test_many_heads_have_a_table_differences_and_a_document(tmp_path):
    for head in range(24):
        for seed in range(2):
            right = (np.arange(QUESTIONS) * 7 + seed) % (3 + head) > 0
            write_run(tmp_path, f"head-{head}", seed, right)
    (table,) = leaderboard.tables(gather([tmp_path]))
    assert len(table.rows) == 26
    (measured, *_) = table.differences.measured
    assert len(measured.comparisons) == 24 * 23 / 2
    assert "266 more pairs" in render([table], "plain")
    (document,) = json.loads(render([table], "json"))
    assert len(document["differences"]["measures"][0]["comparisons"]) == 276


def test_a_table_is_never_lost_because_nothing_can_be_compared(tmp_path):
    (table,) = tables(made_up("one"), made_up("two"))
    assert labels(table)[:2] == ["one", "two"]
    assert table.conclusions[0].startswith("! not compared: ")
    assert json.loads(render([table], "json"))[0]["differences"]["problem"]
