"""One's own data: a file of their own, and never under the name of another benchmark."""

import json

import pytest

from qabench.benchmarks.own import write_benchmark
from qabench.benchmarks.settings import load
from qabench.errors import BenchmarkError, DataError


def questions(path, *ids):
    rows = [
        {"id": id, "question": f"Who {id}?", "context": f"Ada {id}.", "answers": []} for id in ids
    ]
    path.write_text(json.dumps(rows))
    return path


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return questions(tmp_path / "train.json", "a", "b"), questions(tmp_path / "dev.json", "c")


def test_the_file_is_a_valid_benchmark_with_defaults(place, tmp_path):
    lines = write_benchmark("mills", *place, "some/encoder")
    assert lines[0] == (
        "mills.toml: trains on 2 questions (2 without answer), scores 1 questions (1 without "
        "answer)."
    )
    assert "--benchmark mills.toml" in lines[-1]
    loaded = load("mills.toml")
    assert (loaded.name, loaded.note, loaded.data.source) == ("mills", "", "files")
    assert loaded.data.train == str(tmp_path / "train.json")
    assert loaded.backbone.name == "some/encoder"
    assert loaded.windows.max_length == 384


def test_windows_fit_an_encoder_with_few_positions(place):
    write_benchmark("mills", *place, "qabench:quickstart")
    windows = load("mills.toml").windows
    assert (windows.max_length, windows.overlap, windows.max_question_tokens) == (128, 32, 32)


def test_odd_paths_are_kept(place, tmp_path):
    odd = questions(tmp_path / 'a "b" \\ é.json', "x")
    write_benchmark("mills", odd, place[1], "e")
    assert load("mills.toml").data.train == str(odd)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../up", "No benchmark can be called '../up'"),
        ("", "No benchmark can be called ''"),
        ("quickstart", "is installed; choose another name"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(place, name, message):
    with pytest.raises(BenchmarkError, match=message):
        write_benchmark(name, *place, "e")


def test_an_older_file_is_kept(place):
    write_benchmark("mills", *place, "e")
    with pytest.raises(BenchmarkError, match="exists; choose another name"):
        write_benchmark("mills", *place, "e")


def test_nothing_is_written_for_data_that_fail_the_audit_or_are_the_same(place, tmp_path):
    (tmp_path / "bad.json").write_text('[{"id": "a"}]')
    with pytest.raises(DataError, match="'question': is missing"):
        write_benchmark("mills", place[0], tmp_path / "bad.json", "e")
    with pytest.raises(DataError, match="are the same 2"):
        write_benchmark("mills", place[0], place[0], "e")
    assert not (tmp_path / "mills.toml").exists()


def test_shared_contexts_are_said(place, tmp_path):
    lines = write_benchmark("mills", place[0], questions(tmp_path / "b.json", "a", "z"), "e")
    assert lines[1].startswith("But training shares ids with 1 of the dev questions, contexts")


OWN = ["data.source=files", "data.train=train.json", "backbone.name=e"]


@pytest.mark.parametrize(
    ("dev", "name"),
    [
        ("mills.json", "mills"),
        ("my data.v2.json.gz", "my-data"),
        ("mills/dev.json", "mills"),
        ("Mills/valid.jsonl", "Mills"),
        ("quickstart.json", "own-quickstart"),
        ("äö.json", "own"),
    ],
)
def test_a_changed_source_gets_the_name_of_the_data_and_no_note(dev, name):
    loaded = load("quickstart", [*OWN, f"data.dev='{dev}'"])
    assert (loaded.name, loaded.note, loaded.summary) == (name, "", "")


def test_a_changed_repository_gets_its_name():
    loaded = load("squad_v2", ["data.repository=owner/mills", "data.revision=main"])
    assert loaded.name == "mills"


def test_a_name_that_is_given_is_kept_and_so_is_that_of_unchanged_data():
    assert load("quickstart", [*OWN, "data.dev=dev.json", "name=mine"]).name == "mine"
    unchanged = load("quickstart", ["training.epochs=1"])
    assert (unchanged.name, bool(unchanged.note)) == ("quickstart", True)
