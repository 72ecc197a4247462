"""A whole run on made-up data: what it writes, that it repeats, resumes and refuses."""

from __future__ import annotations

import io
import json
import math
import re
import shutil
import signal
from pathlib import Path

import pytest
import torch
from support.payload import Payload

from qabench.base.files import sha256
from qabench.benchmarks import settings as benchmark
from qabench.comparison.contests import gather
from qabench.data.readers import read_file
from qabench.errors import BenchmarkError, PluginError, RunError, SignalError
from qabench.reports import report_file, rundir
from qabench.reports.report import Report
from qabench.runs.pipeline import run as run_plan
from qabench.runs.tasks import Plan
from qabench.runs.verify import verify
from qabench.scoring.predictions import golds_of, read_null_odds, read_predictions
from qabench.scoring.squad import official_scores


def run(plan: Plan, say) -> list[Report]:
    return [record.report for record in run_plan(plan, say)]


def lines() -> tuple[list[str], object]:
    said: list[str] = []
    return said, said.append


@pytest.fixture(scope="module")
def finished(benchmark_file, heads, tmp_path_factory):
    """Every installed head, one seed."""
    runs = tmp_path_factory.mktemp("runs")
    settings = benchmark.load(str(benchmark_file))
    return runs, run(Plan(settings, heads, [0], runs), lambda line: None)


def folder_of(runs: Path, head: str, seed: int = 0) -> Path:
    return runs / "tiny" / head / f"seed-{seed}"


def test_a_run_writes_whole_reports_predictions_and_a_model(finished, heads):
    runs, found = finished
    assert [report.plugin.name for report in found] == heads
    for head, report in zip(heads, found, strict=True):
        folder = folder_of(runs, head)
        names = {path.name for path in folder.iterdir()}
        predictions = {
            "predictions.json",
            "raw_predictions.json",
            "null_odds.json",
            "nbest_predictions.json",
            "questions.parquet",
        }
        others = {"run.json", "training_log.jsonl"}
        assert names == predictions | others | {"report.json", "report.sha256", "model"}
        model = {f"model/{path.name}" for path in (folder / "model").iterdir()}
        assert {"model/model.safetensors", "model/head.safetensors"} < model
        every = predictions | others | model
        assert report.files == {name: sha256(folder / name) for name in every}
        assert report_file.read(folder / "report.json") == report


def test_the_files_give_the_official_scores_again(finished, heads, data_files):
    runs, found = finished
    golds = golds_of(read_file(data_files[1]).examples)
    for head, report in zip(heads, found, strict=True):
        folder = folder_of(runs, head)
        raw = read_predictions(folder / "raw_predictions.json")
        odds = read_null_odds(folder / "null_odds.json")
        threshold = report.scores.null_threshold
        again = official_scores(golds, raw, odds, threshold).as_dict()
        assert again == report.scores.official
        final = read_predictions(folder / "predictions.json")
        assert official_scores(golds, final).exact == report.scores.official["exact"]
        assert all(final[id] == ("" if odds[id] > threshold else raw[id]) for id in raw)


def test_every_answer_is_a_slice_of_its_context(finished, heads, data_files):
    runs, _ = finished
    contexts = {one.id: one.context for one in read_file(data_files[1]).examples}
    for head in heads:
        lists = json.loads((folder_of(runs, head) / "nbest_predictions.json").read_text())
        assert lists.keys() == contexts.keys()
        for id, candidates in lists.items():
            for one in candidates:
                assert one["text"] == contexts[id][one["start"] : one["end"]]


def test_every_report_is_verified_by_its_files(finished, heads):
    runs, _ = finished
    for head in heads:
        assert verify(folder_of(runs, head)).problems == ()


def test_exchanged_weights_are_found(finished, heads, tmp_path):
    folder = Path(shutil.copytree(folder_of(finished[0], heads[0]), tmp_path / "run"))
    path = folder / "model" / "head.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    (problem,) = verify(folder).problems
    assert problem.startswith(
        "model/head.safetensors is not the file that the report was made from"
    )
    shutil.rmtree(folder / "model")
    assert verify(folder).problems == ()


def test_the_report_counts_the_budget(finished):
    _, found = finished
    for report in found:
        budget = report.budget
        assert budget.windows_seen == 2 * report.windows["train"]["windows"]
        assert budget.tokens_seen == 2 * report.windows["train"]["tokens"]
        assert budget.steps == 2 * math.ceil(report.windows["train"]["windows"] / 8)
        assert 0 < budget.evaluation_seconds < budget.train_seconds
        seconds = budget.train_seconds - budget.evaluation_seconds
        assert budget.tokens_per_second == pytest.approx(budget.tokens_seen / seconds)
        assert budget.seconds_per_step == pytest.approx(seconds / budget.steps)
        assert 0 < budget.loader_share < 1
        assert 0 <= budget.padding_share < 0.5
        assert 0 < budget.head_parameters < budget.trainable_parameters
        assert report.dev.questions == report.dev.scored == 18
        assert report.scores.always_null["exact"] == pytest.approx(100 / 3)
        assert report.environment.threads == 1


