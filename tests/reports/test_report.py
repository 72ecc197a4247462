"""Reports are validated both ways, and found wherever they lie."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from support.made_up import made_up

from qabench.errors import ReportError
from qabench.reports import report_file
from qabench.reports.report import Report


def test_a_report_reads_as_it_was_written(tmp_path):
    assert report_file.read(report_file.write(made_up(), tmp_path)) == made_up()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json", "report.sha256"]


def test_the_sha256_beside_a_report_tells_whether_it_was_edited(tmp_path):
    path = report_file.write(made_up(), tmp_path)
    assert report_file.broken_seal(path) is None
    path.write_text(path.read_text().replace("2026-01-01", "2026-01-02"))
    assert report_file.broken_seal(path) == (
        "report.json was edited after it was written: its sha256 differs."
    )
    (tmp_path / report_file.SEAL_NAME).unlink()
    assert "report.sha256 cannot be read" in report_file.broken_seal(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"created": "yesterday"}, "created is"),
        ({"format": "qabench-report/0"}, "format is"),
        ({"seed": "0"}, "seed is"),
        ({"training_log": ({"step": 1, "epoch": float("inf")},)}, "training_log"),
        ({"settings": {"a": [1.0, float("nan")]}}, r"settings\.a\.1 is nan, but must be a finite"),
        ({"weights_sha256": "abc"}, "weights_sha256 is"),
        (
            {"scores": dataclasses.replace(made_up().scores, official={"exact": 101})},
            "scores.official",
        ),
    ],
)
def test_an_invalid_report_is_never_written(tmp_path, change, message):
    with pytest.raises(ReportError, match=message):
        report_file.write(made_up(**change), tmp_path)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 1}', "\x00", "[" * 100_000])
def test_a_broken_report_file_is_one_sentence_that_names_it(tmp_path, content):
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(ReportError, match=str(path)):
        report_file.read(path)


def test_an_unknown_key_in_a_report_is_named(tmp_path):
    path = report_file.write(made_up(), tmp_path)
    document = json.loads(path.read_text())
    document["budget"]["stepz"] = 1
    path.write_text(json.dumps(document))
    with pytest.raises(ReportError, match=r"unknown key 'stepz' in budget .did you mean 'steps'"):
        report_file.read(path)


def test_every_field_of_a_report_stands_in_the_schema():
    from qabench.base.packaged import schema

    properties = schema("report")["properties"]
    assert {field.name for field in dataclasses.fields(Report)} == properties.keys()
    for name in ("train", "dev", "plugin", "backbone", "budget", "environment", "scores"):
        fields = {field.name for field in dataclasses.fields(getattr(made_up(), name))}
        assert fields == properties[name]["properties"].keys()


def test_reports_are_found_in_files_and_folders_each_once(tmp_path):
    for seed in (0, 1):
        (tmp_path / f"seed-{seed}").mkdir()
        report_file.write(made_up(seed=seed), tmp_path / f"seed-{seed}")
    found = report_file.find([tmp_path, tmp_path / "seed-0", tmp_path / "seed-1" / "report.json"])
    assert [report.seed for _, report in found] == [0, 1]
    assert [path.parent.name for path, _ in found] == ["seed-0", "seed-1"]
    with pytest.raises(ReportError, match="cannot be read"):
        report_file.find([Path("no-such.json")])


def test_a_report_that_vanishes_while_reports_are_read_is_left_out(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        report_file.write(made_up(name), tmp_path / name)
    read = report_file.read

    def take_away(path):
        if path.parent.name == "a":
            path.unlink(missing_ok=True)
        return read(path)

    monkeypatch.setattr(report_file, "read", take_away)
    assert [path.parent.name for path, _ in report_file.find([tmp_path])] == ["b"]
    with pytest.raises(ReportError, match="cannot be read"):
        report_file.find([tmp_path / "a" / "report.json"])
