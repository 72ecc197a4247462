"""Kept windows are the made ones, or they are made again."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from test_windows import cut, example

from qabench import window_cache
from qabench.backbone import load_tokenizer
from qabench.benchmark import BackboneSettings, WindowSettings
from qabench.examples import ExampleSet, GoldAnswer
from qabench.files import sha256
from qabench.tokenization import Texts
from qabench.window_cache import fetch, key, place
from qabench.windows import Windows

SMALL = WindowSettings(max_length=24, overlap=4, max_question_tokens=8)
KEY = "0" * 64


@pytest.fixture(scope="module")
def tokenizer(encoder_folder):
    return load_tokenizer(BackboneSettings(str(encoder_folder)))


@pytest.fixture(scope="module")
def windows(tokenizer) -> Windows:
    return cut(
        tokenizer,
        [
            example(" ".join(["Anna"] * 40 + ["Paris"]), answer="Paris", id="a"),
            example("Anna lives in Paris .", "Where " * 30, id="b"),
            example("\x07", "Where ?", id="c"),
        ],
    )


def refuse() -> Windows:
    raise AssertionError("the windows should have been there")


def kept(entry: Path, windows: Windows) -> Path:
    """An entry that holds the windows."""
    assert fetch(entry, windows.template, lambda: windows) is windows
    return entry


def assert_equal(one: object, other: object) -> None:
    """Every array has the same values, type and dtype."""
    for field in fields(one):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, Texts):
            assert_equal(left, right)
        elif isinstance(left, np.ndarray):
            assert type(left) is type(right)
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)
        else:
            assert left == right


def test_windows_are_made_once_and_look_the_same_when_loaded(windows, tmp_path):
    entry = kept(tmp_path / "deep" / KEY, windows)
    assert_equal(fetch(entry, windows.template, refuse), windows)


def test_so_are_windows_of_contexts_without_tokens(tokenizer, tmp_path):
    none = cut(tokenizer, [example("\x07")])
    assert len(none) == 0
    assert_equal(fetch(kept(tmp_path / KEY, none), none.template, refuse), none)


def test_an_entry_is_small_and_its_folder_holds_nothing_else(windows, tmp_path):
    entry = kept(tmp_path / KEY, windows)
    assert list(tmp_path.iterdir()) == [entry]
    for path in entry.glob("*.npy"):
        array = np.load(path, allow_pickle=False)
        assert array.dtype == np.min_scalar_type(array.max(initial=0)), path.name


def test_what_a_killed_process_had_begun_goes_when_the_entry_is_made(windows, tmp_path):
    half = tmp_path / f".{KEY}.abc"
    half.mkdir()
    (half / "first.npy").write_bytes(b"half")
    kept(tmp_path / KEY, windows)
    assert [path.name for path in tmp_path.iterdir()] == [KEY]


@pytest.mark.parametrize("number", [0, 255, 256, 65_535, 65_536, 2**31 - 1])
def test_values_at_the_limits_of_small_integers_come_back(windows, tmp_path, number):
    changed = replace(windows, context=np.full_like(windows.context, number))
    assert_equal(fetch(kept(tmp_path / KEY, changed), windows.template, refuse), changed)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [cut_off, flip_a_bit, empty, Path.unlink])
def test_a_damaged_file_of_any_kind_has_the_entry_made_anew(windows, tmp_path, spoil):
    entry = kept(tmp_path / KEY, windows)
    names = sorted(path.name for path in entry.iterdir())
    assert len(names) == 14
    for name in names:
        spoil(entry / name)
        assert fetch(entry, windows.template, lambda: windows) is windows, name
        assert_equal(fetch(entry, windows.template, refuse), windows)


@pytest.mark.parametrize(
    "manifest", ["", "[]", "{}", "null", "7", '{"key": 1}', "[" * 100_000, "\ud800", "{key}"]
)
def test_a_manifest_that_is_none_has_the_entry_made_anew(windows, tmp_path, manifest):
    entry = kept(tmp_path / KEY, windows)
    if manifest == "{key}":
        manifest = json.dumps({"key": KEY, "sha256": None})
    (entry / "manifest.json").write_bytes(manifest.encode("utf-8", "surrogatepass"))
    assert fetch(entry, windows.template, lambda: windows) is windows
    assert_equal(fetch(entry, windows.template, refuse), windows)


def test_an_entry_under_another_key_is_not_taken(windows, tmp_path):
    other = tmp_path / ("1" * 64)
    shutil.copytree(kept(tmp_path / KEY, windows), other)
    assert fetch(other, windows.template, lambda: windows) is windows


class Mischief:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("form", ["pickle", "npy", "zip", "empty"])
def test_nothing_is_ever_unpickled_and_no_other_file_taken_for_an_array(windows, tmp_path, form):
    entry = kept(tmp_path / KEY, windows)
    trace, path = tmp_path / "trace", entry / "first.npy"
    if form == "pickle":
        path.write_bytes(pickle.dumps(Mischief(trace)))
    elif form == "zip":
        path.write_bytes(b"PK\x03\x04")
    elif form == "empty":
        path.write_bytes(b"")
    else:
        np.save(path, np.array([Mischief(trace)], object), allow_pickle=True)
    manifest = json.loads((entry / "manifest.json").read_text())
    manifest["sha256"]["first"] = sha256(path)
    (entry / "manifest.json").write_text(json.dumps(manifest))
    assert fetch(entry, windows.template, lambda: windows) is windows
    assert not trace.exists()


def test_an_interrupted_or_impossible_write_leaves_nothing_and_the_windows_are_there(
    windows, tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    assert fetch(tmp_path / "file" / KEY, windows.template, lambda: windows) is windows

    original, calls = np.save, []

    def full(path, *args, **kwargs):
        calls.append(path)
        if len(calls) == 5:
            raise OSError(28, "No space left on device")
        original(path, *args, **kwargs)

    monkeypatch.setattr(window_cache.np, "save", full)
    folder = tmp_path / "cache"
    assert fetch(folder / KEY, windows.template, lambda: windows) is windows
    assert len(calls) == 5
    assert list(folder.iterdir()) == []


def named(*examples) -> ExampleSet:
    return ExampleSet(examples, "made up", ())


def test_the_key_follows_everything_that_decides_the_windows_and_nothing_else(
    tokenizer, monkeypatch
):
    one, other = example("Anna in Paris", answer="Paris", id="a"), example("Anna .", id="b")
    template = tokenizer.template

    def of(data, name="t", template=template, limits=SMALL):
        return key(data, name, template, limits)

    data = named(one, other)
    moved = replace(one, answers=(GoldAnswer("Anna", 0),))
    keys = [
        of(data),
        of(named(other, one)),
        of(named(moved, other)),
        of(named(one)),
        of(data, name="u"),
        of(data, template=replace(template, after=(1, 1))),
        of(data, limits=replace(SMALL, overlap=5)),
    ]
    assert of(replace(data, source="elsewhere")) == keys[0]
    for name in ("FORMAT", "WINDOWING_VERSION"):
        with monkeypatch.context() as patch:
            patch.setattr(window_cache, name, 0)
            keys.append(of(data))
    monkeypatch.setattr(window_cache.tokenizers, "__version__", "0")
    keys.append(of(data))
    assert len(set(keys)) == len(keys) == 10
    assert all(len(one) == 64 for one in keys)


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("QABENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / ".cache" / "qabench" / "windows"
    assert place() == home
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert place() == home
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert place() == tmp_path / "xdg" / "qabench" / "windows"
    monkeypatch.setenv("QABENCH_CACHE", str(tmp_path / "own"))
    assert place() == tmp_path / "own" / "windows"


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    for name in ("QABENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(window_cache.Path, "home", homeless)
    assert place() is None