def test_the_log_has_training_and_validation_loss_and_scores_of_every_epoch(finished, heads):
    runs, found = finished
    for head, report in zip(heads, found, strict=True):
        text = (folder_of(runs, head) / "training_log.jsonl").read_text()
        log = [json.loads(line) for line in text.splitlines()]
        assert tuple(log) == report.training_log
        ends = [line for line in log if line["validation_loss"] is not None]
        assert [line["epoch"] for line in ends] == [1.0, 2.0]
        assert all(line["exact"] is not None and line["f1"] is not None for line in ends)
        assert ends[-1]["exact"] == report.scores.official["exact"]
        assert sum(line["train_loss"] is not None for line in log) > 2


def test_the_head_has_its_own_learning_rate(finished):
    _, found = finished
    assert {report.plugin.learning_rate for report in found} == {3e-3}


def test_the_same_seed_gives_the_same_weights_and_predictions(
    finished, heads, benchmark_file, tmp_path
):
    _, found = finished
    again = run(Plan(benchmark.load(str(benchmark_file)), heads[:1], [0], tmp_path), print)
    assert again[0].weights_sha256 == found[0].weights_sha256
    assert again[0].files == found[0].files


def test_another_seed_gives_other_weights_on_the_same_encoder(
    finished, heads, benchmark_file, tmp_path
):
    _, found = finished
    other = run(Plan(benchmark.load(str(benchmark_file)), heads[:1], [1], tmp_path), print)
    assert other[0].weights_sha256 != found[0].weights_sha256
    assert other[0].backbone == found[0].backbone


def test_a_finished_run_is_used_again(finished, heads, benchmark_file):
    runs, found = finished
    said, say = lines()
    plan = Plan(benchmark.load(str(benchmark_file)), heads[:1], [0], runs)
    assert run(plan, say) == found[:1]
    assert any("already finished" in line for line in said)


def test_a_run_that_another_process_has_just_finished_is_not_run_again(
    finished, heads, benchmark_file, monkeypatch
):
    runs, found = finished
    look, asked = rundir.finished, []

    def finished_at_the_second_look(folder, *identity):
        asked.append(folder)
        return look(folder, *identity) if len(asked) > 1 else None

    monkeypatch.setattr(rundir, "finished", finished_at_the_second_look)
    said, say = lines()
    assert run(Plan(benchmark.load(str(benchmark_file)), heads[:1], [0], runs), say) == found[:1]
    assert any("already finished" in line for line in said)


def test_force_runs_a_finished_run_again(finished, heads, benchmark_file, tmp_path):
    folder = folder_of(tmp_path, heads[0])
    shutil.copytree(folder_of(finished[0], heads[0]), folder)
    (folder / "mark").write_text("of the run before")
    plan = Plan(benchmark.load(str(benchmark_file)), heads[:1], [0], tmp_path, force=True)
    (again,) = run(plan, print)
    assert not (folder / "mark").exists()
    assert again.files == finished[1][0].files


def test_a_run_directory_of_other_settings_is_refused_with_the_difference(
    finished, heads, benchmark_file
):
    runs, _ = finished
    other = benchmark.load(str(benchmark_file), ["training.epochs=1"])
    with pytest.raises(RunError, match=r"benchmark\.training\.epochs: 2 -> 1.*--force"):
        run(Plan(other, heads[:1], [0], runs), print)
    assert report_file.read(folder_of(runs, heads[0]) / "report.json").budget.epochs == 2


def test_a_folder_that_is_not_a_run_directory_is_not_touched(heads, benchmark_file, tmp_path):
    folder = folder_of(tmp_path, heads[0])
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("all my work")
    plan = Plan(benchmark.load(str(benchmark_file)), heads[:1], [0], tmp_path, force=True)
    with pytest.raises(RunError, match="not a run directory"):
        run(plan, print)
    assert (folder / "thesis.txt").read_text() == "all my work"


