"""The command line: quick help, one sentence per error, documented exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qabench import errors
from qabench.cli import app, main


def qabench(*words: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "COLUMNS": "100",
        "PYTHONPATH": os.pathsep.join(sys.path[1:]),
    }
    return subprocess.run(
        [sys.executable, "-m", "qabench", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=300,
    )


@pytest.fixture
def inside(monkeypatch, capsys):
    """The same in this process, which has torch loaded already: for what needs no isolation."""

    def call(*words: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["qabench", *map(str, words)])
        if folder is not None:
            monkeypatch.chdir(folder)
        try:
            main()
            code = 0
        except SystemExit as left:
            code = int(left.code or 0)
        output = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, output.out, output.err)

    return call


def assert_fails(done: subprocess.CompletedProcess[str], kind: type[errors.QABenchError]) -> str:
    assert done.returncode == kind.exit_code, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("qabench: ")
    return last


@pytest.fixture(scope="module")
def finished(benchmark_file, heads, tmp_path_factory) -> tuple[Path, str]:
    """The product of all heads and two seeds, by one command."""
    folder = tmp_path_factory.mktemp("cli")
    plugins = [word for head in heads for word in ("--plugin", head)]
    seeds = ("--seed", 0, "--seed", 1)
    done = qabench("run", "--benchmark", benchmark_file, *plugins, *seeds, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_run_makes_the_product_and_ends_with_the_comparison_table(finished, heads):
    folder, output = finished
    assert len(list(folder.rglob("report.json"))) == 2 * len(heads)
    assert "cpu (" in output
    assert "fp32, 1 thread" in output
    table = output[output.index("tiny: 18 questions") :]
    for head in heads:
        assert any(
            line.startswith(head) and "0,1" in line and "±" in line for line in table.split("\n")
        )
    assert "always null" in table


def test_the_progress_bar_and_the_lines_of_the_log_go_to_stderr(benchmark_file, heads, tmp_path):
    words = ("--plugin", heads[0], "--runs-dir", tmp_path, "--set", "training.epochs=1")
    done = qabench("run", "--benchmark", benchmark_file, *words)
    assert "it/s" in done.stderr or "s/it" in done.stderr
    for line in ("train_loss", "validation_loss"):
        assert line in done.stderr
        assert line not in done.stdout
    assert "{'loss'" not in done.stdout + done.stderr


def test_report_prints_the_same_table_again_in_every_format(finished, heads):
    folder, output = finished
    plain = qabench("report", folder / "runs").stdout
    assert plain.strip() in output
    assert qabench("report", folder / "runs", "--format", "github").stdout.count("|---") > 5
    assert r"\begin{tabular}" in qabench("report", folder / "runs", "--format", "latex").stdout
    assert "<table>" in qabench("report", folder / "runs", "--format", "html").stdout
    lines = qabench("report", folder / "runs", "--format", "csv").stdout.splitlines()
    assert len(lines) == len(heads) + 3
    assert lines[0].startswith("data,system,seeds,em,em_sd,f1")


def test_report_draws_figures_and_writes_a_page_beside_its_table(finished, inside, heads, tmp_path):
    runs = finished[0] / "runs" / "tiny" / heads[0]
    figures, page = tmp_path / "figures", tmp_path / "page.html"
    done = inside("report", runs, "--plots", figures, "--html", page)
    assert done.returncode == 0, done.stderr
    assert done.stdout == inside("report", runs).stdout
    drawn = {path.suffix for path in figures.rglob("*") if path.is_file()}
    assert drawn == {".png", ".svg"}
    text = page.read_text("utf-8")
    assert text.startswith("<!doctype html>")
    assert heads[0] in text


def test_a_question_without_a_window_is_scored_drawn_and_shown(
    inside, benchmark_file, heads, data_files, tmp_path
):
    document = json.loads(data_files[1].read_text())
    asked = {"id": "odd", "question": "Where ?", "answers": [], "is_impossible": True}
    document["data"][0]["paragraphs"].append({"context": "\u200b\u200b", "qas": [asked]})
    (tmp_path / "dev.json").write_text(json.dumps(document))
    words = ("--plugin", heads[0], "--set", "training.epochs=1", "--set", "data.dev=dev.json")
    done = inside("run", "--benchmark", benchmark_file, *words, folder=tmp_path)
    assert "1 questions without window" in done.stdout
    done = inside("report", "runs", "--plots", "figures", "--html", "page.html")
    assert done.returncode == 0, done.stderr


def test_score_gives_the_reports_numbers_for_its_files(finished, heads, data_files):
    folder = finished[0] / "runs" / "tiny" / heads[0] / "seed-0"
    done = qabench(
        "score",
        data_files[1],
        folder / "raw_predictions.json",
        "--null-odds",
        folder / "null_odds.json",
        "--format",
        "json",
    )
    official = json.loads((folder / "report.json").read_text())["scores"]["official"]
    assert json.loads(done.stdout)["official"] == official
    # The final answers, without odds, have the EM and F1 of the report too.
    done = qabench("score", data_files[1], folder / "predictions.json", "--format", "json")
    final = json.loads(done.stdout)["official"]
    assert (final["exact"], final["f1"]) == (official["exact"], official["f1"])


def test_score_needs_no_torch(data_files, tmp_path):
    predictions = tmp_path / "predictions.json"
    predictions.write_text(json.dumps({f"s2-{number}": "" for number in range(18)}))
    code = (
        "import sys\nfrom qabench.cli import app\n"
        f"app(['score', {str(data_files[1])!r}, {str(predictions)!r}], standalone_mode=False)\n"
        "assert not {'torch', 'transformers', 'datasets'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "33.33" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["plugins"],
        ["benchmarks"],
        ["run", "--help"],
        ["check", "--help"],
        ["new-plugin", "my-head", "{folder}/my-head"],
    ],
)
def test_looking_around_loads_neither_torch_nor_transformers(words, tmp_path):
    words = [word.format(folder=tmp_path) for word in words]
    code = (
        "import sys\nfrom qabench.cli import app\n"
        f"app({words!r}, standalone_mode=False)\n"
        "loaded = {'torch', 'transformers', 'datasets', 'torchcrf', 'pyarrow'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", sorted(app.commands))
def test_every_commands_help_has_an_example(inside, command):
    done = inside(command, "--help")
    assert done.returncode == 0
    assert f"Example: qabench {command}" in " ".join(done.stdout.split())


def test_plugins_lists_name_distribution_version_and_summary(heads):
    output = qabench("plugins").stdout
    for head in heads:
        row = next(line for line in output.splitlines() if line.startswith(head))
        assert "0.1.0" in row


def test_version_is_the_distributions():
    from importlib.metadata import version

    assert qabench("version").stdout == f"qabench {version('qabench')}\n"


def test_the_version_is_also_an_option(inside):
    assert inside("--version").stdout == inside("version").stdout


def test_help_is_also_a_command(inside):
    assert inside("help").stdout == inside("--help").stdout
    assert inside("help", "run").stdout == inside("run", "--help").stdout
    assert inside("help", "nothing").returncode == 2


@pytest.mark.parametrize("seed", [-1, 2**32, 10**30, "x"])
def test_a_seed_that_no_generator_takes_is_a_usage_mistake(inside, seed, tmp_path):
    words = ("--plugin", "x", "--seed", 0, "--seed", seed, "--runs-dir", tmp_path / "runs")
    assert inside("run", *words).returncode == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("setting", ["training.threads=1000000", "answers.n_best=1000000"])
def test_numbers_that_no_machine_holds_are_one_sentence(inside, setting, benchmark_file):
    done = inside("run", "--plugin", "x", "--benchmark", benchmark_file, "--set", setting)
    assert "must be at most" in assert_fails(done, errors.BenchmarkError)


def shell(command: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A line of bash, in which ``qabench`` is this one."""
    line = f'qabench() {{ "{sys.executable}" -m qabench "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, cwd=folder, timeout=60
    )


