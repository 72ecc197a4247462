"""Reports are validated both ways; tables never mix data."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from qabench import leaderboard, reports
from qabench.errors import ReportError
from qabench.reports import Report

HASH = "0" * 64
COUNTS = dict.fromkeys(
    (
        "windows",
        "tokens",
        "questions_with_overflow",
        "clipped_questions",
        "questions_without_window",
        "golds_outside_windows",
        "golds_not_on_token_borders",
    ),
    1,
)


def made_up(plugin="one", seed=0, exact=60.0, data=HASH, **changed) -> Report:
    facts = reports.DataFacts("dev.json", 4, 4, 2, 4, 0, data)
    official = {"exact": exact, "f1": exact, "total": 4, "HasAns_exact": 20.0, "HasAns_f1": 20.0}
    null = {"exact": 50.0, "f1": 50.0, "total": 4, "HasAns_exact": 0.0, "HasAns_f1": 0.0}
    report = Report(
        format=reports.FORMAT,
        created="2026-01-01T00:00:00Z",
        benchmark="tiny",
        settings={"training": {"learning_rate": 1e-3, "epochs": 2}},
        seed=seed,
        train=dataclasses.replace(facts, scored=None),
        dev=facts,
        plugin=reports.PluginFacts(plugin, f"dist-{plugin}", "1", {}, 1e-3),
        backbone=reports.BackboneFacts("folder", None, HASH, HASH),
        windows={"train": COUNTS, "dev": COUNTS},
        budget=reports.Budget(
            2, 3, 4, 5, 6, 2, False, 7.5, 1.0, 0.5, 0.7, 2.3, 0.001, 0.1, 10, None
        ),
        environment=reports.Environment("3.11", "Linux", {}, "cpu", "x", "fp32", 1, 1, None),
        training_log=(),
        scores=reports.ReportScores(official, null, 0.0, 2),
        weights_sha256=HASH,
        files={"predictions.json": HASH},
        warnings=(),
    )
    return dataclasses.replace(report, **changed)


def test_a_report_reads_as_it_was_written(tmp_path):
    assert reports.read(reports.write(made_up(), tmp_path)) == made_up()
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"created": "yesterday"}, "created is"),
        ({"format": "qabench-report/0"}, "format is"),
        ({"seed": "0"}, "seed is"),
        ({"training_log": ({"step": 1, "epoch": float("inf")},)}, "training_log"),
        ({"settings": {"a": [1.0, float("nan")]}}, r"settings\.a\.1 is nan, but must be a finite"),
        ({"weights_sha256": "abc"}, "weights_sha256 is"),
        ({"scores": reports.ReportScores({"exact": 101, "f1": 1, "total": 1}, {}, 0.0, 0)}, "."),
    ],
)
def test_an_invalid_report_is_never_written(tmp_path, change, message):
    with pytest.raises(ReportError, match=message):
        reports.write(made_up(**change), tmp_path)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 1}', "\x00", "[" * 100_000])
def test_a_broken_report_file_is_one_sentence_that_names_it(tmp_path, content):
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(ReportError, match=str(path)):
        reports.read(path)


def test_an_unknown_key_in_a_report_is_named(tmp_path):
    path = reports.write(made_up(), tmp_path)
    document = json.loads(path.read_text())
    document["budget"]["stepz"] = 1
    path.write_text(json.dumps(document))
    with pytest.raises(ReportError, match=r"unknown key 'stepz' in budget .did you mean 'steps'"):
        reports.read(path)


def test_every_field_of_a_report_stands_in_the_schema():
    from qabench.validation import schema

    properties = schema("report")["properties"]
    assert {field.name for field in dataclasses.fields(Report)} == properties.keys()
    for name in ("train", "dev", "plugin", "backbone", "budget", "environment", "scores"):
        fields = {field.name for field in dataclasses.fields(getattr(made_up(), name))}
        assert fields == properties[name]["properties"].keys()


def test_reports_are_found_in_files_and_folders_each_once(tmp_path):
    for seed in (0, 1):
        (tmp_path / f"seed-{seed}").mkdir()
        reports.write(made_up(seed=seed), tmp_path / f"seed-{seed}")
    found = reports.find([tmp_path, tmp_path / "seed-0", tmp_path / "seed-1" / "report.json"])
    assert [report.seed for report in found] == [0, 1]
    with pytest.raises(ReportError, match="cannot be read"):
        reports.find([Path("no-such.json")])


def test_a_table_ranks_by_em_and_ends_with_always_null():
    (table,) = leaderboard.tables([made_up("one", exact=55.0), made_up("two", exact=60.0)])
    assert [row[0] for row in table.rows] == ["two", "one", "always null"]
    assert table.rows[-1][2] == "50.00"
    assert "4 questions (2 without answer)" in table.title


def test_seeds_are_averaged_and_their_spread_is_shown_never_the_best():
    runs = [made_up(seed=0, exact=50.0), made_up(seed=1, exact=60.0)]
    (table,) = leaderboard.tables(runs)
    assert table.rows[0][:3] == ("one", "0,1", "55.00 ± 7.07")


def test_runs_on_different_data_never_share_a_table():
    other = "1" * 64
    tables = leaderboard.tables([made_up(), made_up(data=other)])
    assert len(tables) == 2
    assert len({table.title for table in tables}) == 2


def test_runs_of_other_settings_are_other_rows_and_say_what_they_are():
    longer = made_up(settings={"training": {"learning_rate": 1e-3, "epochs": 9}})
    (table,) = leaderboard.tables([made_up(), longer])
    assert len(table.rows) == 3
    assert {"9 epochs" in row[0] for row in table.rows[:2]} == {True, False}


def test_a_score_that_the_data_does_not_have_is_a_dash():
    (table,) = leaderboard.tables([made_up()])
    column = leaderboard.HEADERS.index("NoAns EM")
    assert {row[column] for row in table.rows} == {"–"}


def test_warnings_of_a_run_stand_under_its_table():
    (table,) = leaderboard.tables([made_up(warnings=("it never abstains",))])
    text = leaderboard.render([table], "plain")
    assert "! one seed 0: it never abstains" in text


def test_html_is_escaped():
    (table,) = leaderboard.tables([made_up("<script>", warnings=("<b>",), benchmark="<i>")])
    text = leaderboard.render([table], "html")
    assert "<script>" not in text
    assert "<b>" not in text
    assert "<i>" not in text