@pytest.mark.parametrize(
    ("number", "code", "what"), [(2, 130, "interrupted"), (15, 143, "ended by SIGTERM")]
)
@pytest.mark.usefixtures("hears_ctrl_c")
def test_an_interrupted_run_is_resumed_to_the_same_weights(
    finished, heads, benchmark_file, tmp_path, monkeypatch, number, code, what
):
    _, found = finished
    settings = benchmark.load(str(benchmark_file))
    from qabench.training.fine_tuning import FineTuner

    original = FineTuner.log

    def interrupted(self, logs, *args, **kwargs):
        original(self, logs, *args, **kwargs)
        if self.state.global_step > 8:
            signal.raise_signal(number)

    monkeypatch.setattr(FineTuner, "log", interrupted)
    message = f"{what}; the same command resumes from the last checkpoint"
    with pytest.raises(SignalError, match=message) as error:
        run(Plan(settings, heads[:1], [0], tmp_path), print)
    assert error.value.exit_code == code
    monkeypatch.setattr(FineTuner, "log", original)
    assert not (folder_of(tmp_path, heads[0]) / "report.json").exists()
    (manifest,) = folder_of(tmp_path, heads[0]).glob("checkpoints/*/whole.json")
    before = json.loads(manifest.read_text())["seconds"]
    said, say = lines()
    resumed = run(Plan(settings, heads[:1], [0], tmp_path), say)
    assert any("resuming from checkpoint-" in line for line in said)
    budget = resumed[0].budget
    assert budget.resumed
    assert budget.train_seconds > before["training"] > before["evaluation"] > 0
    assert budget.evaluation_seconds > before["evaluation"]
    assert 0 < budget.loader_share < 1
    assert resumed[0].weights_sha256 == found[0].weights_sha256
    assert resumed[0].files == found[0].files
    assert resumed[0].training_log == found[0].training_log