@pytest.mark.parametrize("command", ["plugins", "--help", "help", "run --help", "--version"])
def test_a_full_disk_behind_stdout_is_one_sentence(command):
    done = shell(f"qabench {command} > /dev/full")
    assert "No space left on device" in assert_fails(done, errors.OutputError)


def test_a_closed_stdout_is_one_sentence():
    assert "stdout is closed" in assert_fails(shell("qabench plugins >&-"), errors.OutputError)


def test_a_closed_stderr_changes_nothing():
    assert shell("qabench plugins 2>&-").stdout == shell("qabench plugins").stdout
    assert shell("qabench report nowhere 2>&-").returncode == errors.ReportError.exit_code


def test_a_reader_that_leaves_ends_the_command_without_a_word():
    done = shell("(sleep 1; qabench plugins; echo $? >&2) | true")
    assert done.stderr.strip() == "141"


def test_a_folder_that_was_deleted_is_one_sentence(tmp_path):
    done = shell("mkdir gone && cd gone && rmdir ../gone && qabench plugins", tmp_path)
    assert "current folder was deleted" in assert_fails(done, errors.RunError)


def test_verify_takes_folders_and_checks_all_that_it_finds(finished, inside, tmp_path):
    runs = Path(shutil.copytree(finished[0] / "runs", tmp_path / "runs"))
    count = len(list(runs.rglob("report.json")))
    done = inside("verify", runs)
    assert (done.returncode, done.stdout.count(": verified")) == (0, count)
    next(runs.rglob("report.json")).write_text("{")
    done = inside("verify", runs)
    assert f"1 of {count} reports" in assert_fails(done, errors.ReportError)
    assert done.stdout.count(": verified") == count - 1
    assert "report.json: cannot be checked\n" in done.stdout


