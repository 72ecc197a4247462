"""Heads that misbehave in a run end in one sentence that names plugin, version and call."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from support.broken_heads import GoodHead

from qabench import HeadSpec
from qabench.benchmarks import settings as benchmark
from qabench.errors import PluginError
from qabench.plugins.discovery import InstalledHead, Registry
from qabench.runs import pipeline
from qabench.runs.tasks import Plan

OWNER = r"Plugin 'made_up' \(some-dist 1\.2\)"


class PointsOutside(GoodHead):
    def finished(self, found):
        return replace(found, end=found.end + 1000)


class PointsOutsideOnceTrained(GoodHead):
    def finished(self, found):
        late = 1000 if self.steps > 3 else 0
        return replace(found, end=found.end + late)

    steps = 0

    def loss(self, states, batch):
        self.steps += 1
        return super().loss(states, batch)


class LeavesInTheSecondStep(PointsOutsideOnceTrained):
    def loss(self, states, batch):
        if self.steps == 1:
            sys.exit(0)
        return super().loss(states, batch)


@pytest.fixture
def run_head(benchmark_file, tmp_path, monkeypatch):
    def run(head: type[GoodHead]) -> None:
        spec = HeadSpec("made_up", "one line", lambda hidden_size, options: head(hidden_size))
        registry = Registry((InstalledHead(spec, "some-dist", "1.2"),), ())
        monkeypatch.setattr(pipeline, "discover", lambda: registry)
        settings = benchmark.load(str(benchmark_file), ["training.epochs=1"])
        pipeline.run(Plan(settings, ["made_up"], [0], tmp_path / "runs"), lambda line: None)

    return run


def test_illegal_spans_are_found_before_anything_is_trained_or_written(run_head, tmp_path):
    with pytest.raises(PluginError, match=f"{OWNER} breaks the contract of heads in spans"):
        run_head(PointsOutside)
    assert not (tmp_path / "runs").exists()


def test_spans_that_become_illegal_later_are_refused(run_head, tmp_path):
    with pytest.raises(PluginError, match=f"{OWNER} returned spans outside their contexts after"):
        run_head(PointsOutsideOnceTrained)
    assert not list(tmp_path.rglob("report.json"))


def test_a_head_that_exits_with_0_in_the_middle_of_a_training_fails_the_run(run_head):
    said = rf"{OWNER} failed in loss at test_misbehaving_heads\.py:\d+: SystemExit: 0"
    with pytest.raises(PluginError, match=said):
        run_head(LeavesInTheSecondStep)


def test_a_right_head_runs(run_head, tmp_path):
    run_head(GoodHead)
    assert list(tmp_path.rglob("report.json"))
