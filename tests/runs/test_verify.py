"""A report is believed because its numbers can be computed again."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.forging import change
from support.people import squad

from qabench.comparison.contests import gather
from qabench.errors import DataError, RunError
from qabench.reports import report_file
from qabench.runs.importing import ForeignFiles, import_predictions
from qabench.runs.verify import verify
from qabench.scoring import outcomes


@pytest.fixture(scope="module")
def foreign(tmp_path_factory) -> tuple[ForeignFiles, Path]:
    """A system that is right on half of the questions, and its report."""
    folder = tmp_path_factory.mktemp("foreign")
    document = squad(18, seed=2, filler=3)
    asked = [qa for part in document["data"][0]["paragraphs"] for qa in part["qas"]]
    texts = {qa["id"]: qa["answers"][0]["text"] if qa["answers"] else "Rome" for qa in asked}
    for id in list(texts)[::4]:
        texts[id] = "nothing like it"
    odds = {
        qa["id"]: float(place % 5 - (not qa["is_impossible"]) * 3) for place, qa in enumerate(asked)
    }
    for name, content in (("dev", document), ("predictions", texts), ("odds", odds)):
        (folder / f"{name}.json").write_text(json.dumps(content))
    files = ForeignFiles(
        "someone", folder / "dev.json", folder / "predictions.json", folder / "odds.json", 0.0
    )
    return files, import_predictions(files, folder / "runs")


@pytest.fixture
def run(foreign, tmp_path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(foreign[1], tmp_path / "run"))


def test_an_imported_report_is_scored_as_the_official_script_does(foreign):
    from qabench.data.readers import read_file
    from qabench.scoring.predictions import score_files

    files, folder = foreign
    official = score_files(read_file(files.data), files.predictions, files.null_odds, 0.0).official
    report = report_file.read(folder / report_file.FILE_NAME)
    assert report.scores.official == official.as_dict()
    assert report.budget is None
    ((contest),) = gather([folder])
    assert contest.systems[0].label == "someone"


def test_a_true_report_is_verified(run):
    assert verify(run).problems == ()
    assert verify(run / report_file.FILE_NAME).problems == ()


@pytest.mark.parametrize(
    ("keys", "value", "named"),
    [
        (("scores", "official", "exact"), 99.0, "scores.official.exact is 99.0"),
        (("scores", "official", "best_f1_thresh"), 9.0, "scores.official.best_f1_thresh"),
        (("scores", "tuned", "official", "f1"), 99.0, "scores.tuned.official.f1"),
        (("scores", "always_null", "exact"), 1.0, "scores.always_null.exact"),
        (("scores", "random_span", "exact"), 99.0, "scores.random_span.exact"),
        (("scores", "losses", "ranked lower"), 3.0, "scores.losses.ranked lower"),
        (("scores", "null_threshold"), 2.0, "scores.official.exact"),
        (("scores", "abstained"), 3, "scores.abstained is 3"),
        (("dev", "answerable"), 3, "dev.answerable is 3"),
        (("dev", "questions"), 3, "dev.questions is 3"),
        (("dev", "fingerprint"), "0" * 64, "dev.fingerprint"),
        (("settings", "data"), {"split_seed": 5}, "tune half"),
        (("files", "raw_predictions.json"), "0" * 64, "raw_predictions.json is not the file"),
        (("files", "gone.json"), "0" * 64, "gone.json is missing"),
        (("files",), {}, "no sha256 of questions.parquet"),
    ],
)
def test_a_report_changed_by_hand_is_found_out(run, keys, value, named):
    change(run, *keys, to=value)
    assert any(named in problem for problem in verify(run).problems)


def test_results_changed_together_with_their_hash_are_found_out(run):
    from dataclasses import replace

    from qabench.base.files import sha256

    path = run / outcomes.FILE_NAME
    found = outcomes.read(path)
    outcomes.write(replace(found, exact=np.ones(len(found)), f1=np.ones(len(found))), path)
    change(run, "files", outcomes.FILE_NAME, to=sha256(path))
    wrong = int((found.exact == 0).sum())
    expected = f"exact of {wrong} questions is not what their answers score"
    assert any(problem.startswith(expected) for problem in verify(run).problems)


def test_predictions_changed_together_with_their_hash_are_found_out(run):
    from qabench.base.files import sha256

    path = run / "raw_predictions.json"
    path.write_text(json.dumps(dict.fromkeys(json.loads(path.read_text()), "Paris")))
    change(run, "files", path.name, to=sha256(path))
    assert verify(run).problems == ("raw_predictions.json does not agree with questions.parquet.",)


def test_a_report_without_its_results_is_not_verified(run):
    (run / outcomes.FILE_NAME).unlink()
    assert any("questions.parquet is missing" in problem for problem in verify(run).problems)


def test_predictions_without_null_odds_have_no_tuned_scores(foreign, tmp_path):
    files = foreign[0]
    plain = ForeignFiles("plain", files.data, files.predictions)
    folder = import_predictions(plain, tmp_path)
    scores = report_file.read(folder / report_file.FILE_NAME).scores
    assert scores.tuned is None
    assert "best_exact" not in scores.official
    assert verify(folder).problems == ()


def test_an_import_that_answers_nothing_at_all_is_doubted_as_a_run_is(foreign, tmp_path):
    data = foreign[0].data
    asked = json.loads(foreign[0].predictions.read_text("utf-8"))
    predictions = tmp_path / "silent.json"
    predictions.write_text(json.dumps(dict.fromkeys(asked, "")))
    folder = import_predictions(ForeignFiles("silent", data, predictions), tmp_path)
    found = report_file.read(folder / report_file.FILE_NAME).warnings
    assert found[0].startswith("EM ")
    assert "is not above always answering nothing" in found[0]
    assert found[1:] == ("it abstains on every question",)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "x" * 101])
def test_a_name_that_is_no_folder_name_is_refused(foreign, tmp_path, name):
    files = foreign[0]
    with pytest.raises(RunError, match="cannot name a system"):
        import_predictions(ForeignFiles(name, files.data, files.predictions), tmp_path)
    assert not any(tmp_path.iterdir())


def test_an_import_is_not_overwritten_unless_forced(foreign):
    files, folder = foreign
    runs = folder.parent.parent
    with pytest.raises(RunError, match="--force"):
        import_predictions(files, runs)
    assert import_predictions(files, runs, force=True) == folder


def test_an_import_that_was_killed_leaves_no_report_and_is_made_whole(
    foreign, tmp_path, monkeypatch
):
    files, whole = foreign
    folder = import_predictions(replace(files, null_threshold=0.5), tmp_path)

    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(outcomes, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            import_predictions(files, tmp_path, force=True)
    assert not (folder / report_file.FILE_NAME).exists()
    with pytest.raises(RunError, match=r"null_threshold: 0.0 -> 2.0.*--force"):
        import_predictions(replace(files, null_threshold=2.0), tmp_path)
    assert import_predictions(files, tmp_path) == folder
    assert verify(folder).problems == ()
    assert (
        report_file.read(folder / report_file.FILE_NAME).files
        == report_file.read(whole / report_file.FILE_NAME).files
    )


def test_a_forced_import_keeps_nothing_of_the_one_before(foreign, tmp_path):
    files, _ = foreign
    folder = import_predictions(files, tmp_path)
    assert (folder / "null_odds.json").exists()
    import_predictions(replace(files, null_odds=None), tmp_path, force=True)
    assert not (folder / "null_odds.json").exists()


def test_predictions_of_other_questions_are_refused(foreign, tmp_path):
    files = foreign[0]
    path = tmp_path / "few.json"
    path.write_text(json.dumps({"s2-0": "Rome"}))
    with pytest.raises(DataError, match="lacks 17 of 18 questions"):
        import_predictions(ForeignFiles("few", files.data, path), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
