"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil

import pytest
from safetensors import SafetensorError

from qabench.base.files import (
    delete,
    draft_of,
    named_below,
    refuse_unwritable,
    remove_drafts,
    settle,
    sha256,
    write_json,
    write_text,
    writing,
)
from qabench.errors import RunError


def test_a_file_is_written_and_hashed(tmp_path):
    write_json(tmp_path / "a.json", {"é": [1, 2.5, None]}, indent=None)
    data = (tmp_path / "a.json").read_bytes()
    assert data == '{"é": [1, 2.5, null]}\n'.encode()
    assert sha256(tmp_path / "a.json") == hashlib.sha256(data).hexdigest()


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left on device"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(RunError, match="cannot be written"):
        write_text(tmp_path / "none" / "a.txt", "x")


def test_numbers_that_are_none_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "a.json", float("nan"))


def test_a_folder_takes_the_place_of_another_whole(tmp_path):
    folder, draft = tmp_path / "model", draft_of(tmp_path / "model")
    for path, name in ((folder, "old"), (draft / "deep", "new")):
        path.mkdir(parents=True)
        (path / name).write_text(name)
    settle(draft, folder)
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "deep", "new"]


def test_all_of_a_folder_is_on_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    draft = draft_of(tmp_path / "model")
    (draft / "deep").mkdir(parents=True)
    (draft / "deep" / "file").write_text("x")
    done, flush, move = [], os.fsync, type(draft).replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append(os.fstat(file).st_ino), flush(file)))
    monkeypatch.setattr(
        type(draft), "replace", lambda *paths: (done.append("renamed"), move(*paths))
    )
    inodes = {path.stat().st_ino for path in (draft, *draft.rglob("*"))}
    settle(draft, tmp_path / "model")
    assert set(done[:3]) == inodes
    assert done[3:] == ["renamed", tmp_path.stat().st_ino]


def test_a_deleted_folder_is_gone_from_its_place_at_once(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "file").write_text("x")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        delete(folder)
    assert not folder.exists()
    remove_drafts(tmp_path, "other")
    assert any(tmp_path.iterdir())
    remove_drafts(tmp_path, "run")
    assert not any(tmp_path.iterdir())
    delete(folder)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device"), r"\(No space left on device\)"),
        (SafetensorError("I/O error: No space left"), r"\(I/O error: No space left\)"),
        (Exception("No space left on device (os error 28)"), "os error 28"),
        (RuntimeError("[enforce fail at inline_container.cc:672]"), "torch could not write all"),
    ],
)
def test_what_libraries_say_of_a_full_disk_is_one_sentence(tmp_path, error, reason):
    path = tmp_path / "model"
    draft_of(path).mkdir()
    with pytest.raises(RunError, match=f"model cannot be written .*{reason}"), writing(path):
        raise error
    assert not any(tmp_path.iterdir())


def test_other_errors_are_not_taken_for_a_full_disk(tmp_path):
    with pytest.raises(RuntimeError, match="out of memory"), writing(tmp_path / "model"):
        raise RuntimeError("CUDA out of memory")


def test_a_folder_that_can_be_made_is_not_made(tmp_path):
    refuse_unwritable(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="Not a directory"):
        refuse_unwritable(tmp_path / "file" / "runs")
    with pytest.raises(RunError, match="File name too long"):
        refuse_unwritable(tmp_path / ("x" * 300) / "runs")
    with pytest.raises(RunError, match="is not a name in UTF-8"):
        refuse_unwritable(tmp_path / os.fsdecode(b"\xff"))


def test_a_folder_without_permission_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    with pytest.raises(RunError, match="Permission denied"):
        refuse_unwritable(tmp_path / "runs")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EPERM])
def test_a_file_system_that_does_not_flush_folders_is_enough(tmp_path, monkeypatch, number):
    flush = os.fsync

    def refuse_folders(descriptor):
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112
            raise OSError(number, os.strerror(number))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    write_text(tmp_path / "a.txt", "text")
    assert (tmp_path / "a.txt").read_text() == "text"


def test_files_below_a_folder_are_found_in_order_without_drafts(tmp_path):
    for name in ("b", "a/c", ".b.123.part", ".b.123.old.part"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "x.json").touch()
    assert named_below(tmp_path, "x.json") == [tmp_path / "a/c/x.json", tmp_path / "b/x.json"]


def test_a_folder_that_vanishes_while_it_is_looked_through_is_left_out(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.json").touch()
    scan = os.scandir

    def vanishing(place):
        if str(place).endswith("a"):
            raise FileNotFoundError(place)
        return scan(place)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert named_below(tmp_path, "x.json") == [tmp_path / "b/x.json"]
