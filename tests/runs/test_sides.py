"""What a run says of its questions before it trains, and what it leaves beside its report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qabench.benchmarks import settings as benchmark
from qabench.data.readers import read_file
from qabench.errors import DataError
from qabench.runs import sides
from qabench.runs.pipeline import run
from qabench.runs.tasks import Plan
from qabench.runs.verify import verify
from qabench.training.backbone import load_tokenizer


def test_the_same_training_and_dev_questions_are_refused_before_training(
    benchmark_file, heads, tmp_path
):
    train = benchmark.load(str(benchmark_file)).data.train
    same = benchmark.load(str(benchmark_file), [f"data.dev={train}"])
    with pytest.raises(DataError, match="--allow-overlap"):
        run(Plan(same, heads[:1], [0], tmp_path), lambda line: None)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def side(benchmark_file):
    settings = benchmark.load(str(benchmark_file))
    data = read_file(Path(settings.data.dev))
    return sides.side(settings, data, load_tokenizer(settings.backbone), None, 0)


def test_golds_that_are_longer_than_any_answer_are_counted_with_the_key_to_raise(side):
    said: list[str] = []
    sides.describe("dev", side, 1, said.append)
    windows = side.windows
    long = {
        int(windows.example[n]) for n in range(len(windows)) if windows.end[n] > windows.start[n]
    }
    assert long
    assert f", {len(long)} golds longer than answers.max_answer_tokens = 1 (raise it)" in said[0]
    said.clear()
    sides.describe("dev", side, 99, said.append)
    assert "max_answer_tokens" not in said[0]


def test_what_was_read_otherwise_is_said_after_the_counts(side):
    said: list[str] = []
    noted = replace(side, read=replace(side.read, notes=("3 ids are text",)))
    sides.describe("dev", noted, 30, said.append)
    assert said[1] == "dev: 3 ids are text"


def test_bad_records_and_what_is_shared_stand_beside_and_in_the_report(
    benchmark_file, heads, tmp_path
):
    given = benchmark.load(str(benchmark_file)).data
    document = json.loads(Path(given.train).read_text())
    dev = json.loads(Path(given.dev).read_text())
    document["data"] += [dev["data"][0] | {"title": "again"}]
    bad = document["data"][0]["paragraphs"][0]["qas"][0]
    bad["question"] = ""
    path = tmp_path / "train.json"
    path.write_text(json.dumps(document))
    changes = [f"data.train={path}", "data.on_bad_record=skip", "training.epochs=1"]
    settings = benchmark.load(str(benchmark_file), changes)
    said: list[str] = []
    (record,) = run(Plan(settings, heads[:1], [0], tmp_path / "runs"), said.append)
    lines = (record.folder / "bad_records.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [bad["id"]]
    assert "bad_records.jsonl" in record.report.files
    assert record.report.overlap["contexts"] > 0
    assert any(one.startswith("training shares ids with") for one in record.report.warnings)
    assert any(one.startswith("training shares ids with") for one in said)
    assert verify(record.folder).problems == ()