def test_exit_codes_are_distinct_and_documented_in_help():
    kinds = [one for one in errors.QABenchError.__subclasses__() if one is not errors.SignalError]
    assert len({kind.exit_code for kind in kinds}) == len(kinds)
    text = " ".join(qabench("--help").stdout.split())
    for kind in kinds:
        assert f"{kind.exit_code} {kind.__name__.removesuffix('Error').lower()}" in text
    for signal in ("130 interrupted", "143 terminated"):
        assert signal in text


def test_usage_mistakes_exit_with_2(inside, tmp_path):
    assert inside("run").returncode == 2
    assert inside("report", tmp_path, "--format", "word").returncode == 2
    assert inside("score", "a", "b", "--null-threshold", "nan").returncode == 2


def test_a_wrong_benchmark_is_one_sentence(inside):
    done = inside("run", "--plugin", "x", "--benchmark", "squad")
    assert "did you mean 'squad_v" in assert_fails(done, errors.BenchmarkError)


def test_missing_data_is_one_sentence(inside, benchmark_file, heads):
    words = ("--plugin", heads[0], "--set", "data.train=no.json")
    done = inside("run", "--benchmark", benchmark_file, *words)
    assert "no.json" in assert_fails(done, errors.DataError)


def test_a_bad_record_is_named_and_can_be_skipped_and_counted(
    inside, benchmark_file, heads, data_files, tmp_path
):
    data = json.loads(data_files[0].read_text())
    data["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] = 1
    (tmp_path / "bad.json").write_text(json.dumps(data))
    words = ("--benchmark", benchmark_file, "--plugin", heads[0], "--set", "training.epochs=1")
    words = (*words, "--set", "data.train=bad.json")
    message = assert_fails(inside("run", *words, folder=tmp_path), errors.DataError)
    assert "bad.json" in message
    assert "'s1-0'" in message
    assert "answer_start" in message
    done = inside("run", *words, "--on-bad-record", "skip", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(next(tmp_path.rglob("report.json")).read_text())
    assert (report["train"]["skipped"], report["train"]["questions"]) == (1, 47)
    assert any("failed the audit" in warning for warning in report["warnings"])


def test_an_unknown_plugin_is_one_sentence(inside, benchmark_file):
    done = inside("run", "--plugin", "spanbert_cfr", "--benchmark", benchmark_file)
    assert "'spanbert_cfr'" in assert_fails(done, errors.PluginError)


def test_an_unreachable_encoder_is_one_sentence(inside, benchmark_file, heads):
    words = ("--plugin", heads[0], "--set", "backbone.name=nobody/nothing")
    done = inside("run", "--benchmark", benchmark_file, *words)
    assert "'nobody/nothing'" in assert_fails(done, errors.BackboneError)


def test_unreachable_hub_data_is_one_sentence(inside, heads, encoder_folder):
    words = ("--plugin", heads[0], "--set", f"backbone.name={encoder_folder}")
    limits = ("--set", "windows.max_length=100", "--set", "windows.overlap=10")
    done = inside("run", "--benchmark", "squad_v2", *words, *limits)
    assert "rajpurkar/squad_v2" in assert_fails(done, errors.DataError)


def test_a_runs_folder_that_cannot_be_made_is_one_sentence(inside, benchmark_file, heads, tmp_path):
    (tmp_path / "file").write_text("")
    words = ("--plugin", heads[0], "--runs-dir", tmp_path / "file")
    done = inside("run", "--benchmark", benchmark_file, *words)
    assert "(Not a directory); free some space, or name another folder" in assert_fails(
        done, errors.RunError
    )


def test_a_runs_folder_with_an_impossible_name_is_noticed_before_data_are_read(
    inside, benchmark_file, heads, tmp_path
):
    words = ("--plugin", heads[0], "--set", "data.train=no.json")
    for name, said in (("x" * 300, "File name too long"), (os.fsdecode(b"\xff"), "not a name in")):
        done = inside("run", "--benchmark", benchmark_file, *words, "--runs-dir", tmp_path / name)
        assert said in assert_fails(done, errors.RunError)


def test_a_folder_without_reports_is_one_sentence(inside, tmp_path):
    assert "no report.json" in assert_fails(inside("report", tmp_path), errors.ReportError)
