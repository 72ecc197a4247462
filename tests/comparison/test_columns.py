"""Each column has a number of a run, shown with its own decimals and ranked its own way."""

from __future__ import annotations

import dataclasses

import pytest
from support.made_up import made_up

from qabench.base.numbers import fixed
from qabench.comparison.columns import COLUMNS, DEFAULT_COLUMNS, columns
from qabench.errors import ReportError
from qabench.reports.report import MetricFacts, Report


def report() -> Report:
    """A report in which every column has another number."""
    made = made_up()
    keys = ("exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "best_exact", "best_f1")
    official = {key: 11.111 * (place + 1) for place, key in enumerate(keys)}
    tuned = {"official": {"exact": 1.234, "f1": 2.345}}
    scores = dataclasses.replace(made.scores, official=official, tuned=tuned)
    budget = dataclasses.replace(
        made.budget,
        train_seconds=12.34,
        predict_seconds=5.67,
        tokens_per_second=1234.5678,
        head_parameters=1026,
    )
    return dataclasses.replace(made, scores=scores, budget=budget)


@pytest.mark.parametrize(
    ("name", "header", "text"),
    [
        ("em", "EM", "11.11"),
        ("f1", "F1", "22.22"),
        ("has_em", "HasAns EM", "33.33"),
        ("has_f1", "HasAns F1", "44.44"),
        ("no_em", "NoAns EM", "55.56"),
        ("test_em", "test EM†", "1.23"),
        ("test_f1", "test F1†", "2.35"),
        ("best_em", "best EM*", "66.67"),
        ("best_f1", "best F1*", "77.78"),
        ("train_s", "train s", "12"),
        ("predict_s", "predict s", "5.7"),
        ("tokens_s", "tokens/s", "1235"),
        ("parameters", "head parameters", "1026"),
    ],
)
def test_a_column_has_its_header_its_number_and_its_decimals(name, header, text):
    (column,) = columns([name])
    assert column.header == header
    assert fixed(column.value(report()), column.decimals) == text


def test_every_column_is_in_the_list_above_and_costs_rank_the_other_way_round():
    costs = {column.name for column in COLUMNS if not column.more_is_better}
    assert costs == {"train_s", "predict_s", "parameters"}
    assert len(COLUMNS) == 13
    assert set(DEFAULT_COLUMNS) <= {column.name for column in COLUMNS}


def test_a_column_with_a_mark_says_what_it_means():
    for column in COLUMNS:
        assert column.note[:1] == (column.header[-1] if column.header[-1] in "†*" else "")


def test_what_a_run_does_not_have_is_no_number():
    made = made_up()
    foreign = dataclasses.replace(made, budget=None)
    assert [column.value(foreign) for column in columns(["test_em", "best_em", "train_s"])] == [
        None,
        None,
        None,
    ]


def test_a_metric_of_a_plugin_is_a_column_of_runs_that_have_it():
    key = "dist/overlap"
    (column,) = columns([key], [key])
    measured = dataclasses.replace(made_up(), metrics={key: MetricFacts(-0.12345, "", "dist", "1")})
    assert column.header == "overlap"
    assert fixed(column.value(measured), column.decimals) == "−0.123"
    assert column.value(made_up()) is None
    assert column.more_is_better


def test_a_wrong_name_lists_every_name():
    with pytest.raises(ReportError, match=r"no column 'f2'; there are em, f1, .*, dist/overlap \("):
        columns(["em", "f2"], ["dist/overlap"])
