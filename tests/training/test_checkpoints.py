"""What an unfinished run keeps: whole or not at all, and never loaded when it is not."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from qabench.reports.report import Segment
from qabench.training import checkpoints
from qabench.training.checkpoints import Prediction
from qabench.training.stopwatch import Seconds
from qabench.windows.answers import WindowSpans


def write_draft(run, step):
    folder = checkpoints.drafts(run) / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights" * step)
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}))


def keep(run, *steps, best=None):
    for step in steps:
        write_draft(run, step)
        segments = [Segment(step, {"torch": "2.9"})]
        checkpoints.keep(run, step, best, Seconds(2.5 * step, step, 0.5), segments)


def names(run):
    return sorted(path.name for path in (run / "checkpoints").iterdir())


def lines():
    said: list[str] = []
    return said, said.append


def test_the_newest_checkpoint_is_kept_and_the_one_before_goes(tmp_path):
    keep(tmp_path, 9, 10)
    assert names(tmp_path) == ["checkpoint-10"]
    assert checkpoints.last(tmp_path, pytest.fail) == checkpoints.of_step(tmp_path, 10)


def test_a_checkpoint_knows_what_its_training_took(tmp_path):
    keep(tmp_path, 4)
    assert checkpoints.seconds_of(checkpoints.of_step(tmp_path, 4)) == Seconds(10.0, 4, 0.5)


def test_a_checkpoint_knows_the_versions_that_it_was_trained_with(tmp_path):
    keep(tmp_path, 4)
    found = checkpoints.segments_of(checkpoints.of_step(tmp_path, 4))
    assert found == (Segment(4, {"torch": "2.9"}),)


def test_the_best_checkpoint_stays(tmp_path):
    keep(tmp_path, 1, 2, 3, best=1)
    assert names(tmp_path) == ["checkpoint-1", "checkpoint-3"]
    assert checkpoints.last(tmp_path, pytest.fail) == checkpoints.of_step(tmp_path, 3)


def test_a_run_without_a_whole_checkpoint_has_none(tmp_path):
    assert checkpoints.last(tmp_path / "none", pytest.fail) is None
    write_draft(tmp_path, 5)
    assert checkpoints.last(tmp_path, pytest.fail) is None


def test_the_one_before_is_there_until_the_new_one_is_whole(tmp_path, monkeypatch):
    keep(tmp_path, 1)
    write_draft(tmp_path, 2)

    def killed(*args):
        raise KeyboardInterrupt

    for step in ("sha256", "settle"):
        with monkeypatch.context() as patch:
            patch.setattr(checkpoints, step, killed)
            with pytest.raises(KeyboardInterrupt):
                checkpoints.keep(tmp_path, 2, None, Seconds(), [])
        assert checkpoints.last(tmp_path, pytest.fail) == checkpoints.of_step(tmp_path, 1)


@pytest.mark.parametrize(
    "harm", ["changed", "cut", "missing", "no manifest", "no JSON", "no seconds"]
)
def test_a_damaged_checkpoint_is_skipped_for_the_one_before_and_named(tmp_path, harm):
    keep(tmp_path, 1, 2, best=1)
    newest = checkpoints.of_step(tmp_path, 2)
    path = newest / "model.safetensors"
    if harm == "changed":
        path.write_bytes(b"weightz" * 2)
    elif harm == "cut":
        path.write_bytes(b"weights")
    elif harm == "missing":
        path.unlink()
    elif harm == "no manifest":
        (newest / "whole.json").unlink()
    elif harm == "no JSON":
        (newest / "whole.json").write_text('{"sha256": ')
    else:
        (newest / "whole.json").write_text('{"sha256": {}, "step": 2, "best": null}')
    said, say = lines()
    assert checkpoints.last(tmp_path, say) == checkpoints.of_step(tmp_path, 1)
    (line,) = said
    assert line.startswith("checkpoint-2 is skipped: ")


def test_a_checkpoint_whose_best_is_damaged_is_skipped(tmp_path):
    keep(tmp_path, 1, 2, best=1)
    (checkpoints.of_step(tmp_path, 1) / "model.safetensors").write_bytes(b"")
    said, say = lines()
    assert checkpoints.last(tmp_path, say) is None
    assert [line.split()[0] for line in said] == ["checkpoint-2", "checkpoint-1"]


def forge(run, which, changed):
    """Change the manifest of a checkpoint."""
    path = checkpoints.of_step(run, which) / "whole.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"step": 3},
        {"best": 9},
        {"best": "x"},
        {"seconds": 1},
        {"seconds": {"training": "long", "evaluation": 0, "loader": 0}},
        {"seconds": {"training": float("nan"), "evaluation": 0, "loader": 0}},
        {"seconds": {"training": 10**400, "evaluation": 0, "loader": 0}},
        {"sha256": {}},
        {"sha256": {"../../../secret": "0"}},
        {"sha256": {"a\0b": "0"}},
        {"sha256": "none"},
    ],
    ids=lambda changed: str(changed)[:40],
)
def test_a_forged_manifest_is_skipped(tmp_path, changed):
    keep(tmp_path, 2)
    forge(tmp_path, 2, changed)
    assert checkpoints.last(tmp_path, print) is None


def test_checkpoints_that_call_each_other_the_best_end_nowhere(tmp_path):
    keep(tmp_path, 1, 2, best=1)
    forge(tmp_path, 1, {"best": 2})
    assert checkpoints.last(tmp_path, print) is None


@pytest.mark.parametrize(
    "put",
    [
        lambda path: path.write_bytes(b""),
        lambda path: os.mkfifo(path),
        lambda path: path.symlink_to(path.parents[2]),
    ],
    ids=["file", "pipe", "linked folder"],
)
def test_what_was_put_into_a_checkpoint_is_found(tmp_path, put):
    keep(tmp_path, 2)
    put(checkpoints.of_step(tmp_path, 2) / "pytorch_model.bin")
    assert checkpoints.last(tmp_path, print) is None


@pytest.mark.parametrize("what", ["model.safetensors", "whole.json", ""])
def test_a_link_in_place_of_a_checkpoint_is_not_followed(tmp_path, what):
    run = tmp_path / "run"
    run.mkdir()
    keep(run, 2)
    inside = checkpoints.of_step(run, 2) / what
    inside.rename(tmp_path / "outside")
    inside.symlink_to(tmp_path / "outside")
    assert checkpoints.last(run, print) is None
    keep(run, 3)
    assert names(run) == ["checkpoint-3"]
    assert (tmp_path / "outside").exists()


@pytest.fixture
def prediction() -> Prediction:
    places, scores = np.arange(6, dtype=np.int32).reshape(3, 2), np.full((3, 2), -np.inf)
    spans = WindowSpans(np.arange(3, dtype=np.int32), places, places, scores, scores[:, 0])
    return Prediction(spans, 1.5)


def test_a_prediction_is_used_again_only_for_the_same_weights(tmp_path, prediction):
    checkpoints.keep_prediction(tmp_path, prediction, "abc")
    again = checkpoints.kept_prediction(tmp_path, "abc")
    assert again.seconds == 1.5
    for name in ("window", "start", "end", "score", "null_score"):
        one, other = getattr(again.spans, name), getattr(prediction.spans, name)
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    assert checkpoints.kept_prediction(tmp_path, "abd") is None
    assert checkpoints.kept_prediction(tmp_path / "none", "abc") is None


def test_a_damaged_prediction_is_not_used(tmp_path, prediction):
    checkpoints.keep_prediction(tmp_path, prediction, "abc")
    path = tmp_path / "checkpoints" / "spans.npz"
    whole = path.read_bytes()
    # Past the first array's header, so that it is the checksum that finds it out.
    changed = bytearray(whole)
    changed[whole.index(b"NUMPY") + 130] ^= 1
    for damaged in (b"", whole[:100], whole[:-30], bytes(changed)):
        path.write_bytes(damaged)
        assert checkpoints.kept_prediction(tmp_path, "abc") is None


def test_a_compressed_prediction_is_not_used(tmp_path, prediction):
    checkpoints.keep_prediction(tmp_path, prediction, "abc")
    path = tmp_path / "checkpoints" / "spans.npz"
    with np.load(path) as arrays:
        known = dict(arrays)
    np.savez_compressed(path, **known)
    assert checkpoints.kept_prediction(tmp_path, "abc") is None


def test_a_prediction_behind_a_link_is_not_used(tmp_path, prediction):
    checkpoints.keep_prediction(tmp_path, prediction, "abc")
    path = tmp_path / "checkpoints" / "spans.npz"
    path.rename(tmp_path / "spans.npz")
    path.symlink_to(tmp_path / "spans.npz")
    assert checkpoints.kept_prediction(tmp_path, "abc") is None


def test_nothing_is_left_of_a_finished_run(tmp_path):
    keep(tmp_path, 1)
    checkpoints.remove(tmp_path)
    assert not any(tmp_path.iterdir())
    checkpoints.remove(tmp_path)
