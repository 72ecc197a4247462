"""Windows come back from the cache as they were made, or are made anew."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from qabench import window_cache
from qabench.backbone import load_tokenizer
from qabench.benchmark import BackboneSettings, WindowSettings
from qabench.readers import read_file
from qabench.window_cache import cache_folder, cached_windows
from qabench.windows import Windows, make_windows

SETTINGS = WindowSettings(48, 8, 16)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("QABENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "windows"


@pytest.fixture(scope="module")
def tokenizer(encoder_folder):
    return load_tokenizer(BackboneSettings(str(encoder_folder)))


@pytest.fixture(scope="module")
def data(data_files):
    return read_file(data_files[1])


def made(data, tokenizer, settings=SETTINGS, hash="a") -> Windows:
    return cached_windows(data, tokenizer.encoder, hash, tokenizer.template, settings)


def forbid(monkeypatch) -> None:
    def make_windows(*_):
        raise AssertionError("windows were cut anew")

    monkeypatch.setattr(window_cache, "make_windows", make_windows)


def assert_same(one: Windows, other: Windows) -> None:
    for a, b in ((one, other), (one.texts, other.texts)):
        for field in dataclasses.fields(a):
            left, right = getattr(a, field.name), getattr(b, field.name)
            if isinstance(left, np.ndarray):
                assert left.dtype == right.dtype, field.name
                assert np.array_equal(left, right), field.name
            elif field.name != "texts":
                assert left == right, field.name


def test_windows_come_back_as_they_were_made(folder, data, tokenizer, monkeypatch):
    expected = make_windows(data.examples, tokenizer.encoder, tokenizer.template, SETTINGS)
    assert_same(made(data, tokenizer), expected)
    forbid(monkeypatch)
    assert_same(made(data, tokenizer), expected)
    assert len(list(folder.iterdir())) == 1


def test_other_data_settings_order_or_tokenizer_are_other_entries(folder, data, tokenizer):
    made(data, tokenizer)
    made(dataclasses.replace(data, examples=data.examples[::-1]), tokenizer)
    made(dataclasses.replace(data, examples=data.examples[1:]), tokenizer)
    made(data, tokenizer, WindowSettings(48, 9, 16))
    made(data, tokenizer, hash="b")
    assert len(list(folder.iterdir())) == 5


@pytest.mark.parametrize("name", ["entry.json", "first.npy", "texts_ids.npy"])
@pytest.mark.parametrize("spoil", ["gone", "cut", "changed"])
def test_a_broken_entry_is_made_anew(folder, data, tokenizer, name, spoil):
    expected = made(data, tokenizer)
    (entry,) = folder.iterdir()
    path = entry / name
    content = path.read_bytes()
    path.unlink()
    if spoil == "cut":
        path.write_bytes(content[:-9])
    elif spoil == "changed":
        path.write_bytes(content[:-9] + b"\x07" * 9)
    assert_same(made(data, tokenizer), expected)
    assert path.read_bytes() == content


def test_an_array_of_objects_is_never_unpickled(folder, data, tokenizer):
    expected = made(data, tokenizer)
    (entry,) = folder.iterdir()
    np.save(entry / "first.npy", np.array([{}], object), allow_pickle=True)
    assert_same(made(data, tokenizer), expected)


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(
    tmp_path, data, tokenizer, monkeypatch
):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("QABENCH_CACHE", str(tmp_path / "file"))
    assert len(made(data, tokenizer)) > 0


def test_the_cache_is_where_the_user_wants_it(monkeypatch, tmp_path):
    monkeypatch.delenv("QABENCH_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "qabench"
    monkeypatch.setenv("QABENCH_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
