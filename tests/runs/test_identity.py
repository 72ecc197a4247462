"""A run is used or resumed only by what it was begun with: the difference is named."""

from __future__ import annotations

import json
import re
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from support.people import squad

from qabench.benchmarks import settings as benchmark
from qabench.errors import RunError, SignalError
from qabench.reports import report_file
from qabench.reports.report import Report
from qabench.runs import pipeline, tasks
from qabench.runs.tasks import Plan
from qabench.training.fine_tuning import FineTuner


@pytest.fixture(scope="module")
def own_benchmark(benchmark_file, encoder_folder, data_files, tmp_path_factory):
    """A benchmark whose encoder and data may be changed, of one epoch after a checkpoint."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copytree(encoder_folder, folder / "encoder")
    for name, path in zip(("train", "dev"), data_files, strict=True):
        shutil.copy(path, folder / f"{name}.json")
    words = [f"data.{name}={folder / name}.json" for name in ("train", "dev")]
    return benchmark.load(str(benchmark_file), [*words, f"backbone.name={folder / 'encoder'}"])


def run(settings, head, runs, **given) -> Report:
    plan = Plan(settings, [head], [0], runs, **given)
    (record,) = pipeline.run(plan, lambda line: None)
    return record.report


@pytest.fixture(scope="module")
def finished(own_benchmark, heads, tmp_path_factory) -> Path:
    runs = tmp_path_factory.mktemp("finished")
    run(own_benchmark, heads[0], runs)
    return runs


@pytest.fixture(scope="module")
def half_done(own_benchmark, heads, tmp_path_factory, hears_ctrl_c) -> Path:
    """A run that stopped after its first checkpoint."""
    runs, step = tmp_path_factory.mktemp("half_done"), FineTuner.training_step

    def stopped(self, *args):
        if self.state.epoch >= 1:
            signal.raise_signal(2)
        return step(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FineTuner, "training_step", stopped)
        with pytest.raises(SignalError):
            run(own_benchmark, heads[0], runs)
    return runs


def nudge_weights(settings) -> None:
    from safetensors.torch import load_file, save_file

    path = Path(settings.backbone.name) / "model.safetensors"
    weights = load_file(path)
    first = sorted(weights)[0]
    save_file(weights | {first: weights[first] + 1e-3}, path, metadata={"format": "pt"})


def exchange_a_word(settings) -> None:
    path = Path(settings.backbone.name) / "vocab.txt"
    words = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([*words[:-1], "another"]), "utf-8")


def turn_round(settings) -> None:
    document = squad(48, seed=1)
    document["data"][0]["paragraphs"].reverse()
    Path(settings.data.train).write_text(json.dumps(document))


CHANGES = {
    "backbone.weights_sha256": nudge_weights,
    "backbone.tokenizer_sha256": exchange_a_word,
    "data.train_order": turn_round,
}


@pytest.fixture
def changeable(own_benchmark):
    """The benchmark, whose files are put back afterwards."""
    places = [Path(own_benchmark.backbone.name), Path(own_benchmark.data.train)]
    before = {
        path: path.read_bytes()
        for place in places
        for path in (place, *place.rglob("*"))
        if path.is_file()
    }
    yield own_benchmark
    for path, content in before.items():
        path.write_bytes(content)


@pytest.mark.parametrize("key", CHANGES)
@pytest.mark.parametrize("which", ["finished", "half_done"])
def test_another_encoder_tokenizer_or_order_is_refused_with_the_difference(
    request, changeable, heads, which, key
):
    runs = request.getfixturevalue(which)
    CHANGES[key](changeable)
    hash = "[0-9a-f]{12}"
    message = rf"\({re.escape(key)}: {hash} -> {hash}\); choose another --runs-dir, or .*--force"
    with pytest.raises(RunError, match=message):
        run(changeable, heads[0], runs)
    with pytest.raises(RunError, match=message):
        run(changeable, heads[0], runs, accept_versions=True)


@pytest.mark.parametrize("which", ["finished", "half_done"])
def test_other_code_of_the_head_is_refused(request, own_benchmark, heads, which, monkeypatch):
    runs = request.getfixturevalue(which)
    monkeypatch.setattr(pipeline, "source_hash", lambda head: "a" * 64)
    with pytest.raises(RunError, match=r"plugin\.source_sha256: [0-9a-f]{12} -> a{12}\)"):
        run(own_benchmark, heads[0], runs)


def other_torch(monkeypatch) -> dict[str, str]:
    versions = tasks.versions() | {"torch": "9.9"}
    monkeypatch.setattr(tasks, "versions", lambda: versions)
    return versions


@pytest.mark.parametrize("which", ["finished", "half_done"])
def test_other_versions_are_refused(request, own_benchmark, heads, which, monkeypatch):
    runs = request.getfixturevalue(which)
    other_torch(monkeypatch)
    with pytest.raises(RunError, match=r"other versions \(versions\.torch: .* -> 9\.9\).*--accept"):
        run(own_benchmark, heads[0], runs)


def test_a_finished_run_of_accepted_versions_is_used_as_it_is(
    own_benchmark, heads, finished, monkeypatch
):
    (path,) = finished.rglob(report_file.FILE_NAME)
    before = [(one, one.stat().st_mtime_ns) for one in path.parent.iterdir()]
    other_torch(monkeypatch)
    report = run(own_benchmark, heads[0], finished, accept_versions=True)
    assert report == report_file.read(path)
    assert [(one, one.stat().st_mtime_ns) for one in path.parent.iterdir()] == before


def test_an_unfinished_run_of_accepted_versions_says_which_steps_were_whose(
    own_benchmark, heads, half_done, finished, tmp_path, monkeypatch
):
    runs = Path(shutil.copytree(half_done, tmp_path / "runs"))
    old, new = tasks.versions(), other_torch(monkeypatch)
    report = run(own_benchmark, heads[0], runs, accept_versions=True)
    first, second = report.budget.segments
    assert (first.versions, second.versions) == (old, new)
    assert first.steps == second.steps == report.budget.steps / 2
    # Its run file says what it ended with, so that the same command uses it from now on.
    assert run(own_benchmark, heads[0], runs) == report
    (undisturbed,) = finished.rglob(report_file.FILE_NAME)
    assert report.weights_sha256 == report_file.read(undisturbed).weights_sha256


def test_an_undisturbed_run_is_one_segment(finished):
    (path,) = finished.rglob(report_file.FILE_NAME)
    budget = report_file.read(path).budget
    assert [one.steps for one in budget.segments] == [budget.steps]


def test_an_encoder_that_changes_while_a_run_starts_is_refused(
    own_benchmark, heads, tmp_path, monkeypatch
):
    load = pipeline.load_encoder
    hashes = iter(["b" * 64])

    def changing(settings):
        encoder = load(settings)
        return replace(encoder, weights_hash=next(hashes, encoder.weights_hash))

    monkeypatch.setattr(pipeline, "load_encoder", changing)
    with pytest.raises(RunError, match="changed while this command ran"):
        run(own_benchmark, heads[0], tmp_path)
