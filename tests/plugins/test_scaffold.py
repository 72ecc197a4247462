"""A new plugin is complete: it installs, passes its tests, is found, and trains unchanged."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from qabench.benchmarks import settings as benchmark
from qabench.cli import main
from qabench.errors import PluginError
from qabench.plugins.discovery import discover
from qabench.plugins.scaffold import names_of, next_steps, write_plugin
from qabench.runs.pipeline import run as run_plan
from qabench.runs.tasks import Plan

HEAD = "My-new_head"


def python(*words: object, folder: Path, search: list[Path]) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(map(str, [*search, *sys.path[1:]]))
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "plugin"
    write_plugin(HEAD, folder)
    return folder


@pytest.fixture
def installed(folder, tmp_path, monkeypatch) -> Iterator[None]:
    """Its wheel is unpacked on the path, entry point and all."""
    build = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    done = python(*build, "--wheel-dir", tmp_path, folder, folder=tmp_path, search=[])
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "my_new_head"]:
        del sys.modules[name]


def test_it_is_found_by_its_entry_point_and_trains(installed, benchmark_file, tmp_path):
    head = discover().head(HEAD)
    assert (head.distribution, head.version) == ("my-new-head", "0.1.0")
    plan = Plan(benchmark.load(str(benchmark_file)), [HEAD], [0], tmp_path / "runs")
    (record,) = run_plan(plan, lambda line: None)
    assert record.report.plugin.name == HEAD
    log = record.report.training_log
    losses = [line["train_loss"] for line in log if line["train_loss"] is not None]
    assert losses[-1] < losses[0]


def test_its_own_tests_pass(folder, tmp_path):
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    done = python(*words, folder=folder, search=[folder])
    assert re.search(r"^\d{2,} passed", done.stdout, re.M), done.stdout
    assert done.returncode == 0


def test_its_head_is_under_40_lines_and_imports_torch_only_when_built(folder):
    files = [folder / "my_new_head" / name for name in ("__init__.py", "head.py")]
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    assert len([line for line in lines if line.strip()]) < 40
    code = "import sys, my_new_head as m; m.qabench_heads(); assert 'torch' not in sys.modules"
    done = python("-c", code, folder=folder, search=[folder])
    assert done.returncode == 0, done.stderr


def test_its_code_is_clean(folder):
    if importlib.util.find_spec("ruff") is None:
        pytest.skip("ruff is not installed")
    for words in (("check",), ("format", "--check")):
        done = python("-m", "ruff", *words, "--no-cache", ".", folder=folder, search=[])
        assert done.returncode == 0, done.stdout


def test_nothing_is_left_to_fill_in(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {str(path.relative_to(folder)) for path in files} == {
        "pyproject.toml",
        "README.md",
        str(Path("my_new_head/__init__.py")),
        str(Path("my_new_head/head.py")),
        str(Path("tests/test_my_new_head.py")),
    }
    assert not any("$" in path.read_text("utf-8") for path in files)
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"] == {"qabench": {HEAD: "my_new_head"}}


@pytest.mark.parametrize(
    ("head", "distribution", "package"),
    [
        ("tagger", "tagger", "tagger"),
        ("my-head", "my-head", "my_head"),
        ("My_Head-2", "my-head-2", "my_head_2"),
    ],
)
def test_distribution_and_package_follow_from_the_heads_name(head, distribution, package):
    names = names_of(head)
    assert (names.head, names.distribution, names.package) == (head, distribution, package)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("", "letters, digits"),
        ("../up", "letters, digits"),
        ("my head", "letters, digits"),
        ("my-", "ends with a letter or digit"),
        ("tête", "letters, digits"),
        ("2heads", "could not import '2heads'"),
        ("class", "could not import 'class'"),
        ("tests", "the folder of its tests"),
        ("torch", "replace the installed 'torch'"),
        ("json", "'import json' already means"),
    ],
)
def test_a_name_that_cannot_be_used_is_one_sentence_and_writes_nothing(head, reason, tmp_path):
    with pytest.raises(PluginError, match=reason) as caught:
        write_plugin(head, tmp_path / "new")
    assert str(caught.value).endswith("choose another name.")
    assert not list(tmp_path.iterdir())


def test_the_name_of_an_installed_head_is_refused(heads, tmp_path):
    with pytest.raises(PluginError, match=f"{heads[0]!r}.* of that name is installed"):
        write_plugin(heads[0], tmp_path / "new")


def test_a_folder_in_use_is_refused_and_stays_as_it_was(tmp_path, monkeypatch):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(PluginError, match="is not empty"):
        write_plugin(HEAD, tmp_path)
    with pytest.raises(PluginError, match="is a file"):
        write_plugin(HEAD, tmp_path / "notes.txt")
    with pytest.raises(PluginError, match=r"cannot be written to .*notes\.txt"):
        write_plugin(HEAD, tmp_path / "notes.txt" / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(PluginError, match="is the current folder"):
        write_plugin(HEAD, Path())


def test_an_empty_folder_is_filled_and_missing_ones_are_made(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "far/away"):
        write_plugin(HEAD, tmp_path / name)
        assert (tmp_path / name / "pyproject.toml").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "far"}


def test_an_empty_folder_on_pythons_path_is_no_package_of_its_name(tmp_path, monkeypatch):
    (tmp_path / "tagger").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    write_plugin("tagger", tmp_path / "tagger")
    assert (tmp_path / "tagger" / "pyproject.toml").is_file()


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    write = Path.write_text

    def fail(path: Path, *arguments: object) -> int:
        if path.name == "head.py":
            raise OSError(28, "No space left on device")
        return write(path, *arguments)

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(PluginError, match="No space left"):
        write_plugin(HEAD, tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_the_next_steps_are_commands_that_a_shell_takes():
    lines = next_steps("my-head", Path("my plugins/my-head"))
    assert [shlex.split(line, comments=True) for line in lines] == [
        ["pip", "install", "-e", "my plugins/my-head[test]"],
        ["pytest", "my plugins/my-head"],
        ["qabench", "run", "--plugin", "my-head"],
    ]


def test_the_command_writes_into_a_folder_of_the_heads_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["qabench", "new-plugin", "my-head"])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    assert (tmp_path / "my-head" / "my_head" / "head.py").is_file()
    assert "pip install -e 'my-head[test]'" in capsys.readouterr().out
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == PluginError.exit_code
    assert capsys.readouterr().err == (
        "qabench: my-head is not empty; name another folder, or empty it.\n"
    )


def test_its_spans_score_the_sum_of_their_logits(installed):
    from qabench.heads import WindowBatch

    torch.manual_seed(0)
    spec = discover().head(HEAD).spec
    head = spec.build(8, {"dropout": 0.0}).eval()
    mask = torch.tensor([[False, True, True, True]])
    batch, states = WindowBatch(torch.ones_like(mask), mask), torch.randn(1, 4, 8)
    start, end = head.project(states).unbind(2)
    found = head.spans(states, batch, 6, 3)
    for first, last, score in zip(found.start[0], found.end[0], found.score[0], strict=True):
        assert torch.isclose(score, start[0, first] + end[0, last])
    assert torch.isclose(found.null_score[0], start[0, 0] + end[0, 0])
