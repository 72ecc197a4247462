"""The default benchmark: offline, repeatable, and nothing left elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.places import ROOT

from qabench.benchmarks import settings as benchmark

SHORT = (
    "--max-train-questions",
    "120",
    "--set",
    "data.max_dev_questions=60",
    "--set",
    "training.epochs=1",
)


def run(head: str, folder: Path, site: Path | None = None) -> str:
    """``qabench run`` on the default benchmark in an empty home, with the network off."""
    for name in ("home", "tmp", "work"):
        (folder / name).mkdir(parents=True)
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "SYSTEMROOT") if key in os.environ}
    environment = kept | {
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": os.pathsep.join([*([str(site)] if site else []), *sys.path[1:]]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "qabench", "run", "--plugin", head, *SHORT],
        cwd=folder / "work",
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", folder, ROOT], check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory) -> Path:
    """The unpacked wheel, far from the checkout."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def twice(heads, site, tmp_path_factory) -> tuple[list[Path], list[str]]:
    """Directories and outputs of two runs; the second finds the wheel before all else."""
    folders = [tmp_path_factory.mktemp("quickstart") for _ in range(2)]
    outputs = [run(heads[0], folders[0]), run(heads[0], folders[1], site)]
    return [folder / f"work/runs/quickstart/{heads[0]}/seed-0" for folder in folders], outputs


def test_the_same_seed_gives_the_same_weights_and_predictions(twice):
    one, other = (json.loads((folder / "report.json").read_text("utf-8")) for folder in twice[0])
    assert one["weights_sha256"] == other["weights_sha256"]
    assert one["files"] == other["files"]


def test_a_run_leaves_nothing_outside_its_directory(twice):
    for folder in twice[0]:
        top = folder.parents[4]
        assert not any(path.is_file() for path in (top / "home").rglob("*"))
        assert not any(path.is_file() for path in (top / "tmp").rglob("*"))
        assert [path.name for path in (top / "work").iterdir()] == ["runs"]


def test_it_says_its_threads_its_limits_and_what_to_do_next(twice, heads):
    output = twice[1][0]
    assert "encoder qabench:quickstart, cpu" in output
    assert "fp32, 1 thread" in output
    assert benchmark.load("quickstart").note in output
    after = output[output.index("Next:") :]
    for other in heads[1:]:
        assert f"qabench run --plugin {other} " in after
    assert "qabench report runs" in after
    assert "--benchmark squad_v2" in after


def test_every_option_works_on_it():
    changed = benchmark.load("quickstart", ["training.threads=2", "training.epochs=1"])
    assert changed.training.threads == 2
    assert changed.data.source == "generated"


def test_it_works_from_the_wheel_without_a_checkout(twice, site):
    assert "quickstart: 60 questions" in twice[1][1]
    assert not (site / "benchmarks").exists()
    templates = {path.name for path in (ROOT / "qabench" / "plugins" / "templates").iterdir()}
    assert templates == {path.name for path in (site / "qabench/plugins/templates").iterdir()}


def test_the_wheel_is_small(wheel):
    assert wheel.stat().st_size < 2_000_000