@pytest.fixture(scope="module")
def half_done(heads, benchmark_file, tmp_path_factory, hears_ctrl_c) -> Path:
    """Runs that stopped after the first checkpoint."""
    from qabench.training.fine_tuning import FineTuner

    runs = tmp_path_factory.mktemp("half_done")

    def stopped(self, *args):
        if self.state.epoch >= 1:
            signal.raise_signal(2)
        return training_step(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        training_step = FineTuner.training_step
        patch.setattr(FineTuner, "training_step", stopped)
        with pytest.raises(SignalError):
            run(Plan(benchmark.load(str(benchmark_file)), heads[:1], [0], runs), print)
    return runs


def forged(half_done: Path, head: str, folder: Path, name: str, content: bytes) -> Path:
    """A copy of the runs, with another file in the checkpoint and a manifest that fits."""
    runs = Path(shutil.copytree(half_done, folder / "runs"))
    (manifest,) = folder_of(runs, head).glob("checkpoints/*/whole.json")
    manifest.with_name(name).write_bytes(content)
    known = json.loads(manifest.read_text())
    known["sha256"][name] = sha256(manifest.with_name(name))
    manifest.write_text(json.dumps(known))
    return runs


@pytest.mark.parametrize(
    "name", ["model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth"]
)
def test_a_checkpoint_of_a_stranger_is_not_unpickled(
    half_done, heads, benchmark_file, tmp_path, name
):
    mark, content = tmp_path / "was_run", io.BytesIO()
    torch.save(Payload(mark), content)
    runs = forged(half_done, heads[0], tmp_path, name, content.getvalue())
    message = r"checkpoint-\d+ cannot be resumed from \(\w+: [^()]*\); run again with --force"
    with pytest.raises(RunError, match=message):
        run(Plan(benchmark.load(str(benchmark_file)), heads[:1], [0], runs), print)
    assert not mark.exists()


@pytest.mark.parametrize("state", ["{}", "[]", '{"global_step": "x"}', "\udcff"])
def test_a_checkpoint_without_a_state_is_one_sentence(
    half_done, heads, benchmark_file, tmp_path, state
):
    content = state.encode(errors="surrogateescape")
    runs = forged(half_done, heads[0], tmp_path, "trainer_state.json", content)
    with pytest.raises(RunError, match=r"checkpoint-\d+ cannot be resumed from"):
        run(Plan(benchmark.load(str(benchmark_file)), heads[:1], [0], runs), print)


@pytest.mark.parametrize(("keep", "kept"), [("last", 1), ("best", 0)])
def test_the_epoch_that_is_kept_is_the_last_or_the_best_on_the_tune_half(
    heads, benchmark_file, tmp_path, monkeypatch, keep, kept
):
    from qabench.training.backbone import weights_hash
    from qabench.training.fine_tuning import TUNE_EXACT, FineTuner

    settings = benchmark.load(str(benchmark_file), [f"training.keep_epoch={keep}"])
    original, hashes = FineTuner.evaluate, []

    def worse_from_epoch_to_epoch(self, *args, **kwargs):
        metrics = original(self, *args, **kwargs)
        assert 0 <= metrics[f"eval_{TUNE_EXACT}"] <= 100
        hashes.append(weights_hash(self.model.state_dict()))
        return metrics | {f"eval_{TUNE_EXACT}": 50.0 - len(hashes)}

    monkeypatch.setattr(FineTuner, "evaluate", worse_from_epoch_to_epoch)
    (report,) = run(Plan(settings, heads[:1], [0], tmp_path), print)
    assert len(set(hashes)) == 2
    assert report.weights_sha256 == hashes[kept]


def test_the_best_epoch_is_refused_where_no_half_of_the_questions_can_choose_it(
    heads, benchmark_file, data_files, tmp_path
):
    document = json.loads(data_files[1].read_text("utf-8"))
    article = document["data"][0]
    one = {"version": "", "data": [{**article, "paragraphs": article["paragraphs"][:1]}]}
    dev = tmp_path / "one_context.json"
    dev.write_text(json.dumps(one), "utf-8")
    words = [f"data.dev={dev}", "training.epochs=1"]
    settings = benchmark.load(str(benchmark_file), [*words, "training.keep_epoch=best"])
    with pytest.raises(BenchmarkError, match=r"share one context.*set it to 'last'"):
        run(Plan(settings, heads[:1], [0], tmp_path / "runs"), print)
    settings = benchmark.load(str(benchmark_file), words)
    (report,) = run(Plan(settings, heads[:1], [0], tmp_path / "runs"), print)
    assert report.scores.tuned is None


def test_a_subset_is_drawn_by_seed_and_is_not_the_first_questions(heads, benchmark_file, tmp_path):
    settings = benchmark.load(
        str(benchmark_file), ["data.max_train_questions=12", "training.epochs=1"]
    )
    found = run(Plan(settings, heads[:1], [0, 1], tmp_path), print)
    assert [report.train.questions for report in found] == [12, 12]
    assert [report.train.available for report in found] == [48, 48]
    assert found[0].train.fingerprint != found[1].train.fingerprint


def test_a_diverged_run_stops_loudly_and_leaves_no_report(heads, benchmark_file, tmp_path):
    settings = benchmark.load(
        str(benchmark_file),
        ["training.learning_rate=1e30", "training.head_learning_rate=1e30"],
    )
    message = (
        r"(loss is|scores are) \S+.* step \d+ on questions 's1-\d+', .*training diverged; lower"
    )
    with pytest.raises(RunError, match=message):
        run(Plan(settings, heads[:1], [0], tmp_path), print)
    folder = folder_of(tmp_path, heads[0])
    assert not (folder / "report.json").exists()
    run(Plan(benchmark.load(str(benchmark_file)), heads[:1], [1], tmp_path), print)
    (contest,) = gather([tmp_path])
    (left_out,) = contest.unfinished
    assert (left_out.plugin, left_out.seed, left_out.folder) == (heads[0], 0, folder)
    assert re.search(r"^.* step \d+ on questions 's1-\d+', .*\(seed 0\)$", left_out.problem)


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ("head.dropuot=0.1", PluginError, "did you mean 'dropout'"),
        ("head.nobody.dropout=0.1", BenchmarkError, r"\[head.nobody\] is for no installed plugin"),
        ("windows.max_length=512", BenchmarkError, "positions for 128 tokens"),
        ("windows.overlap=40", BenchmarkError, "not more than the overlap of 40"),
        ("training.precision=fp16", RunError, "fp16 does not train on a CPU"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_training(
    heads, benchmark_file, tmp_path, override, error, message
):
    settings = benchmark.load(str(benchmark_file), [override])
    with pytest.raises(error, match=message):
        run(Plan(settings, heads[:1], [0], tmp_path), print)
    assert not any(tmp_path.iterdir())


def test_bf16_keeps_the_head_in_float32(heads, benchmark_file, tmp_path):
    settings = benchmark.load(str(benchmark_file), ["training.precision=bf16", "training.epochs=1"])
    for report in run(Plan(settings, heads, [0], tmp_path), print):
        assert report.environment.precision == "bf16"
        assert all(
            math.isfinite(line["train_loss"])
            for line in report.training_log
            if line["train_loss"] is not None
        )


@pytest.mark.slow
def test_every_head_learns_the_made_up_task(heads, benchmark_file, tmp_path, data_files):
    settings = benchmark.load(
        str(benchmark_file), ["training.epochs=60", f"data.dev='{data_files[0]}'"]
    )
    for report in run(Plan(settings, heads, [0], tmp_path), print):
        assert report.scores.official["exact"] > 80
