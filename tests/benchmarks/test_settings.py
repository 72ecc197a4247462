"""Benchmark files: defaults from the schema, overrides by type, errors that name the key."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import jsonschema
import pytest

from qabench.base.packaged import schema
from qabench.benchmarks import settings as benchmark
from qabench.errors import BenchmarkError

MINIMAL = """
name = "mine"
[data]
train = "train.json"
dev = "sub/dev.json"
[backbone]
name = "some/encoder"
"""


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL)
    return path


def test_the_recipe_of_squad_v2_is_the_published_one():
    recipe = benchmark.load("squad_v2")
    assert recipe.backbone.name == "SpanBERT/spanbert-base-cased"
    assert (recipe.windows.max_length, recipe.windows.overlap) == (384, 128)
    training = recipe.training
    assert (training.learning_rate, training.batch_size, training.epochs) == (2e-5, 8, 6)
    assert (training.weight_decay, training.logging_steps) == (0.01, 50)


@pytest.mark.parametrize("name", ["squad_v1", "squad_v2"])
def test_hub_data_is_pinned_to_a_commit(name):
    data = benchmark.load(name).data
    assert data.source == "hub"
    assert data.revision is not None
    assert len(data.revision) == 40


def test_the_published_schemas_are_valid_schemas():
    for name in ("benchmark", "report"):
        jsonschema.Draft202012Validator.check_schema(schema(name))


def test_every_field_of_the_dataclasses_stands_in_the_schema_and_back():
    properties = schema("benchmark")["properties"]
    for section in ("data", "backbone", "windows", "training", "answers"):
        kind = type(getattr(benchmark.load("squad_v2"), section))
        fields = {field.name for field in dataclasses.fields(kind)}
        assert fields == set(properties[section]["properties"])


def test_paths_in_a_file_are_relative_to_the_file(minimal):
    data = benchmark.load(str(minimal)).data
    assert data.train == str(minimal.parent / "train.json")
    assert data.dev == str(minimal.parent / "sub" / "dev.json")


def test_paths_in_an_override_are_relative_to_the_working_directory(minimal, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path / "..")
    assert benchmark.load(str(minimal), ["data.train=other.json"]).data.train == str(
        Path.cwd() / "other.json"
    )


def test_overrides_are_toml_values_and_strings_need_no_quotes(minimal):
    changed = benchmark.load(
        str(minimal),
        ["training.epochs=2", "training.learning_rate=1e-3", "backbone.name=a/b", "name='x'"],
    )
    assert changed.training.epochs == 2
    assert changed.training.learning_rate == 1e-3
    assert changed.backbone.name == "a/b"
    assert changed.name == "x"


def test_a_string_key_takes_digits_as_text(minimal):
    assert benchmark.load(str(minimal), ["backbone.revision=123"]).backbone.revision == "123"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epoch=2", "unknown key 'epoch' in training .did you mean 'epochs'"),
        ("trainning.epochs=2", "unknown key 'trainning' .did you mean 'training'"),
        ("training.epochs=two", 'training.epochs is "two", but must be of type integer'),
        ("training.epochs=0", "training.epochs is 0, but must be at least 1"),
        ("training.schedule=cubic", "must be one of linear, cosine, constant"),
        ("data.source=hub", "key 'data.repository' is missing"),
        ("name=../up", "must match"),
        (
            "answers.null_threshold=nan",
            "answers.null_threshold is nan, but must be a finite number",
        ),
        ("epochs", "not of the form section.key=value"),
        ("name.first=x", "'name' is a value, not a section"),
    ],
)
def test_a_wrong_override_names_the_key_and_how_to_fix_it(minimal, override, message):
    with pytest.raises(BenchmarkError, match=message):
        benchmark.load(str(minimal), [override])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name = ", "not valid TOML"),
        ("name = 'x'\nname = 'y'", "not valid TOML"),
        ("name = 'x'", "key '(backbone|data)' is missing"),
        (MINIMAL.replace("train =", "trian ="), "'(trian|data.train)'"),
    ],
)
def test_a_wrong_file_is_one_sentence_that_names_it(tmp_path, content, message):
    path = tmp_path / "bad.toml"
    path.write_text(content)
    with pytest.raises(BenchmarkError, match=message) as caught:
        benchmark.load(str(path))
    assert str(path) in str(caught.value)


def test_a_missing_file_and_an_unknown_name_are_said(tmp_path):
    with pytest.raises(BenchmarkError, match="cannot be read"):
        benchmark.load(str(tmp_path / "none.toml"))
    with pytest.raises(BenchmarkError, match="did you mean 'squad_v2'"):
        benchmark.load("squad-v2")


def test_head_options_are_for_all_heads_or_for_one(minimal):
    minimal.write_text(MINIMAL + "[head]\ndropout = 0.1\n[head.one]\ndropout = 0.2\nother = 1\n")
    loaded = benchmark.load(str(minimal))
    assert loaded.head_options("one") == {"dropout": 0.2, "other": 1}
    assert loaded.head_options("two") == {"dropout": 0.1}
